/** What is kept beside the log: nobody reads it from a dump, nobody changes it unseen, and an erased key takes it along. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvidenceItem } from '../../src/core/evidence.ts';
import { Evidence } from '../../src/guard/custody/evidence.ts';
import { keyedDigest } from '../../src/guard/custody/evidence-seal.ts';
import { byService } from '../../src/guard/custody/log.ts';
import { storedRows } from '../../src/guard/custody/stored-rows.ts';
import { verifyLog } from '../../src/guard/custody/verify.ts';
import { evidenceKeeper } from '../../src/guard/keep-evidence.ts';
import { databaseText } from '../support/database-text.ts';
import { approvedOperation, type GuardScene, guardScene, refusal } from '../support/guard.ts';

let scene: GuardScene;
let evidence: Evidence;
beforeAll(async () => {
  scene = await guardScene();
  evidence = new Evidence({ serviceKey: randomBytes(32), custody: scene.custody });
});
afterAll(() => scene?.close());

const told = (subject: EvidenceItem['subject'], text: string): EvidenceItem => ({
  subject,
  kind: 'gate',
  content: { text },
});
const keep = (item: EvidenceItem) => scene.records.transaction(tx => evidence.keep(tx, item, byService));
const read = (id: string) => evidence.read(scene.records.evidence, id);
const erase = (subject: string) =>
  scene.records.transaction(tx => evidence.erase(tx, { subject, reason: 'asked for it', ...byService }));

async function entries() {
  return (await scene.entries()).filter(entry => entry.type === 'evidence');
}

/** Id of the piece that was kept last. */
async function last(): Promise<string> {
  return (await entries()).at(-1)?.evidence ?? '';
}

async function verdict() {
  const { custody } = scene.records;
  await scene.custody.checkpoint();
  const [head, checkpoints] = [await custody.head(), await custody.checkpoints()];
  return verifyLog({ rows: storedRows(custody), head, checkpoints, verifierKey: scene.custody.verifierKey });
}

describe('evidence', () => {
  it('reads back as the bytes that its entry digests, and stands in no dump of the database', async () => {
    const digest = await keep(told('server:one', 'fan 3 stopped'));
    const { text, digestKey, ...rest } = await read(await last());
    expect(rest).toEqual({ id: await last(), subject: 'server:one', kind: 'gate' });
    expect(JSON.parse(text)).toEqual({ text: 'fan 3 stopped' });
    const [entry] = (await entries()).slice(-1);
    expect(entry).toMatchObject({ contentDigest: digest, bytes: text.length, subject: 'server:one' });
    expect(keyedDigest(Buffer.from(digestKey, 'base64'), text)).toBe(digest);
    const dump = await databaseText(scene.url);
    expect(dump).toContain('server:one');
    expect(dump).not.toContain('fan 3');
  });

  it('of the same words about the same server has another digest, so that nobody learns that they are the same', async () => {
    const both = [await keep(told('server:one', 'ok')), await keep(told('server:one', 'ok'))];
    expect(new Set(both).size).toBe(2);
  });

  it('is refused once it was changed, exchanged for another piece, or met by another key of the service', async () => {
    await keep(told('server:one', 'first'));
    const one = await last();
    await keep(told('server:one', 'second'));
    const two = await last();
    const changed = { code: 'database', retry: 'ask' };
    const stranger = new Evidence({ serviceKey: randomBytes(32), custody: scene.custody });
    expect(await refusal(stranger.read(scene.records.evidence, one))).toMatchObject(changed);
    const swap = 'update evidence set sealed = (select sealed from evidence where id = $2) where id = $1';
    await scene.admin.query(swap, [one, two]);
    expect(await refusal(read(one))).toMatchObject(changed);
    await scene.admin.query(
      'update evidence set sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1) where id = $1',
      [two],
    );
    expect(await refusal(read(two))).toMatchObject(changed);
  });

  it('is not there where its entry could not be written', async () => {
    const count = async () => (await scene.admin.query('select count(*)::int as n from evidence')).rows[0].n;
    const before = await count();
    await scene.admin.query('alter table custody_entry rename to custody_gone');
    await refusal(keep(told('server:one', 'lost'))).catch(() => undefined);
    await scene.admin.query('alter table custody_gone rename to custody_entry');
    expect(await count()).toBe(before);
  });

  it('of one step of an operation is kept once, however often the step is begun again', async () => {
    const operation = await approvedOperation(scene);
    const seen = evidenceKeeper({ records: scene.records, evidence, authority: scene.authority });
    const about = { operation, node: 'w-1', step: 'w-1/steady' } as const;
    for (const content of ['first', 'again']) await seen({ ...about, kind: 'gate', content });
    const kept = (await entries()).filter(entry => entry.operation === operation);
    expect(kept).toMatchObject([{ step: 'w-1/steady', resource: { node: 'w-1' }, actor: { sub: 'ask' } }]);
    expect(JSON.parse((await read(kept[0]?.evidence ?? '')).text)).toBe('first');
  });
});

describe('a subject that is erased', () => {
  it('cannot be read any more, not even by its digest, while others can and the log verifies', async () => {
    await keep(told('person:ada', 'her words'));
    const hers = await last();
    await keep(told('person:bob', 'his words'));
    const his = await last();
    expect(await erase('person:ada')).toBe(1);
    expect(await refusal(read(hers))).toMatchObject({ code: 'not_found', message: expect.stringContaining('erased') });
    expect(JSON.parse((await read(his)).text)).toEqual({ text: 'his words' });
    expect((await scene.entries()).at(-1)).toMatchObject({ type: 'subject.erased', subject: 'person:ada', pieces: 1 });
    expect(await verdict()).toMatchObject({ ok: true });
    const { rows } = await scene.admin.query(`select 1 from evidence_key where subject = 'person:ada'`);
    expect(rows).toEqual([]);
  });

  it('has a new key for what comes later, and what was erased stays so', async () => {
    await keep(told('person:eve', 'before'));
    const before = await last();
    await erase('person:eve');
    await keep(told('person:eve', 'after'));
    expect(JSON.parse((await read(await last())).text)).toEqual({ text: 'after' });
    expect(await refusal(read(before))).toMatchObject({ code: 'not_found' });
  });

  it('stays as it was where the erasure could not be recorded, and one that is unknown is named', async () => {
    await keep(told('person:kay', 'stays'));
    const kept = await last();
    await scene.admin.query('alter table custody_entry rename to custody_gone');
    await refusal(erase('person:kay')).catch(() => undefined);
    await scene.admin.query('alter table custody_gone rename to custody_entry');
    expect(JSON.parse((await read(kept)).text)).toEqual({ text: 'stays' });
    expect(await refusal(erase('person:nobody'))).toMatchObject({ code: 'not_found' });
  });
});
