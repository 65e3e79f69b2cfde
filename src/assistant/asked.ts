/**
 * What the person asks for in words of their own, by the phrases that a tool
 * names. Most of what a model wishes for is voted on; what begins without a vote,
 * or ends what runs, is wanted by nobody but the person, and has to be said.
 */
import type { ModelMessage } from '../core/model.ts';
import type { Phrases, Tool } from '../core/tool.ts';

/** Whether the person's newest message asks for this call: never where the tool has no words for it. */
export function isAskedFor(tool: Tool, input: unknown, messages: ModelMessage[]): boolean {
  const newest = messages.findLast(({ role }) => role === 'person')?.text ?? '';
  return phrasesOf(tool, input).some(phrase => hasPhrase(newest, phrase));
}

/** With what this call is asked for. */
export function phrasesOf(tool: Tool, input: unknown): Phrases {
  if (!('asked' in tool)) return [];
  const { asked } = tool;
  const named = typeof asked === 'function' ? asked(Object(input)) : asked;
  return Array.isArray(named) ? named : [];
}

/** For people and models: "freeze" or "switch … off". */
export function quoted(phrases: Phrases): string {
  return phrases.map(phrase => `"${phrase}"`).join(' or ');
}

const between = String.raw`(?![\p{L}\p{N}_-])(?:[^.,;:!?]|[.,:](?=\S)){0,60}?(?<![\p{L}\p{N}_-])`;

/** Whether the text has the phrase, as words of their own. Phrases are letters, spaces and dashes. */
export function hasPhrase(text: string, phrase: string): boolean {
  const parts = phrase.split(' … ').map(part => part.replaceAll(' ', '\\s+'));
  return new RegExp(`(?<![\\p{L}\\p{N}_-])${parts.join(between)}(?![\\p{L}\\p{N}_-])`, 'iu').test(text);
}
