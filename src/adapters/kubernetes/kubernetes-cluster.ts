/** One cluster through its API server. Reads are repeated a few times; a write only where it was turned away unread. */
import {
  ApisApi,
  AppsV1Api,
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  PatchStrategy,
  PolicyV1Api,
  StorageV1Api,
  setHeaderOptions,
  type V1Node,
  type V1PersistentVolume,
  VersionApi,
} from '@kubernetes/client-node';
import type {
  Cluster,
  EtcdEndpoint,
  EvictionOutcome,
  Hold,
  NewNodeEvent,
  NodeConditionChange,
  NodePatch,
} from '../../core/cluster.ts';
import type {
  AttachmentFacts,
  ClusterView,
  DaemonSetFacts,
  EtcdFacts,
  EventFacts,
  NodeFacts,
  PdbFacts,
  PodEventFacts,
  PodFacts,
  RemediatorFacts,
  StorageFacts,
} from '../../core/cluster-facts.ts';
import type { EffectGrant } from '../../core/effect.ts';
import type { VolumeTie } from '../../core/scheduling.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { readEtcd } from './etcd.ts';
import { podEventFacts, readEvents } from './events.ts';
import { evict } from './eviction.ts';
import { attachmentFacts, daemonSetFacts, nodeFacts, pdbFacts, timeText } from './facts.ts';
import { type CallContext, translate } from './failures.ts';
import { ClusterMirror, type MirrorOptions } from './mirror.ts';
import { createNodeEvent, readNodeEvents } from './node-events.ts';
import { type PodRef, podSubject, podUid } from './pod-ref.ts';
import type { Reach } from './reach.ts';
import { foundOrNot, ofKind, read, readList } from './reading.ts';
import { turnPause } from './remediator-pauses.ts';
import { readRemediators } from './remediators.ts';
import { sharedNodeFacts, sharedPodFacts } from './shared-facts.ts';
import { readStorage } from './storage.ts';
import { volumeTie } from './volume-facts.ts';

type Apis = {
  core: CoreV1Api;
  apps: AppsV1Api;
  policy: PolicyV1Api;
  leases: CoordinationV1Api;
  storage: StorageV1Api;
  version: VersionApi;
  groups: ApisApi;
  custom: CustomObjectsApi;
};
type Open = { connection: Connection; apis: Apis; mirror?: ClusterMirror };
export type ClusterOptions = ConnectionOptions & { etcd?: EtcdEndpoint[] | undefined };
/** What the mirrors of all clusters have in common. */
export type Mirroring = Pick<MirrorOptions, 'pages' | 'sharing' | 'timings'>;

export class KubernetesCluster implements Cluster {
  readonly #options: ClusterOptions;
  readonly #mirroring: Mirroring;
  #open: Open | undefined;

  /** Reads no file yet: the first call does, and throws invalid_config when it cannot. */
  constructor(options: ClusterOptions, mirroring: Mirroring) {
    this.#options = options;
    this.#mirroring = mirroring;
  }

  async version(): Promise<string> {
    return this.#read('its version', async ({ version }) => {
      const { gitVersion } = await version.getCode();
      if (typeof gitVersion !== 'string') throw new Error('answered without a version');
      return gitVersion;
    });
  }

  async nodes(): Promise<NodeFacts[]> {
    const { core } = this.#apis();
    const facts = (node: V1Node) => sharedNodeFacts(this.#mirroring.sharing, node);
    return readList({ ...this.#context('the nodes'), kind: 'NodeList' }, page => core.listNode(page), facts);
  }

  async node(name: string): Promise<NodeFacts> {
    return nodeFacts(
      await this.#read(`node ${name}`, async ({ core }) => ofKind('Node', await core.readNode({ name }))),
    );
  }

  async pods(node?: string): Promise<PodFacts[]> {
    const { core } = this.#apis();
    const selector = node === undefined ? {} : { fieldSelector: `spec.nodeName=${node}` };
    const subject = node === undefined ? 'the pods' : `the pods of node ${node}`;
    return readList(
      { ...this.#context(subject), kind: 'PodList' },
      page => core.listPodForAllNamespaces({ ...selector, ...page }),
      pod => sharedPodFacts(this.#mirroring.sharing, pod),
    );
  }

  async podUid(namespace: string, name: string): Promise<string | undefined> {
    return podUid(this.#reach(), { namespace, name });
  }

  async pdbs(): Promise<PdbFacts[]> {
    const { policy } = this.#apis();
    const context = { ...this.#context('the PodDisruptionBudgets'), kind: 'PodDisruptionBudgetList' };
    const call = policy.listPodDisruptionBudgetForAllNamespaces.bind(policy);
    const all = await readList(context, page => call(page), pdbFacts);
    return all.filter(facts => facts !== undefined);
  }

  async daemonSets(): Promise<DaemonSetFacts[]> {
    const { apps } = this.#apis();
    const context = { ...this.#context('the DaemonSets'), kind: 'DaemonSetList' };
    return readList(context, page => apps.listDaemonSetForAllNamespaces(page), daemonSetFacts);
  }

  async view(): Promise<ClusterView> {
    const open = this.#connect();
    const { connection } = open;
    open.mirror ??= new ClusterMirror({ ...this.#mirroring, connection, context: this.#context('') });
    return open.mirror.view();
  }

  async attachments(node?: string): Promise<AttachmentFacts[]> {
    const { storage } = this.#apis();
    const context = { ...this.#context('the VolumeAttachments'), kind: 'VolumeAttachmentList' };
    const all = await readList(
      context,
      page => storage.listVolumeAttachment(page),
      item => item,
    );
    const here = all.filter(({ spec }) => node === undefined || spec.nodeName === node);
    if (here.length === 0) return [];
    const volumes = await this.#volumes(({ metadata, spec }) => [metadata?.name ?? '', spec?.claimRef] as const);
    const claims = new Map(
      volumes.flatMap(([name, claim]) => (claim ? [[name, `${claim.namespace}/${claim.name}`]] : [])),
    );
    return here.map(item => attachmentFacts(item, claims));
  }

  async volumeTies(): Promise<VolumeTie[]> {
    return (await this.#volumes(volumeTie)).filter(tie => tie !== undefined);
  }

  async #volumes<T>(facts: (volume: V1PersistentVolume) => T): Promise<T[]> {
    const { core } = this.#apis();
    const context = { ...this.#context('the PersistentVolumes'), kind: 'PersistentVolumeList' };
    return readList(context, page => core.listPersistentVolume(page), facts);
  }

  async nodeEvents(node: string): Promise<EventFacts[]> {
    return readNodeEvents(this.#reach(), node);
  }

  async podEvents(namespace: string, name: string): Promise<PodEventFacts[]> {
    const context = this.#context(`the events of ${podSubject({ namespace, name })}`);
    const regarding = { kind: 'Pod', namespace, name } as const;
    return readEvents(this.#apis().core, { context, regarding, toFacts: podEventFacts });
  }

  async etcd(): Promise<EtcdFacts> {
    return readEtcd(this.#reach(), this.#options.etcd ?? []);
  }

  async remediators(): Promise<RemediatorFacts[]> {
    return readRemediators(this.#reach());
  }

  async storage(): Promise<StorageFacts[]> {
    return readStorage(this.#reach(), () => this.attachments());
  }

  async leaseRenewed(node: string): Promise<string | undefined> {
    const ref = { namespace: 'kube-node-lease', name: node };
    const lease = await foundOrNot(
      this.#read(`the lease of node ${node}`, async ({ leases }) =>
        ofKind('Lease', await leases.readNamespacedLease(ref)),
      ),
    );
    return timeText(lease?.spec?.renewTime);
  }

  async patchNode(_grant: EffectGrant, patch: NodePatch): Promise<NodeFacts> {
    const { name, resourceVersion, unschedulable, annotations, taints } = patch;
    const spec = {
      ...(unschedulable === undefined ? {} : { unschedulable }),
      ...(taints === undefined ? {} : { taints }),
    };
    const body = { metadata: { resourceVersion, annotations }, spec };
    return this.#write(`node ${name}`, async ({ core }) => {
      const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
      return nodeFacts(ofKind('Node', await core.patchNode({ name, body }, mergePatch)));
    });
  }

  async setNodeCondition(_grant: EffectGrant, name: string, change: NodeConditionChange): Promise<void> {
    const now = new Date().toISOString();
    const { conditions } = await this.node(name);
    const stays = conditions.some(({ type, status }) => type === change.type && status === change.status);
    const condition = { ...change, lastHeartbeatTime: now, ...(stays ? {} : { lastTransitionTime: now }) };
    await this.#write(`the status of node ${name}`, async ({ core }) => {
      const byType = setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch);
      ofKind('Node', await core.patchNodeStatus({ name, body: { status: { conditions: [condition] } } }, byType));
    });
  }

  async createNodeEvent(_grant: EffectGrant, event: NewNodeEvent): Promise<void> {
    return createNodeEvent(this.#reach(), event);
  }

  holdRemediator(_grant: EffectGrant, hold: Hold): Promise<void> {
    return turnPause(this.#reach(), 'hold', hold);
  }

  releaseRemediator(_grant: EffectGrant, hold: Hold): Promise<void> {
    return turnPause(this.#reach(), 'release', hold);
  }

  async evict(_grant: EffectGrant, pod: PodRef): Promise<EvictionOutcome> {
    return evict(this.#reach(), pod);
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.mirror?.close();
    await open?.connection.close();
  }

  #connect(): Open {
    if (this.#open !== undefined) return this.#open;
    const connection = new Connection(this.#options);
    const configuration = connection.configuration();
    const apis = {
      core: new CoreV1Api(configuration),
      apps: new AppsV1Api(configuration),
      policy: new PolicyV1Api(configuration),
      leases: new CoordinationV1Api(configuration),
      storage: new StorageV1Api(configuration),
      version: new VersionApi(configuration),
      groups: new ApisApi(configuration),
      custom: new CustomObjectsApi(configuration),
    };
    this.#open = { connection, apis };
    return this.#open;
  }

  #reach(): Reach {
    const { connection, apis } = this.#connect();
    return { connection, ...apis, context: subject => this.#context(subject) };
  }

  #apis(): Apis {
    return this.#connect().apis;
  }

  #context(subject: string): Omit<CallContext, 'access'> {
    const { server } = this.#connect().connection;
    return { cluster: this.#options.cluster, host: URL.canParse(server) ? new URL(server).host : server, subject };
  }

  async #write<T>(subject: string, call: (apis: Apis) => Promise<T>): Promise<T> {
    try {
      return await call(this.#apis());
    } catch (thrown) {
      throw translate(thrown, { ...this.#context(subject), access: 'write' });
    }
  }

  #read<T>(subject: string, call: (apis: Apis) => Promise<T>): Promise<T> {
    const apis = this.#apis();
    return read(this.#context(subject), () => call(apis));
  }
}
