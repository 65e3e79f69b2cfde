/** The database disappears while a node drains, and again while its image is transferred: nothing happens unrecorded, nothing is lost. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FleetError } from '../../src/core/errors.ts';
import { changes, custodyEntries, unaccounted } from '../support/audit.ts';
import { type DatabaseWay, databaseWay } from '../support/database-way.ts';
import { refusal } from '../support/guard.ts';
import { approve, blockedDrain, ended, pinned, planFlash, reached } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';
import { verifyRunning } from '../support/verify.ts';

let stack: Stack;
let database: DatabaseWay;

beforeAll(async () => {
  stack = await startStack({
    addressBase: '127.175',
    workers: 2,
    speed: 600,
    // A transfer that is held must not pass for one that is stuck.
    configure: ({ rollout }) => void Object.assign(rollout, { stallLimit: '10m' }),
    async database(url) {
      database = await databaseWay(url);
      return database.url;
    },
  });
});
afterAll(async () => {
  await stack?.close();
  await database?.close();
});

/** Without the database for as long as the service needs to tell `times` callers so. */
async function without(meanwhile: () => unknown, times = 5): Promise<void> {
  const client = await stack.client('requester');
  await database.sever();
  const sent = () => changes(stack.lab.effects.since()).length;
  let before: number;
  // What was on its way as the database went is over once a caller was told so and nothing came meanwhile.
  do {
    before = sent();
    await refusal(client.custodyHead());
  } while (sent() !== before);
  meanwhile();
  const errors: FleetError[] = [];
  while (errors.length < times) errors.push(await refusal(client.custodyHead()));
  expect(errors.map(({ code, retry }) => `${code}, ${retry}`)).toEqual(Array(times).fill('database, later'));
  expect(sent()).toBe(before);
  await database.restore();
}

it('the operation ends as if nothing had been, once it is back', async () => {
  const [site] = stack.lab.sites;
  if (!site) throw new Error('the lab has no site');
  const { node, unpin } = await pinned(site);
  const { faults } = stack.lab.node(node).server;
  faults.set({ kind: 'update-stalls', stage: 'download' });
  const operation = await approve(stack, await planFlash(stack, node));
  await blockedDrain(stack, operation);
  await without(unpin);
  await eventually('the image to be transferred', async () =>
    reached(stack, node).includes('flash') ? true : undefined,
  );
  await without(() => faults.clear('update-stalls'));

  expect((await ended(stack, operation)).state).toBe('done');
  expect(reached(stack, node)).toEqual(['cordon', 'flash', 'reset', 'uncordon']);
  const client = await stack.client('requester');
  expect(unaccounted(stack.lab.effects.since(), await custodyEntries(client))).toEqual([]);
  expect(await verifyRunning(client)).toMatchObject({ ok: true, openIntents: [] });
});
