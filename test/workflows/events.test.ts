/** The service hears of events as each BMC allows, and leaves no subscription behind: not by kill -9 and restart, and not by a stop. */
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    addressBase: '127.88',
    controlPlanes: 1,
    workers: 1,
    machines: ['supermicro', 'openbmc'],
    speed: 20,
    sampleEvery: '1s',
    pushes: true,
  });
});
afterAll(() => stack?.close());

const servers = () => stack.lab.sites.flatMap(site => site.nodes.map(node => node.server));
const of = (type: 'SSE' | 'RedfishEvent') =>
  servers().flatMap(server => server.subscriptions().filter(each => each.type === type));
const destinations = () => of('RedfishEvent').map(({ destination }) => destination);

async function recorded(): Promise<string[]> {
  const client = new pg.Client({ connectionString: stack.databaseUrl });
  await client.connect();
  const { rows } = await client.query('select destination from bmc_subscription');
  await client.end();
  return rows.map(row => row.destination);
}

async function bothHeard(): Promise<void> {
  await eventually('a stream and a push', async () =>
    of('SSE').length === 1 && of('RedfishEvent').length === 1 ? true : undefined,
  );
}

it('by a stream or a push, tells which, and cleans up behind a life that was killed', async () => {
  await bothHeard();
  const client = await stack.client('requester');
  const ways = await eventually('both ways to be told', async () => {
    const told = await Promise.all(
      servers().map(async ({ name }) => (await client.callTool('getBmcStatus', { node: name })).output),
    );
    const found = told.map(each => (each as { events: { way: string } }).events.way);
    return found.includes('polling') ? undefined : found.sort();
  });
  expect(ways).toEqual(['push', 'stream']);
  const before = destinations();
  expect(await recorded()).toEqual(before);

  await stack.kill();
  expect([destinations(), await recorded()]).toEqual([before, before]);
  await stack.start();
  await eventually('another subscription', async () =>
    destinations().length === 1 && destinations()[0] !== before[0] ? true : undefined,
  );
  await bothHeard();
  expect(await recorded()).toEqual(destinations());

  await stack.service().stop();
  expect([of('SSE'), of('RedfishEvent'), await recorded()]).toEqual([[], [], []]);
  expect(servers().map(server => [server.sessions().length, server.logIns().bad])).toEqual([
    [0, 0],
    [0, 0],
  ]);
});
