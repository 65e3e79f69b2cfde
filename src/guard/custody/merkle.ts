/**
 * The Merkle tree of RFC 6962 and the proof checks of RFC 9162. The distinct
 * first byte of leaf and node hashes keeps anyone from passing a node off as
 * an entry. A frontier is all that appending needs: the roots of the perfect
 * subtrees that the entries so far fall into, largest first.
 */
import { createHash } from 'node:crypto';
import { sha256 } from '../../core/canonical.ts';

const leafPrefix = Buffer.of(0);
const nodePrefix = Buffer.of(1);

export type Frontier = { size: number; peaks: Uint8Array[] };

export const emptyFrontier: Frontier = { size: 0, peaks: [] };

/** SHA-256(0x00 ‖ bytes). */
export function leafHash(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(leafPrefix).update(bytes).digest();
}

/** SHA-256(0x01 ‖ left ‖ right). */
function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash('sha256').update(nodePrefix).update(left).update(right).digest();
}

/** The frontier after one more leaf hash; the given one is left as it was. */
export function appendLeaf(frontier: Frontier, leaf: Uint8Array): Frontier {
  const peaks = [...frontier.peaks];
  let right = leaf;
  for (let size = frontier.size; isOdd(size); size = half(size)) {
    const left = peaks.pop();
    if (!left) throw new RangeError('the frontier holds fewer peaks than its size asks for');
    right = nodeHash(left, right);
  }
  peaks.push(right);
  return { size: frontier.size + 1, peaks };
}

/** Root of the tree that the frontier stands for; SHA-256 of nothing for the empty one. */
export function frontierRoot(frontier: Frontier): Buffer {
  const last = frontier.peaks.at(-1);
  if (!last) return sha256(new Uint8Array());
  return Buffer.from(frontier.peaks.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last));
}

/** Root over leaf hashes. */
export function merkleRoot(leaves: Uint8Array[]): Buffer {
  return frontierRoot(leaves.reduce(appendLeaf, emptyFrontier));
}

/** The sibling hashes that lead from leaf `index` to the root over all `leaves`, lowest first. Throws RangeError outside the tree. */
export function inclusionProof(leaves: Uint8Array[], index: number): Buffer[] {
  if (!Number.isSafeInteger(index) || index < 0 || index >= leaves.length) throw new RangeError('no such leaf');
  if (leaves.length === 1) return [];
  const split = splitPoint(leaves.length);
  const left = leaves.slice(0, split);
  const right = leaves.slice(split);
  return index < split
    ? [...inclusionProof(left, index), merkleRoot(right)]
    : [...inclusionProof(right, index - split), merkleRoot(left)];
}

/** The hashes that show the tree over the first `from` leaves to be a prefix of the one over all. Throws RangeError outside the tree. */
export function consistencyProof(leaves: Uint8Array[], from: number): Buffer[] {
  if (!Number.isSafeInteger(from) || from < 0 || from > leaves.length) throw new RangeError('no such earlier tree');
  return from === 0 || from === leaves.length ? [] : subproof(leaves, from, true);
}

/** `whole` while the earlier tree's own root is a subtree that the verifier already has. */
function subproof(leaves: Uint8Array[], from: number, whole: boolean): Buffer[] {
  if (from === leaves.length) return whole ? [] : [merkleRoot(leaves)];
  const split = splitPoint(leaves.length);
  const left = leaves.slice(0, split);
  const right = leaves.slice(split);
  return from <= split
    ? [...subproof(left, from, whole), merkleRoot(right)]
    : [...subproof(right, from - split, false), merkleRoot(left)];
}

export type Inclusion = { leaf: Uint8Array; index: number; size: number; proof: Uint8Array[]; root: Uint8Array };

/** Whether the proof leads from the leaf hash at `index` to the root of the tree of `size` (RFC 9162, 2.1.3.2). */
export function verifyInclusion({ leaf, index, size, proof, root }: Inclusion): boolean {
  if (!isCount(index) || !isCount(size) || index >= size) return false;
  let fn = index;
  let sn = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      hash = nodeHash(sibling, hash);
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && equal(hash, root);
}

export type Consistency = {
  from: { size: number; root: Uint8Array };
  to: { size: number; root: Uint8Array };
  proof: Uint8Array[];
};

/** Whether the proof shows the `from` tree to be a prefix of the `to` tree (RFC 9162, 2.1.4.2). */
export function verifyConsistency({ from, to, proof }: Consistency): boolean {
  if (!isCount(from.size) || !isCount(to.size) || from.size > to.size) return false;
  if (from.size === to.size) return proof.length === 0 && equal(from.root, to.root);
  if (from.size === 0) return proof.length === 0 && equal(from.root, sha256(new Uint8Array()));
  let fn = from.size - 1;
  let sn = to.size - 1;
  while (isOdd(fn)) [fn, sn] = [half(fn), half(sn)];
  const [start, ...rest] = fn === 0 ? [from.root, ...proof] : proof;
  if (!start) return false;
  let older = start;
  let newer = start;
  for (const hash of rest) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      older = nodeHash(hash, older);
      newer = nodeHash(hash, newer);
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      newer = nodeHash(newer, hash);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && equal(older, from.root) && equal(newer, to.root);
}

/** The largest power of two below `size`. */
function splitPoint(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

// Arithmetic, not bit operators: those would wrap at 2^31 entries.
function isOdd(n: number): boolean {
  return n % 2 === 1;
}

function half(n: number): number {
  return Math.floor(n / 2);
}

function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
