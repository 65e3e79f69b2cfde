/** What is read out of a log's entries: effects that are open, keys that follow each other, rows in their order, trails. */
import { describe, expect, it } from 'vitest';
import type { CustodyEntry } from '../../src/core/custody.ts';
import { IntentLedger } from '../../src/guard/custody/intent-ledger.ts';
import { KeySuccession } from '../../src/guard/custody/key-succession.ts';
import { leafHash } from '../../src/guard/custody/merkle.ts';
import { parseNote, signCheckpoint } from '../../src/guard/custody/note.ts';
import { verifierKeyText } from '../../src/guard/custody/signing-key.ts';
import { storedRows } from '../../src/guard/custody/stored-rows.ts';
import { Trail, type TrailSubject } from '../../src/guard/custody/trail.ts';
import { intentEntry, resultEntry, serviceEntry } from '../support/custody.ts';
import { newSigner } from '../support/memory-custody.ts';

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
