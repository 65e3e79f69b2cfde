/**
 * Proofs that a person can be given alone: that one entry is in the log, in the
 * form of C2SP tlog-proof, and that one checkpoint continues another, in the
 * form in which C2SP tlog-witness is asked. The entry goes along as the extra
 * data of the proof, which counts for nothing until its leaf is proved.
 */
import type { TreeHead } from '../../core/custody.ts';
import { FleetError } from '../../core/errors.ts';
import { fromBase64 } from './base64.ts';
import {
  consistencyProof,
  inclusionProof,
  leafHash,
  merkleRoot,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts';
import { openCheckpoint, parseNote } from './note.ts';
import { parseVerifierKey } from './signing-key.ts';

const inclusionHeader = 'c2sp.org/tlog-proof@v1';
/** Of a tree of 2^63 entries. */
const mostHashes = 63;

/** What a proof is made from: the leaves of at least the tree that the checkpoint signs, in order. */
export type Provable = { leaves: Uint8Array[]; checkpoint: string };

/** Throws `invalid_input` when the checkpoint's tree has no such entry, `precondition_failed` when the leaves are not its tree. */
export function proveInclusion(
  { leaves, checkpoint }: Provable,
  { seq, bytes }: { seq: number; bytes: Uint8Array },
): string {
  const tree = treeOf(leaves, checkpoint);
  if (seq >= tree.length)
    throw malformed(`the newest checkpoint signs ${tree.length} entries, and so not entry ${seq} yet`);
  const extra = Buffer.from(bytes).toString('base64');
  return [inclusionHeader, `extra ${extra}`, `index ${seq}`, ...lines(inclusionProof(tree, seq)), '', checkpoint].join(
    '\n',
  );
}

/** That the checkpoint's tree begins with the one of the `older` note. Throws as {@link proveInclusion} does. */
export function proveContinuation({ leaves, checkpoint }: Provable, older: string): string {
  const tree = treeOf(leaves, checkpoint);
  const { size } = parseNote(older).checkpoint;
  if (size > tree.length) throw malformed(`the older checkpoint signs ${size} entries, the newest one ${tree.length}`);
  return [`old ${size}`, ...lines(consistencyProof(tree, size)), '', checkpoint].join('\n');
}

export type Proved =
  | { proves: 'inclusion'; seq: number; entry: Buffer; size: number }
  | { proves: 'continuation'; from: number; size: number };

/**
 * Checks a proof against a verifier key in C2SP text form and, where it is one of continuation, the older note. Throws
 * `invalid_input` with what is wrong.
 */
export function openProof(text: string, { verifierKey, older }: { verifierKey: string; older?: string }): Proved {
  const end = text.indexOf('\n\n');
  if (end < 0) throw malformed('the proof has no checkpoint');
  const [first = '', ...rest] = text.slice(0, end).split('\n');
  const verifier = parseVerifierKey(verifierKey);
  const checkpoint = openCheckpoint(text.slice(end + 2), verifier);
  const { size } = checkpoint;
  if (first !== inclusionHeader) {
    if (older === undefined) throw malformed('a proof of continuation needs the older checkpoint that it begins with');
    const from = openCheckpoint(older, verifier);
    if (numberIn('old', first) !== from.size)
      throw malformed(`the proof is not one for the older checkpoint of ${from.size} entries`);
    if (!verifyConsistency({ from, to: checkpoint, proof: rest.map(hashIn) }))
      throw malformed(`the log of ${size} entries does not begin with the ${from.size} of the older checkpoint`);
    return { proves: 'continuation', from: from.size, size };
  }
  const [extra = '', index = '', ...proof] = rest;
  const entry = extra.startsWith('extra ') ? fromBase64(extra.slice('extra '.length)) : undefined;
  if (!entry) throw malformed('the proof does not hold its entry');
  const seq = numberIn('index', index);
  const { root } = checkpoint;
  if (!verifyInclusion({ leaf: leafHash(entry), index: seq, size, proof: proof.map(hashIn), root }))
    throw malformed(`what it holds is not entry ${seq} of the log that the checkpoint signs`);
  return { proves: 'inclusion', seq, entry, size };
}

/** A proof from leaves that are not those of the signed tree would fail wherever it is shown, so none is made. */
function treeOf(leaves: Uint8Array[], note: string): Uint8Array[] {
  const { size, root }: TreeHead = parseNote(note).checkpoint;
  const tree = leaves.slice(0, size);
  if (tree.length === size && merkleRoot(tree).equals(root)) return tree;
  throw new FleetError({
    code: 'precondition_failed',
    message: `the entries are not those that the checkpoint of ${size} signs`,
    hint: 'groundskeeper custody verify names what differs',
  });
}

function lines(hashes: Uint8Array[]): string[] {
  return hashes.map(hash => Buffer.from(hash).toString('base64'));
}

function hashIn(line: string, at: number): Buffer {
  const hash = at < mostHashes ? fromBase64(line) : undefined;
  if (hash?.length !== 32) throw malformed('the proof holds a line that is no hash');
  return hash;
}

function numberIn(word: string, line: string): number {
  const [, digits] = new RegExp(`^${word} (0|[1-9][0-9]{0,15})$`).exec(line) ?? [];
  if (digits === undefined || !Number.isSafeInteger(Number(digits))) throw malformed(`the proof has no line "${word}"`);
  return Number(digits);
}

function malformed(message: string): FleetError {
  return new FleetError({ code: 'invalid_input', message });
}
