/** One lab cluster with a raw HTTPS client and the real adapter, so that tests see both sides of the wire. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, fetch } from 'undici';
import { parse } from 'yaml';
import { openClusters } from '../../src/adapters/kubernetes/open-clusters.ts';
import type { Cluster } from '../../src/core/cluster.ts';
import { FleetError } from '../../src/core/errors.ts';
import { shippedManifests } from '../../src/demo/lab-part.ts';
import { makeCertificate } from '../../src/lab/certificate.ts';
import { LabClock } from '../../src/lab/clock.ts';
import { type RunningCluster, startCluster } from '../../src/lab/cluster/cluster.ts';
import { EffectLog } from '../../src/lab/effect-log.ts';
import { Host } from '../../src/lab/host.ts';
import { neverAsAdministrator } from './product-callers.ts';

const speed = 50;
const bootMs = 75_000;

/** What these tests read of any API object. */
type Kube = {
  kind?: string;
  code?: number;
  reason?: string;
  message?: string;
  metadata?: {
    name?: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    generation?: number;
    continue?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    deletionTimestamp?: string;
  };
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
  data?: Record<string, string>;
  details?: { causes?: { reason?: string; message?: string }[] };
  items?: Kube[];
  columnDefinitions?: { name: string }[];
  rows?: { cells: unknown[] }[];
  groups?: { name: string }[];
  resources?: { name: string; kind: string; group?: string }[];
};

type Reply = { status: number; headers: Headers; body: Kube };
type Headers = Record<string, string>;
type Call = { method?: string; body?: unknown; headers?: Headers; token?: string | undefined };

export type KubernetesScene = {
  lab: RunningCluster;
  effects: EffectLog;
  hosts: Record<string, Host>;
  /** The adapter, as the account that the shipped manifests make. */
  cluster: Cluster;
  kubeconfigFile: string;
  adminKubeconfigFile: string;
  folder: string;
  /** One request over the wire, past the adapter, as an administrator. */
  raw(path: string, call?: Call): Promise<Reply>;
  /** Opens a watch and collects its events until `stop`. */
  watch(path: string): Promise<{ events: { type: string; object: Kube }[]; ended(): boolean; stop(): void }>;
  /** Throws when the adapter, or another client that says it is the product, came as an administrator. */
  close(): Promise<void>;
};

type SceneOptions = {
  /** Names of the nodes; those that begin with `cp-` are the control plane. */
  names?: string[];
  /** Serve each etcd member's health and metrics, and have the adapter read them. */
  etcdEndpoints?: boolean;
};

/** A cluster with one control-plane node `cp-1` and three workers, at 50 times real speed. */
export async function kubernetesScene(
  address: string,
  { names = ['cp-1', 'w-1', 'w-2', 'w-3'], etcdEndpoints = false }: SceneOptions = {},
): Promise<KubernetesScene> {
  const clock = new LabClock(speed);
  const effects = new EffectLog();
  const hosts: Record<string, Host> = {};
  const nodes = names.map((name, index) => {
    const uuid = `4C4C4544-0051-3010-8052-B4C04F5132${10 + index}`;
    const host = new Host({ name, uuid, serial: `LAB000${index}`, clock, bootMs });
    hosts[name] = host;
    const role: 'control-plane' | 'worker' = name.startsWith('cp-') ? 'control-plane' : 'worker';
    return { host, name, role, zone: `zone-${index}` };
  });
  const certificate = makeCertificate({ commonName: address, altNames: [address] });
  const lab = await startCluster({
    name: 'lab',
    address,
    port: 0,
    clock,
    effects,
    nodes,
    certificate,
    manifests: shippedManifests,
    etcdEndpoints,
  });
  const folder = await mkdtemp(join(tmpdir(), 'gk-kube-'));
  const kubeconfigFile = join(folder, 'kubeconfig');
  const adminKubeconfigFile = join(folder, 'admin.kubeconfig');
  await writeFile(kubeconfigFile, lab.kubeconfig);
  await writeFile(adminKubeconfigFile, lab.adminKubeconfig);
  const clusters = openClusters({
    clusters: [{ name: 'lab', kubeconfigFile, etcd: lab.etcdEndpoints }],
    timeoutMs: 5000,
  });
  const agent = new Agent({ connect: { ca: certificate.cert } });
  const { users } = parse(lab.adminKubeconfig) as { users: { user: { token: string } }[] };
  const token = users[0]?.user.token ?? '';
  return {
    lab,
    effects,
    hosts,
    folder,
    kubeconfigFile,
    adminKubeconfigFile,
    cluster: clusters.of('lab'),
    raw: (path, call = {}) => request(agent, lab.url + path, { token, ...call }),
    watch: path => follow(agent, lab.url + path, token),
    close: async () => {
      const callers = lab.callers();
      await clusters.close();
      await agent.destroy();
      await lab.stop();
      clock.stop();
      await rm(folder, { recursive: true, force: true });
      neverAsAdministrator(callers);
    },
  };
}

async function request(agent: Agent, url: string, call: Call): Promise<Reply> {
  const { method = 'GET', body, headers = {}, token } = call;
  const response = await fetch(url, {
    method,
    dispatcher: agent,
    headers: {
      'user-agent': 'raw-client',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const parsed = response.headers.get('content-type')?.includes('json')
    ? (JSON.parse(text) as Kube)
    : { message: text };
  return { status: response.status, headers: Object.fromEntries(response.headers), body: parsed };
}

async function follow(agent: Agent, url: string, token: string): ReturnType<KubernetesScene['watch']> {
  const aborter = new AbortController();
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(url, { dispatcher: agent, headers, signal: aborter.signal });
  const events: { type: string; object: Kube }[] = [];
  let ended = false;
  const collect = async () => {
    let rest = '';
    for await (const chunk of response.body ?? []) {
      const lines = (rest + Buffer.from(chunk).toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) events.push(JSON.parse(line));
    }
  };
  void collect()
    .catch(() => undefined)
    .finally(() => {
      ended = true;
    });
  return { events, ended: () => ended, stop: () => aborter.abort() };
}

/** Polls until `check` gives something other than undefined or false; fails after 60 s naming what was awaited. */
export async function until<T>(
  what: string,
  check: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const found = await check();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
    await delay(20);
  }
}

/** A write that names the version of a Node; once more with the next one where its kubelet wrote meanwhile. */
export function atItsVersion<T extends object>(
  { cluster }: Pick<KubernetesScene, 'cluster'>,
  name: string,
  write: (resourceVersion: string) => Promise<T>,
): Promise<T> {
  return until(`a write of ${name} meets no other`, async () =>
    write((await cluster.node(name)).resourceVersion).catch(thrown => {
      if (FleetError.from(thrown).code !== 'conflict') throw thrown;
      return undefined;
    }),
  );
}

/** Waits until its kubelet has just written to a Node: it does so again seconds later. */
export async function quietNode({ cluster }: Pick<KubernetesScene, 'cluster'>, name: string): Promise<void> {
  const { resourceVersion } = await cluster.node(name);
  await until(
    `the kubelet of ${name} writes`,
    async () => (await cluster.node(name)).resourceVersion !== resourceVersion,
  );
}

/** Waits until every pod of the seed is Ready and the budgets have seen it. */
export async function settled({ cluster }: KubernetesScene): Promise<void> {
  await until('all workloads are ready', async () => {
    const pods = await cluster.pods();
    const budgets = await cluster.pdbs();
    const healthy = budgets.every(budget => budget.disruptionsAllowed > 0);
    return pods.length >= 14 && pods.every(pod => pod.ready && !pod.terminating) && healthy;
  });
}
