/**
 * Pairs every announced effect with its end. An intent without an end may be
 * running right now; an end without an intent means that something happened
 * which nobody announced, or that the announcement is gone.
 */
import type { ReadEntry } from './entry-bytes.ts';

export type OpenIntent = { seq: number; operation: string; step: string; action: string };

export class IntentLedger {
  readonly #operations = new Map<number, string>();
  readonly #open = new Map<number, OpenIntent>();

  /** Takes the log's next entry in; returns what is wrong with it as the end of an effect, if anything. */
  note(seq: number, entry: ReadEntry): string | undefined {
    const operation = String(entry.operation);
    if (entry.type === 'effect.intent') {
      this.#operations.set(seq, operation);
      this.#open.set(seq, { seq, operation, step: String(entry.step), action: String(entry.action) });
      return undefined;
    }
    if (entry.type !== 'effect.result' && entry.type !== 'effect.reconciled') return undefined;
    const intent = typeof entry.intent === 'number' ? this.#operations.get(entry.intent) : undefined;
    if (intent === undefined) return 'names no intent that came before it';
    if (intent !== operation) return "names another operation's intent";
    this.#open.delete(Number(entry.intent));
    return undefined;
  }

  /** Intents without an end, oldest first. */
  open(): OpenIntent[] {
    return [...this.#open.values()];
  }
}
