/** One cluster through its API server. Reads are repeated a few times, writes are sent exactly once. */
import {
  AppsV1Api,
  CoordinationV1Api,
  CoreV1Api,
  PatchStrategy,
  PolicyV1Api,
  setHeaderOptions,
  VersionApi,
} from '@kubernetes/client-node';
import type { Cluster, EvictionOutcome, NodeFacts, NodePatch, PdbFacts, PodFacts } from '../../core/cluster.ts';
import type { EffectGrant } from '../../core/effect.ts';
import { FleetError } from '../../core/errors.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { nodeFacts, pdbFacts, podFacts, timeText } from './facts.ts';
import { type CallContext, refusalOf, translate } from './failures.ts';
import { ofKind, read, readList } from './reading.ts';

type Apis = { core: CoreV1Api; apps: AppsV1Api; policy: PolicyV1Api; leases: CoordinationV1Api; version: VersionApi };
type Open = { connection: Connection; apis: Apis };
type Pod = { namespace: string; name: string; uid: string };

export class KubernetesCluster implements Cluster {
  readonly #options: ConnectionOptions;
  #open: Open | undefined;

  /** Reads no file yet: the first call does, and throws invalid_config when it cannot. */
  constructor(options: ConnectionOptions) {
    this.#options = options;
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
    return readList({ ...this.#context('the nodes'), kind: 'NodeList' }, page => core.listNode(page), nodeFacts);
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
      podFacts,
    );
  }

  async podUid(namespace: string, name: string): Promise<string | undefined> {
    const subject = podSubject({ namespace, name });
    const pod = await foundOrNot(
      this.#read(subject, async ({ core }) => ofKind('Pod', await core.readNamespacedPod({ namespace, name }))),
    );
    return pod?.metadata?.uid;
  }

  async pdbs(): Promise<PdbFacts[]> {
    const { policy } = this.#apis();
    const context = { ...this.#context('the PodDisruptionBudgets'), kind: 'PodDisruptionBudgetList' };
    const call = policy.listPodDisruptionBudgetForAllNamespaces.bind(policy);
    const all = await readList(context, page => call(page), pdbFacts);
    return all.filter(facts => facts !== undefined);
  }

  async daemonSets(): Promise<string[]> {
    const { apps } = this.#apis();
    return readList(
      { ...this.#context('the DaemonSets'), kind: 'DaemonSetList' },
      page => apps.listDaemonSetForAllNamespaces(page),
      ({ metadata }) => `${metadata?.namespace}/${metadata?.name}`,
    );
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
    const { name, resourceVersion, unschedulable, annotations } = patch;
    const { core } = this.#apis();
    const body = { metadata: { resourceVersion, annotations }, spec: { unschedulable } };
    try {
      const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
      return nodeFacts(ofKind('Node', await core.patchNode({ name, body }, mergePatch)));
    } catch (thrown) {
      throw translate(thrown, { ...this.#context(`node ${name}`), access: 'write' });
    }
  }

  async evict(_grant: EffectGrant, pod: Pod): Promise<EvictionOutcome> {
    const { namespace, name, uid } = pod;
    const { core } = this.#apis();
    const body = { metadata: { name, namespace }, deleteOptions: { preconditions: { uid } } };
    try {
      ofKind('Status', await core.createNamespacedPodEviction({ name, namespace, body }));
      return { outcome: 'accepted' };
    } catch (thrown) {
      const outcome = await this.#refusedEviction(pod, thrown);
      if (outcome !== undefined) return outcome;
      throw translate(thrown, { ...this.#context(podSubject(pod)), access: 'write' });
    }
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.connection.close();
  }

  /** What a clear refusal means, or undefined where it is a failure. */
  async #refusedEviction(pod: Pod, thrown: unknown): Promise<EvictionOutcome | undefined> {
    const refusal = refusalOf(thrown);
    if (refusal === undefined) return undefined;
    const { status, message, retryAfterMs } = refusal;
    const blocked: EvictionOutcome = {
      outcome: 'blocked',
      message,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    };
    if (status === 404) return { outcome: 'gone' };
    if (status === 429) return blocked;
    if (status === 403 && refusal.causes.includes('NamespaceTerminating')) return blocked;
    if (status === 409) {
      const current = await this.podUid(pod.namespace, pod.name);
      return current === pod.uid ? blocked : { outcome: 'gone' };
    }
    if (status === 400 || status === 422 || (status === 500 && refusal.reason === 'InternalError')) {
      return { outcome: 'refused', status, message };
    }
    return undefined;
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
      version: new VersionApi(configuration),
    };
    this.#open = { connection, apis };
    return this.#open;
  }

  #apis(): Apis {
    return this.#connect().apis;
  }

  #context(subject: string): Omit<CallContext, 'access'> {
    const { server } = this.#connect().connection;
    return { cluster: this.#options.cluster, host: URL.canParse(server) ? new URL(server).host : server, subject };
  }

  #read<T>(subject: string, call: (apis: Apis) => Promise<T>): Promise<T> {
    const apis = this.#apis();
    return read(this.#context(subject), () => call(apis));
  }
}

function podSubject({ namespace, name }: { namespace: string; name: string }): string {
  return `pod ${namespace}/${name}`;
}

async function foundOrNot<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (thrown) {
    if (thrown instanceof FleetError && thrown.code === 'not_found') return undefined;
    throw thrown;
  }
}
