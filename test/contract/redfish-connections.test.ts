/** Connections to a BMC are dear on its side: how many a look takes, and which are kept for the next. */
import { afterEach, expect, test } from 'vitest';
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import { startBmcFleet } from '../../src/lab/bmc-fleet.ts';
import { type ClientBench, clientBench } from '../support/client-bench.ts';
import { eventually } from '../support/lab-bmc.ts';
import { memoryLedger } from '../support/session-ledger.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(machine: 'hpe' | 'dell', address: string): Promise<ClientBench> {
  const bench = await clientBench(machine, address);
  closing.push(bench.close);
  return bench;
}

/** How often it was logged in to: each time on a connection that served for nothing else. */
function loggedIn({ lab }: ClientBench): number {
  const { good, bad } = lab.bmc.logIns();
  return good + bad;
}

test('one connection does for a look and the next, beside that of the log-in', async () => {
  const bench = await open('hpe', '127.80.250.1');
  const { lab, bmc } = bench;
  await bmc.sample();
  await bmc.sample();
  expect(lab.bmc.connections()).toEqual({ made: 1 + loggedIn(bench), open: 1 });
});

test('of several that were needed at once, one is kept, and does for the next look', async () => {
  const bench = await open('dell', '127.80.250.2');
  const { lab, bmc } = bench;
  const made = () => lab.bmc.connections().made - loggedIn(bench);
  await bmc.sample();
  await Promise.all(Array.from({ length: 8 }, () => bmc.power()));
  const needed = made();
  expect(needed).toBeGreaterThan(1);
  await eventually('the client gives up all but one', () => lab.bmc.connections().open === 1);
  await bmc.sample();
  expect([made(), lab.bmc.connections().open]).toEqual([needed, 1]);
});

test('where the fleet leaves no room for another, a connection does for a look and is given up after it', async () => {
  const fleet = await startBmcFleet({ sites: 1, bmcsPerSite: 2, seed: 3, addressBase: '127.82', machines: ['hpe'] });
  closing.push(fleet.stop);
  const access = fleet.bmcs.map(({ name, url, spki }) => ({ node: name, url, spki, ...fleet.account }));
  const bmcs = openBmcs({ bmcs: access, ledger: memoryLedger(), kept: 1 });
  closing.push(() => bmcs.end());
  for (const { node } of access) await bmcs.of(node).sample();
  const connections = () => fleet.bmcs.map(bmc => bmc.connections());
  const twice = { made: 2, open: 1 };
  expect(connections()).toEqual([twice, twice]);
  await eventually('the second is given up', () => connections()[1]?.open === 0);
  for (const { node } of access) await bmcs.of(node).sample();
  expect(connections()).toEqual([twice, { made: 3, open: 1 }]);
});

test('a BMC whose key changed between two looks gets no further request, though others are still trusted', async () => {
  const { lab, bmc } = await open('hpe', '127.80.250.3');
  const other = await open('hpe', '127.80.250.4');
  await Promise.all([bmc.sample(), other.bmc.sample()]);
  const logIns = { ...lab.bmc.logIns() };
  lab.bmc.faults.set({ kind: 'certificate-change' });
  await expect(bmc.sample()).rejects.toMatchObject({ code: 'certificate_changed' });
  await expect(bmc.power()).rejects.toMatchObject({ code: 'certificate_changed' });
  expect(lab.bmc.logIns()).toEqual(logIns);
  expect(lab.bmc.sessions()).toHaveLength(1);
  await other.bmc.sample();
  lab.bmc.faults.clear('certificate-change');
  await bmc.sample();
  expect(lab.bmc.logIns()).toEqual(logIns);
});

test('a fleet of BMCs alone: every machine, each with a key of its own, and no session left after the end', async () => {
  const fleet = await startBmcFleet({ sites: 2, bmcsPerSite: 9, seed: 3, addressBase: '127.81' });
  closing.push(fleet.stop);
  const access = fleet.bmcs.map(({ name, url, spki }) => ({ node: name, url, spki, ...fleet.account }));
  const bmcs = openBmcs({ bmcs: access, ledger: memoryLedger() });
  const samples = await Promise.all(access.map(({ node }) => bmcs.of(node).sample()));
  expect(samples.map(({ power }) => power)).toEqual(access.map(() => ({ value: 'on' })));
  expect(new Set(access.map(({ spki }) => spki)).size).toBe(18);
  expect(new Set(fleet.bmcs.map(({ profile }) => profile.model)).size).toBe(9);
  expect(fleet.bmcs.map(bmc => bmc.sessions().length)).toEqual(access.map(() => 1));
  await bmcs.end();
  expect(fleet.bmcs.map(bmc => bmc.sessions().length)).toEqual(access.map(() => 0));
});
