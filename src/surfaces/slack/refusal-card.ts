/** What somebody is told whose click counted for nothing. */
import { type Card, context, notice, section } from './pieces.ts';

export function refusalCard(message: string, hint: string | undefined): Card {
  return { text: notice(message), blocks: [section(message), ...(hint ? [context(hint)] : [])] };
}
