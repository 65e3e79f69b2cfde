import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openClusters } from '../../src/adapters/kubernetes/open-clusters.ts';
import type { Cluster, EtcdEndpoint } from '../../src/core/cluster.ts';
import type { EtcdFacts } from '../../src/core/cluster-facts.ts';
import { makeCertificate } from '../../src/lab/certificate.ts';
import { quorumAfter } from '../../src/planning/quorum.ts';
import { type KubernetesScene, kubernetesScene, until } from '../support/kubernetes-lab.ts';

const controlPlane = ['cp-1', 'cp-2', 'cp-3'];
let scene: KubernetesScene;

beforeAll(async () => {
  scene = await kubernetesScene('127.61.0.60', { names: [...controlPlane, 'w-1'], etcdEndpoints: true });
  await until('the static pods are ready', async () => {
    const pods = (await scene.cluster.pods()).filter(pod => pod.mirror);
    return pods.length === 12 && pods.every(pod => pod.ready);
  });
});
afterAll(() => scene.close());

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map(each => each.close()));
});

type Opening = { etcd?: EtcdEndpoint[]; kubeconfig?: string };

/** The adapter on the scene's cluster, with other evidence than the scene's own. */
async function clusterWith({ etcd, kubeconfig = scene.lab.kubeconfig }: Opening): Promise<Cluster> {
  const kubeconfigFile = join(scene.folder, `kubeconfig-${Math.random()}`);
  await writeFile(kubeconfigFile, kubeconfig);
  const clusters = openClusters({ clusters: [{ name: 'lab', kubeconfigFile, etcd }], timeoutMs: 5000 });
  opened.push(clusters);
  return clusters.of('lab');
}

const healthOf = (facts: EtcdFacts) => Object.fromEntries(facts.members.map(({ node, healthy }) => [node, healthy]));

describe("the members' own endpoints", () => {
  it('tell that each is healthy, that one leads, and that one may leave', async () => {
    const facts = await scene.cluster.etcd();
    expect(facts).toMatchObject({ evidence: 'endpoints', withoutMember: [], outsideControlPlane: [], unlisted: [] });
    expect(healthOf(facts)).toEqual({ 'cp-1': { value: true }, 'cp-2': { value: true }, 'cp-3': { value: true } });
    expect(facts.members.filter(({ leader }) => 'value' in leader && leader.value)).toHaveLength(1);
    expect(quorumAfter(facts, 'cp-2')).toMatchObject({ allowed: true, left: 2, quorum: 2 });
  });

  it('leave a member that is down unknown, and then nobody leaves', async () => {
    scene.hosts['cp-3']?.powerOff();
    const facts = await until('the member is gone', async () => {
      const now = await scene.cluster.etcd();
      return 'unknown' in (healthOf(now)['cp-3'] ?? {}) && now;
    });
    expect(healthOf(facts)['cp-3']).toEqual({ unknown: expect.stringContaining('refuses connections') });
    expect(quorumAfter(facts, 'cp-1')).toMatchObject({ allowed: false, why: expect.stringContaining('cp-3') });
    scene.hosts['cp-3']?.powerOn();
    await until('the member is back', async () => quorumAfter(await scene.cluster.etcd(), 'cp-1').allowed);
  });
});

describe('endpoints that tell something else', () => {
  type Reply = { status?: number; text: string } | 'silence';
  type Script = { health?: Reply; metrics?: Reply };
  const servers: Server[] = [];
  const seen: { method: string | undefined; headers: IncomingHttpHeaders }[] = [];
  const healthy: Reply = { text: '{"health":"true","reason":""}' };
  const metrics = (id: string, more = ''): { text: string; status?: number } => ({
    text: `# HELP x\netcd_server_has_leader 1\netcd_server_is_leader 0\netcd_server_id{server_id="${id}"} 1\n${more}`,
  });

  /** A member's endpoint that answers as told. */
  async function endpoint(node: string, { health = healthy, metrics: told }: Script): Promise<EtcdEndpoint> {
    const server = createServer((request, response) => {
      seen.push({ method: request.method, headers: request.headers });
      const reply = request.url === '/health' ? health : (told ?? metrics(node));
      if (reply === 'silence') return;
      response.writeHead(reply.status ?? 200, { 'content-type': 'text/plain' }).end(reply.text);
    });
    servers.push(server);
    await new Promise<void>(resolve => server.listen(0, '127.61.0.61', resolve));
    return { node, url: `http://127.61.0.61:${(server.address() as AddressInfo).port}` };
  }

  /** The facts when cp-1 and cp-2 are well and cp-3 answers as told. */
  async function factsWith(script: Script, node = 'cp-3'): Promise<EtcdFacts> {
    const etcd = await Promise.all([endpoint('cp-1', {}), endpoint('cp-2', {}), endpoint(node, script)]);
    return (await clusterWith({ etcd })).etcd();
  }

  beforeEach(() => seen.splice(0));
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
  });

  it('are asked with GET alone and without credentials', async () => {
    const facts = await factsWith({});
    expect(quorumAfter(facts, 'cp-1').allowed).toBe(true);
    expect(seen).toHaveLength(6);
    for (const { method, headers } of seen) {
      expect(method).toBe('GET');
      expect(Object.keys(headers)).not.toContain('authorization');
    }
  });

  const ill: [string, Script][] = [
    ['that it is unhealthy', { health: { status: 503, text: '{"health":"false","reason":"RAFT NO LEADER"}' } }],
    ['that it has no leader', { metrics: { text: metrics('c').text.replace('has_leader 1', 'has_leader 0') } }],
    ['that it only learns', { metrics: metrics('c', 'etcd_server_is_learner 1\n') }],
  ];
  it.each(ill)('make a member ill that says %s', async (_, script) => {
    const facts = await factsWith(script);
    expect(healthOf(facts)['cp-3']).toEqual({ value: false });
    expect(quorumAfter(facts, 'cp-1')).toMatchObject({ allowed: false, healthy: 2, left: 1 });
    expect(quorumAfter(facts, 'cp-3')).toMatchObject({ allowed: true, left: 2 });
  });

  const dark: [string, Script, RegExp][] = [
    ['a page', { health: { text: '<html>log in</html>' } }, /answers 200 without a health/],
    ['neither true nor false', { health: { text: '{"health":"maybe"}' } }, /without a health/],
    ['true with an error', { health: { status: 500, text: healthy.text } }, /answers 500/],
    ['no metrics', { metrics: { status: 404, text: 'no' } }, /metrics answers 404/],
    ['metrics without a member ID', { metrics: { text: 'etcd_server_has_leader 1\n' } }, /no etcd_server_id/],
    [
      'metrics without a leader',
      { metrics: { text: 'etcd_server_id{server_id="c"} 1\n' } },
      /lacks etcd_server_has_leader/,
    ],
    ['nothing', { health: 'silence' }, /no answer within 3 s/],
  ];
  it.each(dark)('leave a member unknown that answers with %s', async (_, script, why) => {
    const facts = await factsWith(script);
    expect(healthOf(facts)['cp-3']).toEqual({ unknown: expect.stringMatching(why) });
    for (const node of controlPlane) expect(quorumAfter(facts, node).allowed).toBe(false);
  });

  it('count for nobody when two are one member', async () => {
    const facts = await factsWith({ metrics: metrics('cp-2') });
    expect(healthOf(facts)).toMatchObject({
      'cp-1': { value: true },
      'cp-2': { unknown: expect.stringContaining('cp-3 are one etcd member') },
      'cp-3': { unknown: expect.stringContaining('cp-2 are one etcd member') },
    });
  });

  it('tell of a peer that is not listed, and not of one that was removed', async () => {
    const peers = ['cp-1', 'cp-2', 'feed'].map(id => `etcd_network_known_peers{Local="c",Remote="${id}"} 1\n`);
    const removed = 'etcd_network_known_peers{Local="c",Remote="dead"} 0\n';
    const facts = await factsWith({ metrics: metrics('c', peers.join('') + removed) });
    expect(facts.unlisted).toEqual(['feed']);
    expect(quorumAfter(facts, 'cp-1')).toMatchObject({ allowed: false, why: expect.stringContaining('feed') });
  });

  it('tell of control-plane nodes without member and of members elsewhere', async () => {
    const facts = await factsWith({}, 'w-1');
    expect(facts).toMatchObject({ withoutMember: ['cp-3'], outsideControlPlane: ['w-1'] });
    expect(quorumAfter(facts, 'cp-1')).toMatchObject({ allowed: false, why: expect.stringContaining('cp-3') });
  });
});

describe('static pods and the check of every API server', () => {
  const advertised = 'kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint';
  const pods = '/api/v1/namespaces/kube-system/pods';

  /** Writes down where the API server of a node answers, as kubeadm does. */
  async function advertise(node: string, endpoint: string | null): Promise<void> {
    const { status } = await scene.raw(`${pods}/kube-apiserver-${node}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: { metadata: { annotations: { [advertised]: endpoint } } },
    });
    expect(status).toBe(200);
  }

  const own = () => new URL(scene.lab.url).host;
  beforeEach(() => Promise.all(controlPlane.map(node => advertise(node, own()))));

  it('tell together that each member is healthy, and nothing of who leads', async () => {
    const effects = scene.effects.since().length;
    const facts = await (await clusterWith({})).etcd();
    expect(facts).toMatchObject({ evidence: 'static pods and readyz', withoutMember: [], outsideControlPlane: [] });
    expect(healthOf(facts)).toEqual({ 'cp-1': { value: true }, 'cp-2': { value: true }, 'cp-3': { value: true } });
    for (const { leader } of facts.members) expect(leader).toHaveProperty('unknown');
    expect(quorumAfter(facts, 'cp-3').allowed).toBe(true);
    expect(scene.effects.since(effects)).toEqual([]);
  });

  it('ask an API server at the address of its node and the port of its command, where kubeadm wrote nothing down', async () => {
    await advertise('cp-2', null);
    const { hostname, port } = new URL(scene.lab.url);
    const status = { addresses: [{ type: 'InternalIP', address: hostname }] };
    const { status: patched } = await scene.raw('/api/v1/nodes/cp-2/status', {
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: { status },
    });
    expect(patched).toBe(200);
    const cluster = await clusterWith({});
    const usual = healthOf(await cluster.etcd())['cp-2'];
    expect(usual).toEqual({ unknown: expect.stringContaining(`${hostname}:6443 refuses connections`) });
    scene.lab.store.update('pods', { namespace: 'kube-system', name: 'kube-apiserver-cp-2' }, draft => {
      Object.assign(draft.spec.containers[0] ?? {}, { command: ['kube-apiserver', `--secure-port=${port}`] });
    });
    expect(healthOf(await cluster.etcd())['cp-2']).toEqual({ value: true });
  });

  it('leave a member unknown whose API server does not answer', async () => {
    await advertise('cp-2', '127.61.0.69:6443');
    const facts = await (await clusterWith({})).etcd();
    expect(healthOf(facts)['cp-2']).toEqual({
      unknown: expect.stringContaining('127.61.0.69:6443 refuses connections'),
    });
    expect(quorumAfter(facts, 'cp-1').allowed).toBe(false);
  });

  it('leave a member unknown whose API server says no address', async () => {
    await advertise('cp-2', 'elsewhere.example/@127.61.0.60:1');
    const facts = await (await clusterWith({})).etcd();
    expect(healthOf(facts)['cp-2']).toEqual({ unknown: expect.stringContaining('no known address') });
  });

  it('leave a member unknown beside which no API server stands', async () => {
    const path = `${pods}/kube-apiserver-cp-2`;
    const label = (component: string) =>
      scene.raw(path, {
        method: 'PATCH',
        headers: { 'content-type': 'application/merge-patch+json' },
        body: { metadata: { labels: { component } } },
      });
    await label('other');
    const facts = await (await clusterWith({})).etcd();
    await label('kube-apiserver');
    expect(healthOf(facts)['cp-2']).toEqual({ unknown: expect.stringContaining('no API server stands beside') });
  });

  it('give our token to nobody who is not proved to be this API server, whatever a node says of its address', async () => {
    const stranger = makeCertificate({ commonName: 'stranger', altNames: ['127.61.0.62'] });
    const requests: unknown[] = [];
    const server = createTlsServer(stranger, (request, response) => {
      requests.push(request.headers);
      response.end('ok');
    });
    await new Promise<void>(resolve => server.listen(0, '127.61.0.62', resolve));
    const { port } = server.address() as AddressInfo;
    await advertise('cp-2', `127.61.0.62:${port}`);
    const trusting = (authorities: string) =>
      scene.lab.kubeconfig.replace(
        /certificate-authority-data: (.*)/,
        `certificate-authority-data: ${Buffer.from(authorities).toString('base64')}`,
      );
    const [, encoded = ''] = /certificate-authority-data: (.*)/.exec(scene.lab.kubeconfig) ?? [];
    const ownAuthority = Buffer.from(encoded, 'base64').toString();
    const kubeconfigs = [
      scene.lab.kubeconfig,
      trusting(`${ownAuthority}\n${stranger.cert}`),
      scene.lab.kubeconfig.replace(/certificate-authority-data: .*/, 'insecure-skip-tls-verify: true'),
    ];
    for (const kubeconfig of kubeconfigs) {
      const facts = await (await clusterWith({ kubeconfig })).etcd();
      expect(healthOf(facts)['cp-2']).toEqual({ unknown: expect.stringMatching(/certificate/) });
    }
    expect(requests).toEqual([]);
    server.close();
    server.closeAllConnections();
  });

  it('are ill where the API server cannot reach its etcd, and where the pod is not ready', async () => {
    scene.hosts['cp-2']?.powerOff();
    scene.hosts['cp-3']?.powerOff();
    const cluster = await clusterWith({});
    const facts = await until('the members are seen to be gone', async () => {
      const now = await cluster.etcd();
      return now.members.every(({ healthy }) => 'value' in healthy && !healthy.value) && now;
    });
    expect(quorumAfter(facts, 'cp-1')).toMatchObject({ allowed: false, healthy: 0 });
    scene.hosts['cp-2']?.powerOn();
    scene.hosts['cp-3']?.powerOn();
    await until('the members are back', async () => quorumAfter(await cluster.etcd(), 'cp-1').allowed);
  });

  it('are none in a cluster without static pods of etcd, and then nobody leaves', async () => {
    const label = (component: string) =>
      Promise.all(
        controlPlane.map(node =>
          scene.raw(`${pods}/etcd-${node}`, {
            method: 'PATCH',
            headers: { 'content-type': 'application/merge-patch+json' },
            body: { metadata: { labels: { component } } },
          }),
        ),
      );
    await label('other');
    const facts = await (await clusterWith({})).etcd();
    await label('etcd');
    expect(facts).toMatchObject({ members: [], withoutMember: controlPlane });
    expect(quorumAfter(facts, 'cp-1')).toMatchObject({
      allowed: false,
      why: expect.stringContaining('no etcd member'),
    });
  });
});
