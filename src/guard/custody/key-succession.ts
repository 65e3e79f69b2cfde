/**
 * Which key had to sign a checkpoint, told from the log itself. A rotation
 * counts only where one checkpoint that covers it carries the signatures of
 * both keys: who has the database but not the old key can write that another
 * key follows, and cannot have the old one say so.
 */
import type { CustodyStore } from '../../core/custody.ts';
import { decodeEntry, type ReadEntry } from './entry-bytes.ts';
import { type ParsedNote, signedBy } from './note.ts';
import { parseVerifierKey, type Verifier, verifierKeyText } from './signing-key.ts';
import { storedRows } from './stored-rows.ts';

type Rotation = { seq: number; from: string; to: string };

export class KeySuccession {
  readonly #rotations: Rotation[] = [];

  /** Takes the log's next entry in; answers what is wrong with it as a rotation, if anything. */
  note(seq: number, entry: ReadEntry): string | undefined {
    if (entry.type !== 'key.rotated') return undefined;
    const { from, to } = entry;
    const before = this.#rotations.at(-1);
    if (typeof from !== 'string' || typeof to !== 'string' || !isKey(from) || !isKey(to)) return 'names no keys';
    if (before && before.to !== from) return 'replaces a key that was not in force';
    this.#rotations.push({ seq, from, to });
    return undefined;
  }

  /**
   * Judges notes by what `trusted` leads to, forwards and backwards. Answers for each size the key that had to sign it, or
   * undefined where no accepted rotation leads to that key.
   */
  keysFrom(trusted: string, notes: ParsedNote[]): (size: number) => Verifier | undefined {
    const texts = this.#rotations.map(({ to }) => to);
    const first = this.#rotations[0]?.from ?? trusted;
    const keys = [first, ...texts].map(parseVerifierKey);
    const begin = keys.findIndex(key => verifierKeyText(key) === trusted);
    let [low, high] = [begin, begin];
    while (isBridged(this.#rotations[low - 1], notes)) low--;
    while (isBridged(this.#rotations[high], notes)) high++;
    return size => {
      const index = this.#rotations.filter(({ seq }) => seq < size).length;
      return index >= low && index <= high ? keys[index] : undefined;
    };
  }
}

/** Whether both keys of a rotation signed one tree that holds it. */
function isBridged(rotation: Rotation | undefined, notes: ParsedNote[]): boolean {
  if (!rotation) return false;
  const [from, to] = [parseVerifierKey(rotation.from), parseVerifierKey(rotation.to)];
  return notes.some(note => note.checkpoint.size > rotation.seq && isSignedBy(note, from) && isSignedBy(note, to));
}

/** A wrong signature is told of where its note is judged. */
function isSignedBy(note: ParsedNote, key: Verifier): boolean {
  try {
    return signedBy(note, key);
  } catch {
    return false;
  }
}

/** Whether the stored log names a key as a successor. */
export async function namesKey(store: Pick<CustodyStore, 'rows'>, verifierKey: string): Promise<boolean> {
  for await (const { bytes } of storedRows(store)) {
    const { entry } = decodeEntry(bytes);
    if (entry?.type === 'key.rotated' && entry.to === verifierKey) return true;
  }
  return false;
}

function isKey(text: string): boolean {
  try {
    parseVerifierKey(text);
    return true;
  } catch {
    return false;
  }
}
