import { describe, expect, it } from 'vitest';
import {
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
    expect(() => inclusionProof([leaf], 1)).toThrow(RangeError);
    expect(() => inclusionProof([], 0)).toThrow(RangeError);
    expect(() => consistencyProof([leaf], 2)).toThrow(RangeError);
  });

  it('are answered with no', () => {
    const root = leaf;
    expect(verifyInclusion({ leaf, index: 1, size: 1, proof: [], root })).toBe(false);
    expect(verifyInclusion({ leaf, index: -1, size: 1, proof: [], root })).toBe(false);
    expect(verifyInclusion({ leaf, index: 0, size: 2, proof: [], root })).toBe(false);
    expect(verifyConsistency({ from: { size: 2, root }, to: { size: 1, root }, proof: [] })).toBe(false);
    expect(verifyConsistency({ from: { size: 1, root }, to: { size: 2, root }, proof: [] })).toBe(false);
    expect(verifyConsistency({ from: { size: 0, root }, to: { size: 1, root }, proof: [] })).toBe(false);
  });

  it('let every log continue the empty one', () => {
    const from = { size: 0, root: Buffer.from(empty, 'hex') };
    expect(verifyConsistency({ from, to: { size: 1, root: leaf }, proof: [] })).toBe(true);
  });
});
