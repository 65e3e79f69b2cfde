import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  appendLeaf,
  consistencyProof,
  emptyFrontier,
  frontierRoot,
  inclusionProof,
  leafHash,
  merkleRoot,
  verifyConsistency,
  verifyInclusion,
} from '../../src/guard/custody/merkle.ts';
import { treeHash } from '../support/naive-tree.ts';

const entries = (max: number) => fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: max });
const flipped = (hash: Uint8Array, bit: number) =>
  hash.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));

describe('the Merkle tree', () => {
  it('has the root that the recursive definition gives, leaf by leaf', () => {
    fc.assert(
      fc.property(entries(40), list => {
        let frontier = emptyFrontier;
        for (const [index, bytes] of list.entries()) {
          frontier = appendLeaf(frontier, leafHash(bytes));
          expect(frontierRoot(frontier)).toEqual(treeHash(list.slice(0, index + 1)));
        }
        expect(merkleRoot(list.map(leafHash))).toEqual(treeHash(list));
      }),
      { numRuns: 50 },
    );
  });

  it('proves every leaf of every tree up to 33, and at no other place', () => {
    for (let size = 1; size <= 33; size++) {
      const leaves = Array.from({ length: size }, (_, i) => leafHash(Buffer.from(`entry ${i}`)));
      const root = merkleRoot(leaves);
      for (const [index, leaf] of leaves.entries()) {
        const proof = inclusionProof(leaves, index);
        for (let place = 0; place < size; place++) {
          expect(verifyInclusion({ leaf, index: place, size, proof, root })).toBe(place === index);
        }
      }
    }
  });

  it('proves every earlier tree to be a prefix, and no other root', () => {
    for (let size = 1; size <= 33; size++) {
      const leaves = Array.from({ length: size }, (_, i) => leafHash(Buffer.from(`entry ${i}`)));
      const to = { size, root: merkleRoot(leaves) };
      for (let from = 1; from <= size; from++) {
        const proof = consistencyProof(leaves, from);
        const root = merkleRoot(leaves.slice(0, from));
        expect(verifyConsistency({ from: { size: from, root }, to, proof })).toBe(true);
        expect(verifyConsistency({ from: { size: from, root: leafHash(root) }, to, proof })).toBe(false);
        expect(verifyConsistency({ from: { size: from, root }, to: { size, root: leafHash(root) }, proof })).toBe(
          false,
        );
        if (from < size) expect(verifyConsistency({ from: { size: from + 1, root }, to, proof })).toBe(false);
      }
    }
  });

  it('refuses a proof with one bit flipped, one hash dropped or one added', () => {
    const scene = fc.record({
      list: fc.array(fc.uint8Array({ maxLength: 8 }), { minLength: 2, maxLength: 40 }),
      pick: fc.nat(),
      bit: fc.nat(255),
    });
    fc.assert(
      fc.property(scene, ({ list, pick, bit }) => {
        const leaves = list.map(leafHash);
        const root = merkleRoot(leaves);
        const size = leaves.length;
        const index = pick % size;
        const leaf = leaves[index] ?? root;
        const proof: Uint8Array[] = inclusionProof(leaves, index);
        const at = pick % proof.length;
        const bad = [
          proof.map((hash, i) => (i === at ? flipped(hash, bit) : hash)),
          proof.slice(0, -1),
          [...proof, root],
        ];
        for (const forged of bad) expect(verifyInclusion({ leaf, index, size, proof: forged, root })).toBe(false);
      }),
      { numRuns: 100 },
    );
  });
});
