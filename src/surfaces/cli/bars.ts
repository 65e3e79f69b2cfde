/** Shares of a whole as bars of one width, so that the eye finds the fullest. */
import type { Bar } from '../../core/document.ts';
import { displayWidth, plainText } from './plain-text.ts';
import type { Paint } from './table.ts';

const full = 20;
/** On a narrow terminal. */
const short = 10;

/** One line for each bar, its name, filling, percentage and words. */
export function barLines(bars: Bar[], columns: number, paint: Paint): string[] {
  const named = bars.map(bar => ({ ...bar, name: plainText(bar.name), text: plainText(bar.text) }));
  const names = Math.max(0, ...named.map(({ name }) => displayWidth(name)));
  const texts = Math.max(0, ...named.map(({ text }) => displayWidth(text)));
  const size = names + texts + full + 13 > columns ? short : full;
  return named.map(({ name, share, text, tone = 'plain' }) => {
    const part = Number.isFinite(share) && share > 0 ? share : 0;
    const filled = Math.min(size, Math.round(part * size));
    const bar = paint('█'.repeat(filled), tone) + paint('░'.repeat(size - filled), 'muted');
    const percent = `${Math.round(part * 100)} %`.padStart(6);
    return `  ${name}${' '.repeat(names - displayWidth(name))}  ${bar} ${percent}  ${text}`.trimEnd();
  });
}
