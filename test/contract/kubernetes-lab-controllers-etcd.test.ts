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

const address = '127.61.0.35';
const clock = new LabClock(50);
const certificate = makeCertificate({ commonName: address, altNames: [address] });
const hosts = [1, 2, 3].map(n => {
  const uuid = `4C4C4544-0051-3010-8052-B4C04F51324${n}`;
  return new Host({ name: `cp-${n}`, uuid, serial: `ETCD00${n}`, clock, bootMs: 60_000 });
});
const agent = new Agent({ connect: { ca: certificate.cert } });
let cluster: RunningCluster;
let token = '';

beforeAll(async () => {
  const nodes = hosts.map(host => ({ host, name: host.name, role: 'control-plane' as const, zone: 'a' }));
  const effects = new EffectLog();
  cluster = await startCluster({
    name: 'etcd',
    address,
    port: 0,
    clock,
    effects,
    nodes,
    certificate,
    manifests: shippedManifests,
    etcdEndpoints: true,
  });
  const { users } = parse(cluster.adminKubeconfig) as { users: { user: { token: string } }[] };
  token = users[0]?.user.token ?? '';
});
afterAll(async () => {
  await cluster.stop();
  await agent.destroy();
  clock.stop();
});

async function api(path: string): Promise<{ status: number; text: string }> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(cluster.url + path, { dispatcher: agent, headers });
  return { status: response.status, text: await response.text() };
}

/** What a member says, or undefined when nothing listens there. */
async function member(n: number, path: string): Promise<{ status: number; text: string } | undefined> {
  const url = cluster.etcdEndpoints[n - 1]?.url ?? '';
  try {
    const response = await fetch(url + path);
    return { status: response.status, text: await response.text() };
  } catch {
    return undefined;
  }
}

const leads = async (n: number) => /^etcd_server_is_leader 1$/m.test((await member(n, '/metrics'))?.text ?? '');

async function ready(n: number): Promise<boolean> {
  const { text } = await api(`/api/v1/namespaces/kube-system/pods/etcd-cp-${n}`);
  const { status } = JSON.parse(text) as { status?: { conditions?: { type: string; status: string }[] } };
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

describe('the etcd members of the lab', () => {
  it('have a static pod each, ready while the host runs, beside the rest of the control plane', async () => {
    for (const n of [1, 2, 3]) await until(`etcd-cp-${n} is ready`, () => ready(n));
    const { text } = await api('/api/v1/namespaces/kube-system/pods?labelSelector=tier%3Dcontrol-plane');
    const { items } = JSON.parse(text) as { items: { metadata: { name: string; labels: { component: string } } }[] };
    const components = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
    const expected = components.flatMap(component => [1, 2, 3].map(n => `${component}-cp-${n}`));
    expect(items.map(({ metadata }) => metadata.name)).toEqual(expected);
    expect(items.every(({ metadata }) => metadata.name.startsWith(`${metadata.labels.component}-`))).toBe(true);
  });

  it('answer for their health, and exactly one leads', async () => {
    for (const n of [1, 2, 3]) {
      const health = await member(n, '/health');
      expect(health).toEqual({ status: 200, text: '{"health":"true","reason":""}' });
      expect((await member(n, '/metrics'))?.text).toMatch(/^etcd_server_has_leader 1$/m);
    }
    expect((await Promise.all([1, 2, 3].map(leads))).filter(Boolean)).toHaveLength(1);
    expect((await api('/readyz/etcd')).status).toBe(200);
  });

  it('keep quorum without one, under another leader', async () => {
    const leader = (await Promise.all([1, 2, 3].map(leads))).indexOf(true) + 1;
    hosts[leader - 1]?.powerOff();
    await until('it is silent', async () => (await member(leader, '/health')) === undefined);
    const others = [1, 2, 3].filter(n => n !== leader);
    expect((await Promise.all(others.map(leads))).filter(Boolean)).toHaveLength(1);
    expect((await api('/readyz/etcd')).status).toBe(200);
    await until('its pod is not ready', async () => !(await ready(leader)));
  });

  it('lose quorum with the second, and say so', async () => {
    const [survivor, victim] = hosts.filter(({ phase }) => phase === 'os');
    const n = hosts.indexOf(survivor as Host) + 1;
    victim?.powerOff();
    const health = await until('no leader is left', async () => {
      const answer = await member(n, '/health');
      return answer?.status === 503 && answer;
    });
    expect(JSON.parse(health.text)).toEqual({ health: 'false', reason: 'RAFT NO LEADER' });
    expect((await member(n, '/metrics'))?.text).toMatch(/^etcd_server_has_leader 0$/m);
    expect(await api('/readyz/etcd')).toMatchObject({ status: 500 });
    for (const host of hosts) host.powerOn();
    await until('all are back', async () => {
      const answers = await Promise.all([1, 2, 3].map(each => member(each, '/health')));
      return answers.every(answer => answer?.status === 200);
    });
    expect((await api('/readyz/etcd')).status).toBe(200);
  });
});
