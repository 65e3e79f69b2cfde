/** Appends of the same moment share a commit, and nobody gets another one's receipt. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { groupCommit } from '../../src/adapters/postgres/group-commit.ts';
import type { CustodyStore } from '../../src/core/custody.ts';
import { leafHash } from '../../src/guard/custody/merkle.ts';
import { type CustodyScene, custodyScene } from '../support/custody.ts';

let scene: CustodyScene;
let commits: number[];
let grouped: CustodyStore;

beforeEach(async () => {
  scene = await custodyScene();
  commits = [];
  grouped = groupCommit({
    ...scene.store,
    async append(bytes) {
      commits.push(bytes.length);
      return scene.store.append(bytes);
    },
  });
});
afterEach(() => scene.close());

it('a thousand callers at once share a few commits, each with the receipt of its own entries', async () => {
  const entries = Array.from({ length: 1000 }, (_, index) => [
    Buffer.from(`{"a":${index}}`),
    Buffer.from(`{"b":${index}}`),
  ]);
  const receipts = await Promise.all(entries.map(pair => grouped.append(pair)));
  expect(Math.max(...commits)).toBeLessThanOrEqual(256);
  expect(commits.length).toBeLessThan(12);
  for (const [index, pair] of entries.entries())
    expect(receipts[index]?.map(({ leaf }) => leaf)).toEqual(pair.map(bytes => leafHash(bytes).toString('hex')));
  for (const [first, second] of receipts) expect(second?.seq).toBe((first?.seq ?? 0) + 1);
  expect((await grouped.head()).size).toBe(2000);
});

it('what fails fails for all of its commit and nobody else, and more than 256 of one caller stay together', async () => {
  const empty = Buffer.of();
  const outcomes = await Promise.allSettled([
    grouped.append([Buffer.from('alone, as it came first')]),
    grouped.append([Buffer.from('beside the bad one')]),
    grouped.append([empty]),
    grouped.append(Array.from({ length: 300 }, () => Buffer.from('many'))),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
  expect(commits).toEqual([1, 2, 300]);
  expect((await grouped.head()).size).toBe(301);
});
