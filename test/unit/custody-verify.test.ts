/** What a verifier says of rows, heads and signed notes: each deviation by its name, and no other one with it. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { CustodyEntry, CustodyRow } from '../../src/core/custody.ts';
import { IntentLedger } from '../../src/guard/custody/intent-ledger.ts';
import { KeySuccession } from '../../src/guard/custody/key-succession.ts';
import { leafHash } from '../../src/guard/custody/merkle.ts';
import { parseNote, signCheckpoint } from '../../src/guard/custody/note.ts';
import { verifierKeyText } from '../../src/guard/custody/signing-key.ts';
import { storedRows } from '../../src/guard/custody/stored-rows.ts';
import { Trail, type TrailSubject } from '../../src/guard/custody/trail.ts';
import { type CustodyVerdict, type LogToVerify, verifyLog } from '../../src/guard/custody/verify.ts';
import { intentEntry, resultEntry, serviceEntry } from '../support/custody.ts';
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

describe('announced effects', () => {
  const read = (entry: CustodyEntry) => ({ ...entry, id: 'id' });
  const result = (operation: string, intent: unknown) => ({ ...read(resultEntry(operation, 0)), intent });

  it('stay open until their own end, and every other end is a fault', () => {
    const ledger = new IntentLedger();
    const open = () => ledger.open().map(({ seq, operation }) => `${operation} ${seq}`);
    expect(ledger.note(0, read(serviceEntry('x')))).toBeUndefined();
    expect(ledger.note(1, read(intentEntry('a')))).toBeUndefined();
    expect(ledger.note(2, read(intentEntry('b')))).toBeUndefined();
    expect(ledger.open()[0]).toEqual({ seq: 1, operation: 'a', step: 'reset', action: 'reset' });
    for (const intent of [0, 3, '1', undefined])
      expect(ledger.note(3, result('a', intent))).toBe('names no intent that came before it');
    expect(ledger.note(4, result('a', 2))).toBe("names another operation's intent");
    expect(open()).toEqual(['a 1', 'b 2']);
    expect(ledger.note(5, result('a', 1))).toBeUndefined();
    expect(open()).toEqual(['b 2']);
    expect(ledger.note(6, { ...result('b', 2), type: 'effect.reconciled' })).toBeUndefined();
    expect(open()).toEqual([]);
    expect(ledger.note(7, { ...result('a', 99), type: 'effect.other' })).toBeUndefined();
  });
});

describe('the keys of a log', () => {
  const [one, two, three] = [newSigner(), newSigner(), newSigner()];
  const [a, b, c] = [one, two, three].map(verifierKeyText) as [string, string, string];
  const rotated = (from: unknown, to: unknown) => ({ id: 'id', type: 'key.rotated', from, to });
  const note = (size: number, ...by: [typeof one, ...(typeof one)[]]) =>
    parseNote(signCheckpoint({ size, root: leafHash(Buffer.of()) }, ...by));

  /** `a` until entry 4, `b` until entry 9, then `c`. */
  function succession(): KeySuccession {
    const keys = new KeySuccession();
    expect(keys.note(4, rotated(a, b))).toBeUndefined();
    expect(keys.note(9, rotated(b, c))).toBeUndefined();
    return keys;
  }
  const names = new Map([
    [a, 'a'],
    [b, 'b'],
    [c, 'c'],
  ]);
  const keysAt = (trusted: string, ...notes: ReturnType<typeof note>[]) => {
    const keyAt = succession().keysFrom(trusted, notes);
    return [0, 4, 5, 9, 10].map(size => {
      const key = keyAt(size);
      return key ? names.get(verifierKeyText(key)) : '-';
    });
  };

  it('follow each other by entries that name two keys, the first of them in force', () => {
    const keys = new KeySuccession();
    expect(keys.note(0, { ...rotated('x', 'y'), type: 'service' })).toBeUndefined();
    for (const [from, to] of [
      ['x', b],
      [a, 'y'],
      [1, b],
      [a, undefined],
    ])
      expect(keys.note(1, rotated(from, to))).toBe('names no keys');
    expect(keys.note(2, rotated(a, b))).toBeUndefined();
    expect(keys.note(3, rotated(a, c))).toBe('replaces a key that was not in force');
    expect(keys.note(4, rotated(b, c))).toBeUndefined();
  });

  it('sign from the entry after the one that names them, as far as notes of both lead from the trusted one', () => {
    const [ab, bc] = [note(5, two, one), note(10, three, two)];
    for (const trusted of [a, b, c]) expect(keysAt(trusted, ab, bc)).toEqual(['a', 'a', 'b', 'b', 'c']);
    expect(keysAt(a, ab)).toEqual(['a', 'a', 'b', 'b', '-']);
    expect(keysAt(a, bc)).toEqual(['a', 'a', '-', '-', '-']);
    expect(keysAt(b, bc)).toEqual(['-', '-', 'b', 'b', 'c']);
    expect(keysAt(c, bc)).toEqual(['-', '-', 'b', 'b', 'c']);
    expect(keysAt(c, ab)).toEqual(['-', '-', '-', '-', 'c']);
  });

  it('are led to by no note that does not hold the entry, or that only one of them signed', () => {
    for (const weak of [note(4, two, one), note(5, two), note(5, one), note(5, three, one)])
      expect(keysAt(a, weak)).toEqual(['a', 'a', '-', '-', '-']);
    const text = signCheckpoint({ size: 5, root: leafHash(Buffer.of()) }, two, one);
    const [first = '', second = ''] = text.split('\n').slice(-3);
    const forged = `${text.replace(`${first}\n`, '').replace(`${second}\n`, '')}${first}\n${second.slice(0, -8)}AAAAAAA=\n`;
    expect(keysAt(a, parseNote(forged))).toEqual(['a', 'a', '-', '-', '-']);
  });

  it('are none under a key that the log does not know', () => {
    const stranger = verifierKeyText(newSigner());
    expect(keysAt(stranger, note(5, two, one), note(10, three, two))).toEqual(['-', '-', '-', '-', '-']);
    const alone = new KeySuccession().keysFrom(a, []);
    expect(verifierKeyText(alone(7) ?? two)).toBe(a);
  });
});

describe('stored rows', () => {
  const read = async (...given: Parameters<typeof storedRows>) => {
    const seqs: number[] = [];
    for await (const { seq } of storedRows(...given)) seqs.push(seq);
    return seqs;
  };

  it('are read a thousand at a time, from the first that is wanted to the last', async () => {
    const asked: [number, number][] = [];
    const rows = Array.from({ length: 2300 }, (_, seq) => ({ seq, bytes: Buffer.of(), leaf: Buffer.of() }));
    const store = {
      async rows(from: number, limit: number) {
        asked.push([from, limit]);
        return rows.slice(from, from + limit);
      },
    };
    const seqs = async (...range: [end?: number, begin?: number]) => {
      const all = await read(store, ...range);
      return [all[0], all.at(-1), all.length];
    };
    expect(await seqs()).toEqual([0, 2299, 2300]);
    expect(asked.splice(0)).toEqual([0, 1000, 2000, 2300].map(from => [from, 1000]));
    expect(await seqs(1500, 400)).toEqual([400, 1499, 1100]);
    expect(asked.splice(0)).toEqual([
      [400, 1000],
      [1400, 100],
    ]);
    expect(await seqs(5, 5)).toEqual([undefined, undefined, 0]);
    expect(asked).toEqual([]);
  });

  it('beyond the end are left out, also where numbers are missing before it', async () => {
    const rows = [0, 1, 7].map(seq => ({ seq, bytes: Buffer.of(), leaf: Buffer.of() }));
    const store = { rows: async (from: number) => rows.filter(({ seq }) => seq >= from) };
    expect(await read(store, 7)).toEqual([0, 1]);
  });
});

describe('a trail', () => {
  const by = { actor: { sub: 'ada', groups: [] }, via: { channel: 'service' }, v: 1, id: 'i', time: '' };
  const seen = (subject: TrailSubject, ...entries: (object | string)[]) => {
    const trail = new Trail(subject);
    for (const [seq, entry] of entries.entries()) {
      const text = typeof entry === 'string' ? entry : JSON.stringify({ ...by, ...entry });
      trail.see({ seq, bytes: Buffer.from(text), leaf: Buffer.of() });
    }
    return trail;
  };
  const seqs = (of: Trail) => of.entries().map(({ seq }) => seq);
  const intent = (operation: string, resource: object, digest = 'd') => ({
    type: 'effect.intent',
    operation,
    digest,
    resource,
  });

  it('holds what names its subject, the ends of its effects, and what led to them, in their order', () => {
    const one = { serial: 'SN-1', node: 'w-1', uuid: 'u-1' };
    const trail = seen(
      { serial: 'SN-1' },
      { type: 'plan', digest: 'd' }, // 0
      { type: 'plan', digest: 'other' },
      { type: 'service' },
      intent('op', one), // 3
      intent('op', { serial: 'SN-2' }),
      { type: 'effect.result', intent: 3 }, // 5
      { type: 'effect.result', intent: 4 },
      { type: 'operation', digest: 'd' }, // 7
    );
    expect(seqs(trail)).toEqual([0, 3, 5, 7]);
    expect([trail.systems(), trail.unreadable]).toEqual([['u-1'], 0]);
  });

  it('is that of a node or of an operation as well, and tells apart two systems of one name', () => {
    const entries = [
      intent('a', { node: 'w-1', uuid: 'u-1' }),
      intent('b', { node: 'w-1', uuid: 'u-2' }),
      intent('a', { node: 'w-2' }),
    ];
    expect(seqs(seen({ node: 'w-1' }, ...entries))).toEqual([0, 1]);
    expect(seen({ node: 'w-1' }, ...entries).systems()).toEqual(['u-1', 'u-2']);
    expect(seqs(seen({ operation: 'a' }, ...entries))).toEqual([0, 2]);
    expect(seen({ operation: 'a' }, ...entries).systems()).toEqual(['u-1']);
  });

  it('counts what is no entry, and takes odd ones as they are', () => {
    const trail = seen(
      { node: 'w-1' },
      'no entry',
      { type: 'plan', resource: 'w-1' },
      { type: 'plan', resource: null },
      'none either',
    );
    expect([trail.unreadable, seqs(trail)]).toEqual([2, []]);
  });
});
