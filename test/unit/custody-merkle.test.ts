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

const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const nothing = Buffer.from(empty, 'hex');
const leaf = leafHash(Buffer.from('one'));

describe('the smallest trees', () => {
  it('are the SHA-256 of nothing, then the leaf itself', () => {
    expect(frontierRoot(emptyFrontier).toString('hex')).toBe(empty);
    expect(merkleRoot([leaf])).toEqual(treeHash([Buffer.from('one')]));
  });

  it('tell a leaf from a node with the same content', () => {
    const pair = [leaf, leafHash(Buffer.from('two'))];
    expect(leafHash(Buffer.concat(pair))).not.toEqual(merkleRoot(pair));
  });

  it('need an empty proof', () => {
    expect(inclusionProof([leaf], 0)).toEqual([]);
    expect(verifyInclusion({ leaf, index: 0, size: 1, proof: [], root: leaf })).toBe(true);
  });
});

describe('impossible questions', () => {
  it('have no proof', () => {
    for (const index of [1, -1, 0.5, Number.NaN]) expect(() => inclusionProof([leaf], index)).toThrow(RangeError);
    expect(() => inclusionProof([], 0)).toThrow(RangeError);
    for (const from of [2, -1, 0.5, Number.NaN]) expect(() => consistencyProof([leaf], from)).toThrow(RangeError);
    expect([consistencyProof([leaf], 0), consistencyProof([leaf], 1)]).toEqual([[], []]);
  });

  it('are not answered by a frontier that is none', () => {
    expect(() => appendLeaf({ size: 1, peaks: [] }, leaf)).toThrow(RangeError);
  });

  it('are answered with no', () => {
    const root = leaf;
    expect(verifyInclusion({ leaf, index: 1, size: 1, proof: [], root })).toBe(false);
    for (const index of [-1, 0.5, Number.NaN])
      expect(verifyInclusion({ leaf, index, size: 1, proof: [], root })).toBe(false);
    for (const size of [0, 1.5, Number.NaN, 2 ** 53])
      expect(verifyInclusion({ leaf, index: 0, size, proof: [], root })).toBe(false);
    expect(verifyInclusion({ leaf, index: 0, size: 1, proof: [], root: leafHash(leaf) })).toBe(false);
    expect(verifyInclusion({ leaf, index: 0, size: 1, proof: [leaf], root })).toBe(false);
    expect(verifyInclusion({ leaf, index: 0, size: 2, proof: [], root })).toBe(false);
    expect(verifyConsistency({ from: { size: 2, root }, to: { size: 1, root }, proof: [] })).toBe(false);
    expect(verifyConsistency({ from: { size: 1, root }, to: { size: 2, root }, proof: [] })).toBe(false);
    expect(verifyConsistency({ from: { size: 0, root }, to: { size: 1, root }, proof: [] })).toBe(false);
    for (const size of [-1, 0.5, Number.NaN]) {
      expect(verifyConsistency({ from: { size, root }, to: { size: 1, root }, proof: [] })).toBe(false);
      expect(verifyConsistency({ from: { size: 0, root: nothing }, to: { size, root }, proof: [] })).toBe(false);
    }
  });

  it('take no proof along where none is needed', () => {
    const [same, root] = [{ size: 1, root: leaf }, leaf];
    expect(verifyConsistency({ from: same, to: same, proof: [] })).toBe(true);
    expect(verifyConsistency({ from: same, to: same, proof: [root] })).toBe(false);
    expect(verifyConsistency({ from: same, to: { size: 1, root: leafHash(leaf) }, proof: [] })).toBe(false);
    expect(verifyConsistency({ from: { size: 0, root: nothing }, to: same, proof: [root] })).toBe(false);
    const two = [leaf, leafHash(Buffer.from('two'))];
    const to = { size: 2, root: merkleRoot(two) };
    expect(verifyConsistency({ from: same, to, proof: consistencyProof(two, 1) })).toBe(true);
    expect(verifyConsistency({ from: same, to, proof: [...consistencyProof(two, 1), leaf] })).toBe(false);
  });

  it('let every log continue the empty one', () => {
    const from = { size: 0, root: nothing };
    expect(verifyConsistency({ from, to: { size: 1, root: leaf }, proof: [] })).toBe(true);
  });
});
