import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Child } from '../../bench/parts/messages.ts';
import { differing, type Fleet, startFleet, startSubject } from '../../bench/parts/scene.ts';
import type { Subject } from '../../bench/parts/subject.ts';
import { until } from '../support/kubernetes-lab.ts';
import { neverAsAdministrator } from '../support/product-callers.ts';

const limitMs = 30_000;
let fleet: Fleet;
let subject: Child<Subject>;

beforeAll(async () => {
  fleet = await startFleet({ clusters: 4, nodes: 6, podsPerNode: 5 });
  subject = startSubject();
  await subject.ask('hold', { kind: 'mirror', clusters: fleet.kubeconfigs });
});
afterAll(async () => {
  await subject.stop();
  await fleet.stop();
});

/** Also once each cluster changed again: what is held is not only right, it still follows. */
async function expectHeld(): Promise<void> {
  expect(await differing(fleet, subject, { limitMs })).toEqual([]);
  for (const server of fleet.servers) await server.ask('touch', undefined);
  expect(await differing(fleet, subject, { limitMs })).toEqual([]);
}

describe('mirrors of several clusters in one process', () => {
  it('hold what the API servers store, while it changes', async () => {
    await expectHeld();
    const [server] = fleet.servers;
    const changed = async () => (await server?.ask('change', { perSecond: 100 })) ?? 0;
    const before = await changed();
    await until('the stores changed', async () => (await changed()) > before + 100);
    for (const each of fleet.servers) await each.ask('change', { perSecond: 0 });
    await expectHeld();
  });

  it('survive the restart of all API servers at once', async () => {
    for (const server of fleet.servers) await server.ask('restart', { names: fleet.names, downMs: 1000 });
    await expectHeld();
  });

  it('survive restarts one after the other', async () => {
    for (const name of fleet.names) await fleet.serverOf(name).ask('restart', { names: [name], downMs: 100 });
    await expectHeld();
  });

  it('survive API servers that come back without their history', async () => {
    for (const name of fleet.names) {
      const restarting = fleet.serverOf(name).ask('restart', { names: [name], downMs: 300 });
      await fleet.serverOf(name).ask('compact', { name });
      await restarting;
    }
    await expectHeld();
  });
});

describe('the process that holds them', () => {
  it('asks each API server under the account of the shipped manifests, and never as an administrator', async () => {
    const callers = (await Promise.all(fleet.servers.map(server => server.ask('callers', undefined)))).flat();
    neverAsAdministrator(callers);
    const user = 'system:serviceaccount:groundskeeper:groundskeeper';
    expect(callers.map(each => each.user)).toEqual(fleet.names.map(() => user));
  });
});

describe('the comparison that tells', () => {
  it('notices a cluster whose content is another one', async () => {
    const other = startSubject();
    await other.ask('hold', { kind: 'mirror', clusters: fleet.kubeconfigs.slice(1) });
    expect(await differing(fleet, other, { limitMs: 0 })).toEqual([fleet.names[0]]);
    await other.stop();
  });
});
