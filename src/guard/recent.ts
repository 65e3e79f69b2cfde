/** How long a log-in on the page is good for what needs a person to be there: an ordinary vote, a terminal's log-in. */
import type { Proof } from '../core/records.ts';

export const recentMs = 15 * 60_000;

export function isRecent(proof: Proof, now: number): boolean {
  return now - Date.parse(proof.at) <= recentMs;
}
