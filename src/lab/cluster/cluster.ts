/** One simulated cluster: an API server over a store, its controllers, and a kubelet per host. */
import { stringify } from 'yaml';
import type { LabClock } from '../clock.ts';
import type { EffectLog } from '../effect-log.ts';
import { Accounts } from './access/accounts.ts';
import { type Caller, Callers } from './access/callers.ts';
import { seedRoles } from './access/default-roles.ts';
import { applyManifests, readManifests } from './access/manifests.ts';
import { serveCustomResources } from './api/custom-resources.ts';
import { ClusterFaults } from './api/faults.ts';
import { ApiServer } from './api/server.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { bootstrapUser, publishClusterInfo } from './controllers/bootstrap-tokens.ts';
import { type EtcdEndpoint, EtcdMembers } from './kubelet/etcd-members.ts';
import type { LabNode } from './kubelet/node-object.ts';
import { Store } from './model/store.ts';
import { timestamp } from './model/timing.ts';

export type LabClusterOptions = {
  name: string;
  /** Loopback address of the API server. */
  address: string;
  /** 0 takes a free one. */
  port: number;
  clock: LabClock;
  effects: EffectLog;
  nodes: LabNode[];
  /** PEM; clients trust exactly this certificate. */
  certificate: { key: string; cert: string };
  /** YAML files whose objects an administrator has created before anyone else comes; a ServiceAccount is among them. */
  manifests: string[];
  /** Serve each etcd member's health and metrics on a port of `address`. */
  etcdEndpoints?: boolean;
  /** Wall-clock milliseconds that events are kept; default an hour of the lab's time, and no less than a minute. */
  eventLifeMs?: number;
};

export type RunningCluster = {
  name: string;
  /** `https://address:port` */
  url: string;
  /** YAML, with the token of an administrator: for people, and for what tests do to the cluster. */
  adminKubeconfig: string;
  /** YAML, with the token of the manifests' first ServiceAccount. */
  kubeconfig: string;
  /** YAML for any ServiceAccount that exists. Throws ApiFailure 404 when it does not. */
  kubeconfigOf(account: { namespace: string; name: string }): string;
  /** Who has asked the API server so far. */
  callers(): Caller[];
  /** The cluster's memory, for tests and for what the lab itself changes; not logged as an effect. */
  store: Store;
  faults: ClusterFaults;
  /** The controller manager and scheduler, which can be held still. */
  controllers: { pause(): void; resume(): void };
  /** What acts by itself in this cluster, and how its storage behaves. */
  controlPlane: Omit<ControlPlane, 'stop'>;
  /** Where etcd's members tell of themselves; empty unless asked for. */
  etcdEndpoints: EtcdEndpoint[];
  /** Cuts every open watch. */
  cutWatches(): void;
  /** The API server goes away for a real duration of `downMs` and comes back with all it stored. */
  restart(downMs?: number): Promise<void>;
  /** Forgets history, so that older watches and continue tokens get 410. */
  compact(): void;
  stop(): Promise<void>;
};

/** Starts a cluster whose nodes are up and whose workloads are on their way. Throws port_taken, and for manifests without a ServiceAccount. */
export async function startCluster(options: LabClusterOptions): Promise<RunningCluster> {
  const { name, clock } = options;
  const manifests = readManifests(options.manifests);
  const faults = new ClusterFaults();
  faults.onChange(() => {
    for (const { host } of options.nodes) host.clockSkewMs = faults.skewMs(host.name);
  });
  const nowMs = () => Date.now() + faults.skewMs();
  const store = new Store({ now: () => timestamp(clock, new Date(nowMs())), nowMs });
  const accounts = new Accounts(store, clock, [bearer => bootstrapUser(store, bearer)]);
  const bookmarkMs = Math.max(clock.scaled(60_000), 250);
  const etcd = new EtcdMembers(options.nodes);
  const health = { etcd: () => etcd.problem() };
  const callers = new Callers();
  const server = new ApiServer({ ...options, accounts, callers, health, store, faults, bookmarkMs });
  await server.start();
  const controlPlane = startControlPlane(store, { ...options, advertised: new URL(server.url).host });
  seedRoles(store);
  publishClusterInfo(store, { url: server.url, authority: options.certificate.cert });
  const etcdEndpoints = options.etcdEndpoints ? await etcd.serve(options.address) : [];
  serveCustomResources(store);
  applyManifests(store, manifests);
  const access = (user: string, token: string) =>
    kubeconfigText({ name, user, url: server.url, token, cert: options.certificate.cert });
  const kubeconfigOf = (of: { namespace: string; name: string }) => access(of.name, accounts.issueForFile(of));
  const adminKubeconfig = access('admin', accounts.adminToken);
  return {
    name,
    url: server.url,
    adminKubeconfig,
    kubeconfig: kubeconfigOf(manifests.account),
    kubeconfigOf,
    callers: () => callers.list(),
    store,
    faults,
    controllers: controlPlane.controllers,
    controlPlane,
    etcdEndpoints,
    cutWatches: () => server.cutWatches(),
    restart: (downMs = 5000) => server.restart(clock.scaled(downMs)),
    compact: () => server.compact(),
    stop: async () => {
      controlPlane.stop();
      await etcd.stop();
      await server.stop();
    },
  };
}

function kubeconfigText(access: { name: string; user: string; url: string; token: string; cert: string }): string {
  const { name, user, url, token, cert } = access;
  const authority = Buffer.from(cert).toString('base64');
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server: url, 'certificate-authority-data': authority } }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name, context: { cluster: name, user } }],
  });
}
