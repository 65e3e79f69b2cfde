import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { leafHash } from '../../src/guard/custody/merkle.ts';
import { signCheckpoint } from '../../src/guard/custody/note.ts';
import { storedRows } from '../../src/guard/custody/stored-rows.ts';
import { verifyLog } from '../../src/guard/custody/verify.ts';
import { type CustodyScene, custodyScene, intentEntry, resultEntry, serviceEntry } from '../support/custody.ts';

let scene: CustodyScene;
beforeEach(async () => {
  scene = await custodyScene();
});
afterEach(() => scene.close());

/** Ten entries, signed after the fifth and the eighth. */
async function tenEntries(): Promise<void> {
  for (const part of [5, 3, 2]) {
    await scene.log.append(Array.from({ length: part }, (_, i) => serviceEntry(`of ${part}: ${i}`)));
    if (part > 2) await scene.log.checkpoint();
  }
}

async function problems(): Promise<string[]> {
  const verdict = await scene.verify();
  return verdict.ok ? [] : verdict.problems.map(({ seq, problem }) => `${seq ?? '-'}: ${problem}`);
}

/** What an owner would do who wants the tables to agree with each other again. */
async function rebuildTree(): Promise<void> {
  const rows = await scene.store.rows(0, 100);
  const head = "update custody_head set size = 0, frontier = '{}', root = sha256('')";
  const again = rows.map(row => `select custody_append(array['\\x${Buffer.from(row.bytes).toString('hex')}'::bytea])`);
  await scene.meddle('delete from custody_entry', head, ...again);
}

/** Inside the text `started`, so that the entry still reads as one. */
const flipByte = (seq: number) =>
  `update custody_entry set bytes = set_byte(bytes, 11, get_byte(bytes, 11) # 1) where seq = ${seq}`;

describe('an untouched log', () => {
  it('verifies, and says how much of it is signed', async () => {
    await tenEntries();
    const root = (await scene.store.head()).root;
    expect(await scene.verify()).toEqual({
      ok: true,
      size: 10,
      root: Buffer.from(root).toString('hex'),
      checkpoint: { size: 8 },
      unsignedTail: 2,
      anchor: { size: 0 },
      unanchoredTail: 10,
      verifierKey: scene.log.verifierKey,
      openIntents: [],
    });
  });

  it('verifies while it is empty', async () => {
    expect(await scene.verify()).toMatchObject({ ok: true, size: 0, checkpoint: { size: 0 }, unsignedTail: 0 });
    await scene.log.checkpoint();
    expect(await scene.verify()).toMatchObject({ ok: true, size: 0 });
  });

  it('lists the effects that were announced and not concluded', async () => {
    await scene.log.append([intentEntry('op-a'), intentEntry('op-b'), resultEntry('op-a', 0)]);
    expect(await scene.verify()).toMatchObject({
      ok: true,
      openIntents: [{ seq: 1, operation: 'op-b', step: 'reset', action: 'reset' }],
    });
  });
});

describe('a meddled log', () => {
  beforeEach(tenEntries);

  it('names the entry of which one byte was changed', async () => {
    await scene.meddle(flipByte(3));
    const found = await problems();
    expect(found[0]).toMatch(/^3: entry 3 \("service", id "[0-9a-f-]{36}"\) does not fit its leaf/);
    expect(found.join('\n')).toMatch(/signed for 5 entries .* the bytes of the entries named here that were changed/);
    expect(found.filter(line => !line.startsWith('-') && !line.startsWith('3:'))).toEqual([]);
  });

  it('is found out at every byte of an entry', async () => {
    const rows = await scene.store.rows(0, 10);
    const head = await scene.store.head();
    const checkpoints = await scene.store.checkpoints();
    const length = rows[3]?.bytes.length ?? 0;
    expect(length).toBeGreaterThan(100);
    for (let at = 0; at < length; at++) {
      const changed = rows.map(row => ({ ...row, bytes: Buffer.from(row.bytes) }));
      const byte = changed[3]?.bytes;
      byte?.writeUInt8(byte.readUInt8(at) ^ 1, at);
      const stream = (async function* () {
        yield* changed;
      })();
      const verdict = await verifyLog({ rows: stream, head, checkpoints, verifierKey: scene.log.verifierKey });
      expect(verdict).toMatchObject({
        ok: false,
        problems: expect.arrayContaining([expect.objectContaining({ seq: 3 })]),
      });
    }
  });

  it('says between which checkpoints an entry was replaced together with its leaf', async () => {
    await scene.meddle(
      `${flipByte(6)}`,
      "update custody_entry set leaf = sha256('\\x00'::bytea || bytes) where seq = 6",
    );
    expect((await problems()).join('\n')).toMatch(/signed for 8 entries .* entries 5 to 7 were changed or swapped/);
  });

  it('is found out when the whole tree was computed anew', async () => {
    await scene.meddle(flipByte(1));
    await rebuildTree();
    const found = await problems();
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/signed for 5 entries .* entries 0 to 4 were changed or swapped/);
  });

  it('is found out when two entries were swapped', async () => {
    await scene.meddle(
      'update custody_entry set seq = -1 where seq = 2',
      'update custody_entry set seq = 2 where seq = 4',
      'update custody_entry set seq = 4 where seq = -1',
    );
    await rebuildTree();
    expect((await problems()).join('\n')).toMatch(/entries 0 to 4 were changed or swapped/);
  });

  it('names the gap that a dropped entry leaves', async () => {
    await scene.meddle('delete from custody_entry where seq in (4, 5)');
    expect(await problems()).toEqual(['4: entries 4 to 5 are missing; no root after that can be computed']);
  });

  it('is found out when its end was cut below a checkpoint', async () => {
    await scene.meddle('delete from custody_entry where seq >= 7');
    await rebuildTree();
    expect(await problems()).toEqual(['-: the log was cut: a checkpoint signs 8 entries, 7 are left']);
  });

  it('is found out by a checkpoint kept elsewhere when those in the database were removed too', async () => {
    const kept = await scene.store.checkpoints();
    await scene.meddle('delete from custody_entry where seq >= 5', 'delete from custody_checkpoint');
    await rebuildTree();
    expect(await scene.verify()).toMatchObject({ ok: true, size: 5 });
    const parts = { rows: storedRows(scene.store), head: await scene.store.head(), verifierKey: scene.log.verifierKey };
    expect(await verifyLog({ ...parts, checkpoints: [], anchors: kept })).toMatchObject({ ok: false });
  });

  it('is found out when only the head was changed', async () => {
    await scene.meddle('update custody_head set root = sha256(root)');
    expect((await problems()).join('\n')).toMatch(/stored head's root is not the root/);
    await scene.meddle('update custody_head set size = 11');
    expect((await problems()).join('\n')).toMatch(/head counts 11 entries, the log holds 10/);
  });

  it('is found out when a checkpoint was forged or does not open', async () => {
    await scene.meddle("update custody_checkpoint set note = replace(note, E'\\n5\\n', E'\\n6\\n') where size = 5");
    expect((await problems()).join('\n')).toMatch(/checkpoint 1 of 2: the checkpoint signature is wrong/);
  });

  it('is found out when the key signed two histories', async () => {
    const fork = signCheckpoint({ size: 8, root: leafHash(Buffer.from('fork')) }, scene.signer);
    const checkpoints = [...(await scene.store.checkpoints()), { note: fork }];
    const verdict = await verifyLog({ rows: storedRows(scene.store), checkpoints, verifierKey: scene.log.verifierKey });
    expect(verdict).toMatchObject({ ok: false });
  });
});

describe('what an honest writer never appends', () => {
  it('is named although the tree holds it', async () => {
    await scene.store.append([Buffer.from('{"v": 1}'), Buffer.from('not json')]);
    await scene.log.append([intentEntry('op-a'), resultEntry('op-a', 7), resultEntry('op-b', 2)]);
    const found = await problems();
    expect(found).toHaveLength(4);
    expect(found[0]).toMatch(/^0: .*is not an entry/);
    expect(found[1]).toMatch(/^1: .*is not JSON/);
    expect(found[2]).toMatch(/^3: .*names no intent that came before it/);
    expect(found[3]).toMatch(/^4: .*names another operation's intent/);
  });
});
