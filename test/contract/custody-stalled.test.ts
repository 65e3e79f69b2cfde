/** A writer that stops inside its transaction holds the log's head, on which all others wait: it is cut, or they give up in time. */
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabase } from '../../src/adapters/postgres/database.ts';
import { storedRows } from '../../src/guard/custody/stored-rows.ts';
import { verifyLog } from '../../src/guard/custody/verify.ts';
import { serviceEntry } from '../support/custody.ts';
import { approvedOperation, effectOf, type GuardScene, guardScene, refusal } from '../support/guard.ts';
import { eventually } from '../support/stack.ts';

let scene: GuardScene;
beforeAll(async () => {
  scene = await guardScene();
});
afterAll(() => scene?.close());

async function details(): Promise<string[]> {
  return (await scene.entries()).flatMap(entry => (entry.type === 'service' ? [entry.detail] : []));
}

it('is cut once it has asked nothing for its time, and the others go on without what it wrote', async () => {
  const process = await openDatabase(scene.url, { lock: false, idleMs: 3_000 });
  const [wrote, ends] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const stalled = process.transaction(async tx => {
    await scene.custody.append(serviceEntry('by the stalled one'), tx.custody);
    wrote.resolve();
    await ends.promise;
    await scene.custody.append(serviceEntry('when it wakes up'), tx.custody);
  });
  stalled.catch(() => undefined);
  await Promise.race([wrote.promise, stalled]); // one that is cut before is told of
  await scene.custody.append(serviceEntry('by the next one'));
  expect(await details()).toEqual(['by the next one']);
  ends.resolve();
  expect(await refusal(stalled)).toMatchObject({ code: 'database', retry: 'later' });
  expect(await details()).toEqual(['by the next one']);
  await process.close();
});

it('that is at work and not idle keeps nobody for longer than the limit: they fail, nothing is sent, and the log goes on', async () => {
  const limit = () => scene.admin.query(`select proconfig from pg_proc where proname = 'custody_append'`);
  expect((await limit()).rows).toEqual([{ proconfig: ['lock_timeout=10s'] }]);
  await scene.admin.query(`alter function custody_append set lock_timeout = '200ms'`);
  const operation = await approvedOperation(scene);
  const holder = new pg.Client({ connectionString: scene.url });
  await holder.connect();
  await holder.query('begin');
  await holder.query('select * from custody_head for update');
  const working = holder.query('select pg_sleep(60)').catch(() => undefined);
  const { spec, sent } = effectOf(operation);
  expect(await refusal(scene.perform(spec))).toMatchObject({ code: 'database', retry: 'later' });
  expect(sent).toEqual([]);
  await scene.admin.query(
    `select pg_cancel_backend(pid) from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid() and datname = current_database()`,
  );
  await working;
  await holder.end();
  await eventually('the effect to go through', () => scene.perform(spec).catch(() => undefined));
  expect(sent).toHaveLength(1);
  const { custody } = scene.records;
  await scene.custody.checkpoint();
  const [head, checkpoints] = [await custody.head(), await custody.checkpoints()];
  const { verifierKey } = scene.custody;
  expect(await verifyLog({ rows: storedRows(custody), head, checkpoints, verifierKey })).toMatchObject({
    ok: true,
    openIntents: [],
  });
});
