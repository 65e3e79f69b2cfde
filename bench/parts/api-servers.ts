/** A process with some of the clusters: API servers over seeded stores, without controllers, that change and restart on demand. */
import { stringify } from 'yaml';
import { shippedManifests } from '../../src/demo/lab-part.ts';
import { makeCertificate } from '../../src/lab/certificate.ts';
import { LabClock } from '../../src/lab/clock.ts';
import { Accounts } from '../../src/lab/cluster/access/accounts.ts';
import { type Caller, Callers } from '../../src/lab/cluster/access/callers.ts';
import { seedRoles } from '../../src/lab/cluster/access/default-roles.ts';
import { applyManifests, readManifests } from '../../src/lab/cluster/access/manifests.ts';
import { ClusterFaults } from '../../src/lab/cluster/api/faults.ts';
import { ApiServer } from '../../src/lab/cluster/api/server.ts';
import { Store } from '../../src/lab/cluster/model/store.ts';
import { EffectLog } from '../../src/lab/effect-log.ts';
import { digestOf, podRow } from './digest.ts';
import { serve } from './messages.ts';
import { apps, budgetObject, daemonSetObject, nodeObject, podObject } from './objects.ts';

export type ServedCluster = { name: string; kubeconfig: string };
type Size = { nodes: number; podsPerNode: number };
type Started = { store: Store; server: ApiServer; callers: Callers; size: Size };

const bookmarkMs = 60_000;
const shipped = readManifests(shippedManifests);
const clusters = new Map<string, Started>();
let changing: NodeJS.Timeout | undefined;
let changes = 0;
let life = 1;

const answers = {
  async start({
    names,
    addresses,
    ...size
  }: { names: string[]; addresses: string[] } & Size): Promise<ServedCluster[]> {
    return Promise.all(names.map((name, index) => startOne(name, { address: addresses[index] ?? '', size })));
  },

  digest({ name }: { name: string }): string {
    const { store } = started(name);
    return digestOf({
      nodes: store.list('nodes').map(({ metadata }) => [metadata.name, metadata.uid, metadata.resourceVersion]),
      pods: store.list('pods').map(podRow),
      pdbs: store
        .list('poddisruptionbudgets')
        .map(({ metadata, status }) => [metadata.namespace ?? '', metadata.name, status.disruptionsAllowed ?? 0]),
      daemonSets: store.list('daemonsets').map(({ metadata, status }) => {
        const { numberReady } = (status ?? {}) as { numberReady?: number };
        return [metadata.namespace ?? '', metadata.name, numberReady ?? 0];
      }),
    });
  },

  /** From now on this many changes a second, over all clusters of this process; 0 ends them. Answers how many there were. */
  change({ perSecond }: { perSecond: number }): number {
    clearInterval(changing);
    if (perSecond > 0) changing = setInterval(() => changeOne(), 1000 / perSecond);
    return changes;
  },

  /** One change in each cluster, at once. */
  touch(): void {
    for (const cluster of clusters.values()) change(cluster);
  },

  /** These API servers go away for `downMs`, all at the same time; in the meantime each store changes. */
  async restart({ names, downMs }: { names: string[]; downMs: number }): Promise<void> {
    await Promise.all(
      names.map(async name => {
        const restarting = started(name).server.restart(downMs);
        change(started(name));
        await restarting;
      }),
    );
  },

  /** Older watches and continue tokens are told 410. */
  compact({ name }: { name: string }): void {
    started(name).server.compact();
  },

  /** Who has asked any of these API servers so far. */
  callers(): Caller[] {
    return [...clusters.values()].flatMap(({ callers }) => callers.list());
  },

  memory(): number {
    return process.memoryUsage().rss;
  },
};

export type ApiServers = typeof answers;

async function startOne(name: string, { address, size }: { address: string; size: Size }): Promise<ServedCluster> {
  const clock = new LabClock(1);
  const store = new Store({ now: () => new Date().toISOString() });
  const accounts = new Accounts(store, clock);
  const certificate = makeCertificate({ commonName: name, altNames: [address] });
  const faults = new ClusterFaults();
  const health = { etcd: () => undefined };
  const callers = new Callers();
  const common = { name, address, port: 0, certificate, effects: new EffectLog() };
  const server = new ApiServer({ ...common, store, accounts, callers, health, faults, bookmarkMs });
  for (const each of ['default', 'kube-public', 'kube-node-lease'])
    store.create('namespaces', { metadata: { name: each }, spec: {}, status: { phase: 'Active' } });
  seedRoles(store);
  applyManifests(store, shipped);
  seed(store, size);
  await server.start();
  clusters.set(name, { store, server, callers, size });
  const authority = Buffer.from(certificate.cert).toString('base64');
  const kubeconfig = stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server: server.url, 'certificate-authority-data': authority } }],
    users: [{ name: 'bench', user: { token: accounts.issueForFile(shipped.account) } }],
    contexts: [{ name, context: { cluster: name, user: 'bench' } }],
  });
  return { name, kubeconfig };
}

function seed(store: Store, { nodes, podsPerNode }: Size): void {
  for (let node = 0; node < nodes; node++) store.create('nodes', nodeObject(node));
  for (let pod = 0; pod < nodes * podsPerNode; pod++) {
    store.create('pods', podObject(pod, { node: `node-${pod % nodes}`, life: 0 }));
  }
  for (const app of apps) store.create('poddisruptionbudgets', budgetObject(app, 'team-1'));
  for (const name of ['cni', 'proxy', 'logs']) store.create('daemonsets', daemonSetObject(name, nodes));
}

function started(name: string): Started {
  const found = clusters.get(name);
  if (found === undefined) throw new Error(`no cluster ${name} here`);
  return found;
}

function changeOne(): void {
  const all = [...clusters.values()];
  const cluster = all[Math.floor(Math.random() * all.length)];
  if (cluster !== undefined) change(cluster);
}

/** Of ten changes seven are a pod's status, one replaces a pod, one is a node's heartbeat and one a budget's count. */
function change({ store, size }: Started): void {
  const kind = changes++ % 10;
  if (kind === 7) replacePod(store, size);
  else if (kind === 8) heartbeat(store, size);
  else if (kind === 9) countBudget(store);
  else restartContainer(store);
}

function restartContainer(store: Store): void {
  const pods = store.list('pods');
  const pod = pods[Math.floor(Math.random() * pods.length)];
  if (pod === undefined) return;
  store.update('pods', refOf(pod), draft => {
    const [container] = draft.status.containerStatuses ?? [];
    if (container !== undefined) container.restartCount++;
    for (const condition of draft.status.conditions ?? []) {
      if (condition.type === 'Ready') condition.status = condition.status === 'True' ? 'False' : 'True';
    }
  });
}

function replacePod(store: Store, { nodes }: Size): void {
  const pods = store.list('pods');
  const gone = pods[Math.floor(Math.random() * pods.length)];
  if (gone === undefined) return;
  const index = Number(gone.metadata.name.split('-').at(-1));
  store.remove('pods', refOf(gone));
  store.create('pods', podObject(index, { node: `node-${Math.floor(Math.random() * nodes)}`, life: life++ }));
}

function heartbeat(store: Store, { nodes }: Size): void {
  store.update('nodes', { name: `node-${Math.floor(Math.random() * nodes)}` }, draft => {
    for (const condition of draft.status.conditions ?? []) condition.lastHeartbeatTime = new Date().toISOString();
  });
}

function countBudget(store: Store): void {
  const app = apps[Math.floor(Math.random() * apps.length)] ?? 'web';
  store.update('poddisruptionbudgets', { namespace: 'team-1', name: app }, draft => {
    draft.status.disruptionsAllowed = draft.status.disruptionsAllowed === 1 ? 0 : 1;
  });
}

function refOf({ metadata: { name, namespace } }: { metadata: { name: string; namespace?: string } }) {
  return { name, ...(namespace === undefined ? {} : { namespace }) };
}

serve(answers);
