/**
 * The reading side of the custody log: everything is computed again from the
 * stored bytes, and what differs is named. It trusts the verifier key and
 * nothing else; the stored leaves and head are only what the bytes are held
 * against. A checkpoint from the store itself shows what was meddled with by
 * somebody without the key; what no checkpoint kept outside covers, the owner of
 * database and key could have rewritten: see `unanchoredTail`.
 */
import type { CustodyRow, TreeHead } from '../../core/custody.ts';
import { FleetError } from '../../core/errors.ts';
import { decodeEntry, type ReadEntry } from './entry-bytes.ts';
import { IntentLedger, type OpenIntent } from './intent-ledger.ts';
import { KeySuccession } from './key-succession.ts';
import { appendLeaf, emptyFrontier, frontierRoot, leafHash } from './merkle.ts';
import { type Checkpoint, type ParsedNote, parseNote, requireSignature } from './note.ts';
import { parseVerifierKey, type Verifier, verifierKeyText } from './signing-key.ts';

export type CustodyProblem = { seq?: number; problem: string };

export type CustodyVerdict =
  | {
      ok: true;
      size: number;
      /** Hex. */
      root: string;
      /** The largest signed tree; size 0 when nothing was ever signed. */
      checkpoint: { size: number };
      /** Entries after that checkpoint: consistent, but covered by no signature yet. */
      unsignedTail: number;
      /** The largest tree of a checkpoint kept outside; size 0 when there was none to hold the log against. */
      anchor: { size: number };
      /** Entries after that one, signed or not. */
      unanchoredTail: number;
      /** The key in force at the end, text form: the one given, or the one that the log's rotations lead to from it. */
      verifierKey: string;
      /** Effects announced and not concluded yet: a fact, not a fault. */
      openIntents: OpenIntent[];
    }
  | { ok: false; problems: CustodyProblem[] };

export type LogToVerify = {
  /** All rows, in order, from 0. */
  rows: AsyncIterable<CustodyRow>;
  /** What the store claims; undefined where it keeps no head, as in a bundle. */
  head?: TreeHead & { peaks?: Uint8Array[] };
  /** Signed notes from the store, with the size under which it keeps each. */
  checkpoints: { note: string; size?: number }[];
  /** Signed notes kept where the log's owner cannot reach them. */
  anchors?: { note: string }[];
  /** A key of the log that is trusted, C2SP text form: the others follow from its rotations. */
  verifierKey: string;
};

/** Recomputes the whole log and reports every deviation. Throws only what `rows` throws, and `invalid_input` on a bad verifier key. */
export async function verifyLog(log: LogToVerify): Promise<CustodyVerdict> {
  const problems: CustodyProblem[] = [];
  parseVerifierKey(log.verifierKey);
  const own = parsedNotes('checkpoint', log.checkpoints, problems);
  const outside = parsedNotes('anchor', log.anchors ?? [], problems);
  const notes = [...own, ...outside];
  const tree = new TreeCheck(
    notes.map(note => note.checkpoint.size),
    problems,
  );
  const intents = new IntentLedger();
  const succession = new KeySuccession();
  for await (const row of log.rows) {
    if (!tree.place(row)) continue;
    const { entry, fault } = decodeEntry(row.bytes);
    const leaf = leafHash(row.bytes);
    if (!leaf.equals(row.leaf)) {
      problems.push({
        seq: row.seq,
        problem: `${naming(row.seq, entry)} does not fit its leaf: ${leafDifference(leaf, row.leaf)}`,
      });
    }
    if (fault) problems.push({ seq: row.seq, problem: `${naming(row.seq, entry)} ${fault}` });
    tree.add(leaf, row.leaf);
    const misfit = entry && (intents.note(row.seq, entry) ?? succession.note(row.seq, entry));
    if (misfit) problems.push({ seq: row.seq, problem: `${naming(row.seq, entry)} ${misfit}` });
  }
  const keyAt = succession.keysFrom(log.verifierKey, notes);
  const signed = notes.filter(note => isRightlySigned(note, keyAt, problems)).map(note => note.checkpoint);
  const { size, root } = tree.finish(signed, log.head);
  if (problems.length > 0) return { ok: false, problems };
  const covered = Math.max(0, ...signed.map(checkpoint => checkpoint.size));
  const anchored = Math.max(0, ...outside.map(note => note.checkpoint.size));
  return {
    ok: true,
    size,
    root: root.toString('hex'),
    checkpoint: { size: covered },
    unsignedTail: size - covered,
    anchor: { size: anchored },
    unanchoredTail: size - anchored,
    verifierKey: verifierKeyText(keyAt(size) ?? parseVerifierKey(log.verifierKey)),
    openIntents: intents.open(),
  };
}

/** Follows the tree leaf by leaf and compares its root wherever someone signed or claimed one. */
class TreeCheck {
  /** Sizes at which somebody signed, and the roots there: over the bytes, and over the stored leaves. */
  readonly #roots: Map<number, { computed: Buffer; stored: Buffer } | undefined>;
  readonly #problems: CustodyProblem[];
  #computed = emptyFrontier;
  #stored = emptyFrontier;
  #next = 0;
  #broken = false;

  constructor(sizes: number[], problems: CustodyProblem[]) {
    this.#roots = new Map(sizes.map(size => [size, undefined]));
    this.#problems = problems;
    this.#keepRoots();
  }

  /** Checks that the row is the next one; false leaves it out of the tree. */
  place(row: CustodyRow): boolean {
    if (row.seq < this.#next) {
      this.#problems.push({ seq: row.seq, problem: `entry ${row.seq} comes a second time or out of order` });
      return false;
    }
    if (row.seq > this.#next) {
      const missing =
        row.seq - this.#next === 1 ? `entry ${this.#next} is` : `entries ${this.#next} to ${row.seq - 1} are`;
      this.#problems.push({ seq: this.#next, problem: `${missing} missing; no root after that can be computed` });
      this.#broken = true;
    }
    this.#next = row.seq + 1;
    return true;
  }

  add(leaf: Uint8Array, stored: Uint8Array): void {
    if (this.#broken) return;
    this.#computed = appendLeaf(this.#computed, leaf);
    this.#stored = appendLeaf(this.#stored, stored);
    this.#keepRoots();
  }

  /** Compares what was computed with what was rightly signed, and with what the store claims. */
  finish(signed: Checkpoint[], head: LogToVerify['head']): { size: number; root: Buffer } {
    const root = frontierRoot(this.#computed);
    this.#compare(signed.toSorted((a, b) => a.size - b.size));
    for (const { size } of signed.filter(checkpoint => checkpoint.size > this.#next)) {
      this.#problems.push({ problem: `the log was cut: a checkpoint signs ${size} entries, ${this.#next} are left` });
    }
    if (head && head.size !== this.#next) {
      this.#problems.push({ problem: `the stored head counts ${head.size} entries, the log holds ${this.#next}` });
    } else if (head && !this.#broken && !root.equals(head.root)) {
      this.#problems.push({ problem: `the stored head's root is not the root of the ${this.#next} entries` });
    } else if (head?.peaks && !this.#broken && !sameHashes(head.peaks, this.#computed.peaks)) {
      this.#problems.push({
        problem: 'the stored peaks, onto which the next entry is hashed, are not those of the tree',
      });
    }
    return { size: this.#next, root };
  }

  #keepRoots(): void {
    const { size } = this.#computed;
    if (!this.#roots.has(size)) return;
    this.#roots.set(size, { computed: frontierRoot(this.#computed), stored: frontierRoot(this.#stored) });
  }

  #compare(signed: Checkpoint[]): void {
    /** Size of the largest checkpoint that matched: what lies before it is as it was signed. */
    let proven = 0;
    for (const { size, root } of signed) {
      const here = this.#roots.get(size);
      if (!here) continue;
      if (here.computed.equals(root)) {
        proven = size;
        continue;
      }
      const cause = here.stored.equals(root)
        ? 'the stored leaves still give the signed root, so it is the bytes of the entries named here that were changed'
        : `one or more of the entries ${proven} to ${size - 1} were changed or swapped together with their leaves`;
      this.#problems.push({ problem: `the root signed for ${size} entries is not theirs: ${cause}` });
      // Every later root differs too, and says nothing new.
      return;
    }
  }
}

type NamedNote = ParsedNote & { name: string };

/** What is no note, or is kept under another size than it names, is a problem. */
function parsedNotes(kind: string, notes: LogToVerify['checkpoints'], problems: CustodyProblem[]): NamedNote[] {
  return notes.flatMap(({ note, size }, index) => {
    const name = `${kind} ${index + 1} of ${notes.length}`;
    try {
      const parsed = parseNote(note);
      if (size !== undefined && size !== parsed.checkpoint.size)
        problems.push({ problem: `${name} is kept as one of ${size} entries and signs ${parsed.checkpoint.size}` });
      return [{ ...parsed, name }];
    } catch (thrown) {
      problems.push({ problem: `${name}: ${FleetError.from(thrown).message}` });
      return [];
    }
  });
}

function isRightlySigned(
  note: NamedNote,
  keyAt: (size: number) => Verifier | undefined,
  problems: CustodyProblem[],
): boolean {
  try {
    requireSignature(note, keyAt(note.checkpoint.size));
    return true;
  } catch (thrown) {
    problems.push({ problem: `${note.name}: ${FleetError.from(thrown).message}` });
    return false;
  }
}

function sameHashes(a: Uint8Array[], b: Uint8Array[]): boolean {
  return Buffer.concat(a).equals(Buffer.concat(b)) && a.length === b.length;
}

/** The names inside a changed entry were perhaps changed too, so they are quoted and cut short. */
function naming(seq: number, entry: ReadEntry | undefined): string {
  return entry ? `entry ${seq} (${quoted(entry.type)}, id ${quoted(entry.id)})` : `entry ${seq}`;
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 40).replace(/[^\x20-\x7e]/g, '?'));
}

function leafDifference(computed: Buffer, stored: Uint8Array): string {
  return `its bytes hash to ${computed.toString('hex')}, the stored leaf is ${Buffer.from(stored).toString('hex')}`;
}
