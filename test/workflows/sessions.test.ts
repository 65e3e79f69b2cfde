/** A service that is killed while its BMCs misbehave, a log-in under way among it, leaves no session on them once it has run again. */
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunningBmc } from '../../src/lab/bmc/bmc.ts';
import type { FaultInput } from '../../src/lab/faults.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

const misbehaviour: FaultInput[] = [
  { kind: 'slow', ms: 1_000 },
  { kind: 'unauthorized-sometimes', every: 3 },
  { kind: 'connection-reset', every: 2 },
  { kind: 'busy-sometimes', every: 10 },
  { kind: 'overload', parallel: 2 },
  { kind: 'clock-skew', ms: -7_200_000 },
  { kind: 'dangling-links' },
];

let stack: Stack;
let servers: RunningBmc[];

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.108', sites: 1, workers: 4, speed: 20, sampleEvery: '300ms' });
  servers = stack.lab.sites.flatMap(site => site.nodes.map(node => node.server));
});
afterAll(() => stack?.close());

const open = () => servers.map(server => server.sessions().length);
const each = (count: number) => servers.map(() => count);

/** What the ledger has of one BMC or of all: addresses of sessions, and marks of log-ins that have begun. */
async function recorded(server?: RunningBmc): Promise<string[]> {
  const client = new pg.Client({ connectionString: stack.databaseUrl });
  await client.connect();
  const { rows } = await client.query('select session_uri from bmc_session where bmc_url = coalesce($1, bmc_url)', [
    server?.url,
  ]);
  await client.end();
  return rows.map(({ session_uri }) => session_uri);
}

it('by kill -9 twice, and then an orderly stop', async () => {
  await stack.service().stop();
  expect([open(), await recorded()]).toEqual([each(0), []]);
  for (const [index, server] of servers.entries()) server.faults.set(misbehaviour[index] as FaultInput);
  expect(servers).toHaveLength(misbehaviour.length);

  const [slow, losing] = servers;
  await stack.start();
  // It has opened the session, and its answer is a second away. The one that will lose a log-in has its first behind it: two
  // without an answer would keep the third from being tried, as they should.
  await eventually('a log-in to be under way', async () => {
    const isOver = (await recorded(losing)).some(row => row.startsWith('/redfish'));
    return isOver && slow?.sessions().length === 1 ? true : undefined;
  });
  await stack.kill();
  expect(slow?.sessions()).toHaveLength(1);

  losing?.faults.set({ kind: 'drop-after-log-in' });
  await stack.start();
  await eventually('the answer to a log-in to be lost', async () =>
    losing?.faults.get('drop-after-log-in') === undefined ? true : undefined,
  );
  await stack.kill();
  expect(losing?.sessions().length).toBeGreaterThan(0);

  await stack.start();
  // Each at a moment of its own: one that refuses a session now and then has the next one before the last is deleted.
  const alone = new Set<RunningBmc>();
  await eventually('one session on each BMC', async () => {
    for (const server of servers) if (server.sessions().length === 1) alone.add(server);
    return alone.size === servers.length ? true : undefined;
  });
  await stack.service().stop();
  expect([open(), await recorded()]).toEqual([each(0), []]);
  expect(servers.map(server => server.logIns().bad)).toEqual(each(0));
});
