/**
 * The reading side of the custody log: everything is computed again from the
 * stored bytes, and what differs is named. It trusts the verifier key and
 * nothing else; the stored leaves and head are only what the bytes are held
 * against. A checkpoint from the store itself shows what was meddled with by
 * somebody without the key; what no checkpoint kept outside covers, the owner of
 * database and key could have rewritten: see `unanchoredTail`.
 */
import type { CustodyRow, CustodyStore, TreeHead } from '../../core/custody.ts';
import { FleetError } from '../../core/errors.ts';
import { decodeEntry, type ReadEntry } from './entry-bytes.ts';
import { IntentLedger, type OpenIntent } from './intent-ledger.ts';
import { appendLeaf, emptyFrontier, frontierRoot, leafHash } from './merkle.ts';
import { type Checkpoint, openCheckpoint } from './note.ts';
import { parseVerifierKey } from './signing-key.ts';

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
  /** C2SP text form. */
  verifierKey: string;
};

/** Recomputes the whole log and reports every deviation. Throws only what `rows` throws, and `invalid_input` on a bad verifier key. */
export async function verifyLog(log: LogToVerify): Promise<CustodyVerdict> {
  const problems: CustodyProblem[] = [];
  const open = openerFor(log.verifierKey, problems);
  const own = open('checkpoint', log.checkpoints);
  const outside = open('anchor', log.anchors ?? []);
  const signed = [...own, ...outside].sort((a, b) => a.size - b.size);
  const tree = new TreeCheck(signed, problems);
  const intents = new IntentLedger();
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
    const orphan = entry && intents.note(row.seq, entry);
    if (orphan) problems.push({ seq: row.seq, problem: `${naming(row.seq, entry)} ${orphan}` });
  }
  const { size, root } = tree.finish(log.head);
  if (problems.length > 0) return { ok: false, problems };
  const covered = signed.at(-1)?.size ?? 0;
  const anchored = Math.max(0, ...outside.map(anchor => anchor.size));
  return {
    ok: true,
    size,
    root: root.toString('hex'),
    checkpoint: { size: covered },
    unsignedTail: size - covered,
    anchor: { size: anchored },
    unanchoredTail: size - anchored,
    openIntents: intents.open(),
  };
}

/** The rows of a store from `begin` on and below `end`, read a thousand at a time. */
export async function* storedRows(
  store: Pick<CustodyStore, 'rows'>,
  end = Number.POSITIVE_INFINITY,
  begin = 0,
): AsyncGenerator<CustodyRow> {
  for (let from = begin; from < end; ) {
    const rows = await store.rows(from, Math.min(1000, end - from));
    const last = rows.at(-1);
    if (!last) return;
    yield* rows.filter(row => row.seq < end);
    from = last.seq + 1;
  }
}

/** Follows the tree leaf by leaf and compares its root wherever someone signed or claimed one. */
class TreeCheck {
  readonly #signed: Checkpoint[];
  readonly #problems: CustodyProblem[];
  #computed = emptyFrontier;
  #stored = emptyFrontier;
  #next = 0;
  #broken = false;
  /** Size of the largest checkpoint that matched: what lies before it is as it was signed. */
  #proven = 0;
  #mismatched = false;

  constructor(signed: Checkpoint[], problems: CustodyProblem[]) {
    this.#signed = signed;
    this.#problems = problems;
    this.#compareSigned();
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
    this.#compareSigned();
  }

  finish(head: LogToVerify['head']): { size: number; root: Buffer } {
    const root = frontierRoot(this.#computed);
    for (const { size } of this.#signed.filter(checkpoint => checkpoint.size > this.#next)) {
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

  #compareSigned(): void {
    const { size } = this.#computed;
    const here = this.#signed.filter(checkpoint => checkpoint.size === size);
    if (here.length === 0) return;
    const root = frontierRoot(this.#computed);
    if (here.every(checkpoint => root.equals(checkpoint.root))) {
      this.#proven = size;
      return;
    }
    // Every later root differs too, and says nothing new.
    if (this.#mismatched) return;
    this.#mismatched = true;
    const leaves = frontierRoot(this.#stored);
    const cause = here.every(checkpoint => leaves.equals(checkpoint.root))
      ? 'the stored leaves still give the signed root, so it is the bytes of the entries named here that were changed'
      : `one or more of the entries ${this.#proven} to ${size - 1} were changed or swapped together with their leaves`;
    this.#problems.push({ problem: `the root signed for ${size} entries is not theirs: ${cause}` });
  }
}

/** Opens what the key signed; what it did not, or what is kept under another size than it signs, is a problem. */
function openerFor(verifierKey: string, problems: CustodyProblem[]) {
  const verifier = parseVerifierKey(verifierKey);
  return (kind: string, notes: LogToVerify['checkpoints']): Checkpoint[] =>
    notes.flatMap(({ note, size }, index) => {
      const name = `${kind} ${index + 1} of ${notes.length}`;
      try {
        const opened = openCheckpoint(note, verifier);
        if (size !== undefined && size !== opened.size)
          problems.push({ problem: `${name} is kept as one of ${size} entries and signs ${opened.size}` });
        return [opened];
      } catch (thrown) {
        problems.push({ problem: `${name}: ${FleetError.from(thrown).message}` });
        return [];
      }
    });
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
