/** What stands under an answer of a model, whatever the surface: doubts that its reader should have, and what it took. */
import type { Block } from '../core/document.ts';
import type { Turn } from '../core/talk.ts';

export function turnNotes({ cited, unread, model, tokens, cost, conversation }: Turn): Block[] {
  const used = `${tokens.input + tokens.output} tokens${cost === undefined ? '' : `, ${cost.toFixed(4)}`}`;
  return [
    ...(cited.length === 0 ? [{ text: 'It names no result that it stands on.', tone: 'warn' as const }] : []),
    ...(unread.length > 0
      ? [{ text: `It names results that there are not: ${unread.join(', ')}`, tone: 'bad' as const }]
      : []),
    { text: `${model} · ${used} · ${conversation}`, tone: 'muted' },
  ];
}
