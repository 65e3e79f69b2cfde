/** What a verifier says of rows, heads and signed notes: each deviation by its name, and no other one with it. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { CustodyRow } from '../../src/core/custody.ts';
import { leafHash } from '../../src/guard/custody/merkle.ts';
import { signCheckpoint } from '../../src/guard/custody/note.ts';
import { type CustodyVerdict, type LogToVerify, verifyLog } from '../../src/guard/custody/verify.ts';
import { serviceEntry } from '../support/custody.ts';
import { memoryCustody, memoryLog, newSigner } from '../support/memory-custody.ts';

let scene: ReturnType<typeof memoryLog>;

/** Ten entries, signed after the fifth and the eighth. */
beforeEach(async () => {
  scene = memoryLog();
  for (const part of [5, 3, 2]) {
    await scene.log.append(Array.from({ length: part }, (_, n) => serviceEntry(`${part} ${n}`)));
    if (part > 2) await scene.log.checkpoint();
  }
});

async function* stream(rows: CustodyRow[]) {
  yield* rows;
}

async function verdict(change: Partial<LogToVerify> = {}, rows = scene.kept): Promise<CustodyVerdict> {
  const [head, checkpoints] = [await scene.store.head(), await scene.store.checkpoints()];
  return verifyLog({ rows: stream(rows), head, checkpoints, verifierKey: scene.log.verifierKey, ...change });
}

const told = (of: CustodyVerdict) => (of.ok ? [] : of.problems.map(({ seq, problem }) => `${seq ?? '-'}: ${problem}`));
const problems = async (...given: Parameters<typeof verdict>) => told(await verdict(...given));
const rowsLeft = (...seqs: number[]) => scene.kept.filter(({ seq }) => !seqs.includes(seq));

describe('an untouched log', () => {
  it('verifies with its head, without one, and with what was kept outside', async () => {
    const anchors = (await scene.store.checkpoints()).slice(0, 1);
    for (const head of [await scene.store.head(), undefined])
      expect(await verdict({ head, anchors })).toMatchObject({
        ok: true,
        size: 10,
        checkpoint: { size: 8 },
        unsignedTail: 2,
        anchor: { size: 5 },
        unanchoredTail: 5,
        verifierKey: scene.log.verifierKey,
      });
  });

  it('is not taken for one under a key that is none', async () => {
    await expect(verdict({ verifierKey: 'no key' })).rejects.toMatchObject({ code: 'invalid_input' });
  });
});

describe('rows that are not what was written', () => {
  const noRoot = 'missing; no root after that can be computed';

  it('are named where one or several are missing, and nothing is said of a tree that cannot be known', async () => {
    const head = undefined;
    expect(await problems({ head }, rowsLeft(8))).toEqual([`8: entry 8 is ${noRoot}`]);
    expect(await problems({ head }, rowsLeft(0))).toEqual([`0: entry 0 is ${noRoot}`]);
    expect(await problems({ head }, rowsLeft(2, 3, 4, 6))).toEqual([
      `2: entries 2 to 4 are ${noRoot}`,
      `6: entry 6 is ${noRoot}`,
    ]);
    expect(await problems({}, rowsLeft(8)), 'the head says nothing more').toEqual([`8: entry 8 is ${noRoot}`]);
  });

  it('are named where one comes twice or too late, and are left out there', async () => {
    const again = scene.kept.toSpliced(6, 0, ...scene.kept.slice(3, 4));
    expect(await problems({}, again)).toEqual(['3: entry 3 comes a second time or out of order']);
    expect(await problems({}, scene.kept.toSpliced(4, 0, ...scene.kept.slice(3, 4)))).toHaveLength(1);
  });

  it('are named where the bytes do not fit their leaf, and the tree says since when', async () => {
    const row = scene.kept[6] as CustodyRow;
    const bytes = Buffer.from(Buffer.from(row.bytes).toString().replace('"3 1"', '"9 9"'));
    const found = await problems({}, scene.kept.with(6, { ...row, bytes }));
    expect(found[0]).toMatch(
      /^6: entry 6 \("service", id "[0-9a-f-]{36}"\) does not fit its leaf: its bytes hash to [0-9a-f]{64}, the stored leaf is [0-9a-f]{64}$/,
    );
    expect(found.slice(1)).toEqual([
      '-: the root signed for 8 entries is not theirs: the stored leaves still give the signed root, so it is the bytes of the entries named here that were changed',
      "-: the stored head's root is not the root of the 10 entries",
    ]);
    const both = { ...row, bytes, leaf: leafHash(bytes) };
    expect(await problems({ head: undefined }, scene.kept.with(6, both))).toEqual([
      '-: the root signed for 8 entries is not theirs: one or more of the entries 5 to 7 were changed or swapped together with their leaves',
    ]);
    const first = { ...(scene.kept[0] as CustodyRow), bytes, leaf: leafHash(bytes) };
    expect(await problems({ head: undefined }, scene.kept.with(0, first)), 'said once').toEqual([
      '-: the root signed for 5 entries is not theirs: one or more of the entries 0 to 4 were changed or swapped together with their leaves',
    ]);
  });

  it('are quoted in one short line, whatever their names hold', async () => {
    const { store, kept } = memoryCustody();
    const entry = { v: 1, id: '\u202e\n'.repeat(40), time: '', type: `${'x'.repeat(50)}` };
    await store.append([Buffer.from(JSON.stringify(entry))]);
    const [found] = told(await verifyLog({ rows: stream(kept), checkpoints: [], verifierKey: scene.log.verifierKey }));
    expect(found).toBe(`0: entry 0 ("${'x'.repeat(40)}", id "${'?'.repeat(40)}") is not in canonical form`);
  });
});

describe('a head that is not that of the rows', () => {
  it('is named by its size, its root or its peaks, and no note is blamed for it', async () => {
    const head = await scene.store.head();
    for (const size of [9, 11])
      expect(await problems({ head: { ...head, size } })).toEqual([
        `-: the stored head counts ${size} entries, the log holds 10`,
      ]);
    expect(await problems({ head: { ...head, root: leafHash(head.root) } })).toEqual([
      "-: the stored head's root is not the root of the 10 entries",
    ]);
    const wrong = '-: the stored peaks, onto which the next entry is hashed, are not those of the tree';
    const joined = [Buffer.concat(head.peaks)];
    for (const peaks of [head.peaks.toReversed(), head.peaks.slice(1), joined, []])
      expect(await problems({ head: { ...head, peaks } })).toEqual([wrong]);
    const { peaks: _, ...plain } = head;
    expect(await problems({ head: plain })).toEqual([]);
  });
});

describe('a note', () => {
  it('that signs more than is there says that the log was cut', async () => {
    const rows = scene.kept.slice(0, 7);
    expect(await problems({ head: undefined }, rows)).toEqual([
      '-: the log was cut: a checkpoint signs 8 entries, 7 are left',
    ]);
    expect(await problems({ head: undefined }, scene.kept.slice(0, 8))).toEqual([]);
  });

  it('is named by its place among the others where it is none, or is kept as another', async () => {
    const checkpoints = await scene.store.checkpoints();
    const [first, second] = checkpoints as [(typeof checkpoints)[0], (typeof checkpoints)[0]];
    expect(await problems({ checkpoints: [first, { ...second, size: 9 }] })).toEqual([
      '-: checkpoint 2 of 2 is kept as one of 9 entries and signs 8',
    ]);
    expect(await problems({ checkpoints: [{ note: 'none' }, second] })).toEqual([
      expect.stringMatching(/^-: checkpoint 1 of 2: the note /),
    ]);
    expect(await problems({ anchors: [{ note: 'none' }] })).toEqual([expect.stringMatching(/^-: anchor 1 of 1: /)]);
    const foreign = { note: signCheckpoint(await scene.store.head(), newSigner()) };
    expect(await problems({ checkpoints: [...checkpoints, foreign] })).toEqual([
      '-: checkpoint 3 of 3: the checkpoint is not signed by the expected key',
    ]);
    expect((await verdict({ checkpoints: [{ note: second.note }] })).ok).toBe(true);
  });

  it('of another root at a size that is signed is named, in whichever order they come', async () => {
    const fork = { note: signCheckpoint({ size: 5, root: leafHash(Buffer.of()) }, scene.key) };
    const checkpoints = await scene.store.checkpoints();
    for (const notes of [
      [fork, ...checkpoints],
      [...checkpoints, fork],
    ])
      expect((await problems({ checkpoints: notes })).join()).toContain('the root signed for 5 entries is not theirs');
  });
});
