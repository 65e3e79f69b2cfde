import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { custodyStore } from '../../src/adapters/postgres/custody-store.ts';
import { leafHash } from '../../src/guard/custody/merkle.ts';
import { openCheckpoint } from '../../src/guard/custody/note.ts';
import { storedRows } from '../../src/guard/custody/stored-rows.ts';
import { type CustodyScene, custodyScene, serviceEntry } from '../support/custody.ts';
import { treeHash } from '../support/naive-tree.ts';

let scene: CustodyScene;
beforeEach(async () => {
  scene = await custodyScene();
});
afterEach(() => scene.close());

describe('appending', () => {
  it('computes leaves, frontier and root in the database as RFC 6962 defines them', async () => {
    expect((await scene.store.head()).root).toEqual(treeHash([]));
    const written: Buffer[] = [];
    for (let size = 1; size <= 34; size++) {
      const bytes = Buffer.from(`"entry ${size}"`);
      const [receipt] = await scene.store.append([bytes]);
      written.push(bytes);
      expect(receipt).toEqual({ seq: size - 1, leaf: leafHash(bytes).toString('hex') });
      expect(await scene.store.head()).toMatchObject({ size, root: treeHash(written) });
    }
  });

  it('takes many at once, as neighbours and in order', async () => {
    const batch = Array.from({ length: 300 }, (_, i) => Buffer.from(`"batched ${i}"`));
    await scene.store.append([Buffer.from('"first"')]);
    const receipts = await scene.store.append(batch);
    expect(receipts.map(receipt => receipt.seq)).toEqual(batch.map((_, i) => i + 1));
    expect((await scene.store.head()).root).toEqual(treeHash([Buffer.from('"first"'), ...batch]));
    expect(await scene.store.append([])).toEqual([]);
  });

  it('keeps one gapless order under writers that race', async () => {
    const receipts = await Promise.all(
      Array.from({ length: 40 }, (_, i) => scene.log.append(serviceEntry(`racer ${i}`))),
    );
    const seqs = receipts.flat().map(receipt => receipt.seq);
    expect(seqs.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    expect(await scene.verify()).toMatchObject({ ok: true, size: 40 });
  });

  it('commits and vanishes with the transaction that it joins', async () => {
    const client = await scene.pool.connect();
    try {
      for (const end of ['rollback', 'commit']) {
        await client.query('begin');
        await scene.log.append(serviceEntry(end), custodyStore(client));
        await client.query(end);
      }
    } finally {
      client.release();
    }
    const rows = await scene.store.rows(0, 10);
    expect(rows.map(row => JSON.parse(Buffer.from(row.bytes).toString()).detail)).toEqual(['commit']);
    expect(await scene.verify()).toMatchObject({ ok: true, size: 1 });
  });

  it('stores what was said, with version, time and an identifier that sorts by time', async () => {
    const before = Date.now();
    await scene.log.append({ ...serviceEntry('what'), resource: { node: 'n1' } });
    const [row] = await scene.store.rows(0, 1);
    const stored = JSON.parse(Buffer.from(row?.bytes ?? []).toString());
    expect(stored).toMatchObject({
      v: 1,
      type: 'service',
      detail: 'what',
      resource: { node: 'n1' },
      actor: { sub: 'ada' },
    });
    expect(stored.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Number.parseInt(stored.id.replace('-', '').slice(0, 12), 16)).toBe(Date.parse(stored.time));
    expect(Date.parse(stored.time)).toBeGreaterThanOrEqual(before);
  });

  it('refuses an entry above 65,535 bytes, and the batch with it', async () => {
    const large = scene.log.append([serviceEntry('small'), serviceEntry('x'.repeat(65_535))]);
    await expect(large).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(scene.store.append([Buffer.alloc(65_536)])).rejects.toMatchObject({ code: 'database' });
    expect((await scene.store.head()).size).toBe(0);
  });

  it('fails as a database failure when the server cannot be reached', async () => {
    const lost = custodyStore({ query: () => Promise.reject(new Error('connect ECONNREFUSED')) });
    await expect(scene.log.append(serviceEntry('x'), lost)).rejects.toMatchObject({ code: 'database', retry: 'later' });
  });
});

describe('the tables', () => {
  it.each([
    'update custody_entry set bytes = bytes',
    'delete from custody_entry',
    'truncate custody_entry',
    "update custody_checkpoint set note = ''",
    'delete from custody_checkpoint',
    'truncate custody_checkpoint',
    'delete from custody_head',
    'truncate custody_head',
    "insert into custody_head (one, size, root, frontier) values (false, 0, sha256(''), '{}')",
    'update custody_head set size = size - 1',
  ])('refuse: %s', async statement => {
    await scene.log.append(serviceEntry('kept'));
    await scene.log.checkpoint();
    await expect(scene.pool.query(statement)).rejects.toThrow(/append-only/);
    expect(await scene.verify()).toMatchObject({ ok: true, size: 1 });
  });
});

describe('reading', () => {
  it('gives all rows in pages, or those below an end', async () => {
    await scene.store.append(Array.from({ length: 2300 }, (_, i) => Buffer.from(String(i))));
    const seqs = async (end?: number) => {
      const list: number[] = [];
      for await (const row of storedRows(scene.store, end)) list.push(row.seq);
      return list;
    };
    expect(await seqs()).toEqual(Array.from({ length: 2300 }, (_, i) => i));
    expect(await seqs(1500)).toHaveLength(1500);
  });
});

describe('a checkpoint', () => {
  it('signs the current head, and is saved once for each size', async () => {
    await scene.log.append(serviceEntry('one'));
    const first = await scene.log.checkpoint();
    expect(await scene.log.checkpoint()).toBe(first);
    await scene.log.append(serviceEntry('two'));
    const second = await scene.log.checkpoint();
    const { size, root } = await scene.store.head();
    expect(openCheckpoint(second, scene.signer)).toMatchObject({ size, root });
    expect(await scene.store.checkpoints()).toEqual([
      { size: 1, note: first },
      { size: 2, note: second },
    ]);
  });

  it('is not replaced by another of the same size', async () => {
    await scene.log.checkpoint();
    await expect(scene.store.saveCheckpoint(0, 'another')).rejects.toMatchObject({ code: 'conflict', retry: 'ask' });
  });

  it('is not signed over a log that contradicts the last one', async () => {
    await scene.log.append([serviceEntry('one'), serviceEntry('two')]);
    await scene.log.checkpoint();
    await scene.meddle('update custody_head set root = sha256(root)');
    await expect(scene.log.checkpoint()).rejects.toMatchObject({ code: 'precondition_failed', retry: 'ask' });
    await scene.meddle('update custody_head set size = 1');
    await expect(scene.log.checkpoint()).rejects.toMatchObject({ code: 'precondition_failed' });
  });
});
