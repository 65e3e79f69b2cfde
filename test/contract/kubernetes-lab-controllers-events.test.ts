import { Agent, fetch } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { shippedManifests } from '../../src/demo/lab-part.ts';
import { makeCertificate } from '../../src/lab/certificate.ts';
import { LabClock } from '../../src/lab/clock.ts';
import { type RunningCluster, startCluster } from '../../src/lab/cluster/cluster.ts';
import { EffectLog } from '../../src/lab/effect-log.ts';
import { Host } from '../../src/lab/host.ts';
import { until } from '../support/kubernetes-lab.ts';

const address = '127.61.0.37';
const clock = new LabClock(50);
const certificate = makeCertificate({ commonName: address, altNames: [address] });
const host = new Host({ name: 'w-1', uuid: '4C4C4544-0051-3010-8052-B4C04F513251', serial: 'EVENTS1', clock });
const agent = new Agent({ connect: { ca: certificate.cert } });
const eventLifeMs = 20_000;
let cluster: RunningCluster;
let token = '';

beforeAll(async () => {
  const nodes = [{ host, name: host.name, role: 'worker' as const, zone: 'a' }];
  const effects = new EffectLog();
  cluster = await startCluster({
    name: 'events',
    address,
    port: 0,
    clock,
    effects,
    nodes,
    certificate,
    manifests: shippedManifests,
    eventLifeMs,
  });
  const { users } = parse(cluster.adminKubeconfig) as { users: { user: { token: string } }[] };
  token = users[0]?.user.token ?? '';
});
afterAll(async () => {
  await cluster.stop();
  await agent.destroy();
  clock.stop();
});

async function api(path: string, body?: object): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/merge-patch+json' };
  const call = body === undefined ? {} : { method: 'PATCH', body: JSON.stringify(body) };
  const response = await fetch(cluster.url + path, { dispatcher: agent, headers, ...call });
  expect(response.status).toBe(200);
  return response.json();
}

async function events(reasons: string[]): Promise<{ reason: string; count: number }[]> {
  const { items } = (await api('/api/v1/namespaces/default/events')) as { items: { reason: string; count: number }[] };
  return items.filter(({ reason }) => reasons.includes(reason));
}

describe('the events of a component that repeats itself', () => {
  const toggled = ['NodeSchedulable', 'NodeNotSchedulable'];

  it('are held back after a burst', async () => {
    for (let n = 0; n < 20; n++) {
      await api('/api/v1/nodes/w-1', { spec: { unschedulable: true } });
      await api('/api/v1/nodes/w-1', { spec: { unschedulable: null } });
    }
    const told = (await events(toggled)).reduce((sum, { count }) => sum + count, 0);
    expect(told).toBeGreaterThan(20);
    expect(told).toBeLessThan(30);
  });

  it('are gone after their time', async () => {
    expect((await events(toggled)).length).toBeGreaterThan(0);
    await until('they are gone', async () => (await events(toggled)).length === 0);
  });
});
