/**
 * A cluster to hold against the contract: the lab, or any real one that GROUNDSKEEPER_TEST_KUBECONFIG names. Both are
 * treated alike. Everything that is made lives in a namespace of its own or carries its name, and leaves at the end.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { it, vi } from 'vitest';
import { openClusters } from '../../src/adapters/kubernetes/open-clusters.ts';
import type { Cluster } from '../../src/core/cluster.ts';
import { cordonOwner } from '../../src/core/cluster-marks.ts';
import { accountToken, applyShipped, kubeconfigFor, realKubeconfig } from './contract-account.ts';
import { type Access, ApiClient, type Kube, readAccess } from './contract-api.ts';
import { type KubernetesScene, kubernetesScene } from './kubernetes-lab.ts';

const labAddress = '127.61.0.40';
/** On everything that is not inside the namespace, so that it is found again. */
const ownerLabel = 'contract.groundskeeper.io/owner';
/** Holds an object back for as long as a test wants to look at it. */
export const holdFinalizer = 'contract.groundskeeper.io/hold';
/** On our own Nodes: nobody's pods come here by themselves. */
const keepOff = { key: 'contract.groundskeeper.io/nobody', effect: 'NoSchedule' };

const mostNodes = 5;
/** A real cluster takes its time. */
const patienceMs = 180_000;

type NewOwned = { metadata: { name: string }; spec?: Record<string, unknown> };
type Toleration = { key: string; operator: 'Exists'; effect: string };

export type ContractCluster = {
  /** The API as an administrator. */
  api: ApiClient;
  /** The API as the product's account. */
  account: ApiClient;
  /** The product's adapter, as its account. */
  cluster: Cluster;
  /** Of our own; also the prefix of everything at the cluster scope. */
  namespace: string;
  /** Of a container that every node here can run. */
  image: string;
  /** Names of the nodes that our pods may use. */
  nodes: string[];
  /** For the taints that those nodes have for ever. */
  tolerations: Toleration[];
  /** The product's adapter for another account. */
  adapterAs(token: string): Promise<Cluster>;
  /** The lab behind it, for the rules that a real cluster cannot be forced to show. */
  lab: KubernetesScene['lab'] | undefined;
  /** Path of a collection in our namespace: `pods`, or `apps/v1 deployments`. */
  path(collection: string, name?: string): string;
  /** A Node without a kubelet, ours alone. Answers its name. */
  ownNode(name: string): Promise<string>;
  /** Remembers to uncordon this node, and to take our annotations off it. */
  willTouch(node: string): void;
  /** Remembers to delete what is made under this path. */
  willRemove(path: string): void;
  /** An object outside the namespace, removed at the end; its name gets our prefix and it our label. */
  ownObject(collection: string, object: NewOwned): Promise<Kube>;
  close(): Promise<void>;
};

/** Opens the cluster; `subject` becomes a part of the namespace's name. */
export async function contractCluster(subject: string): Promise<ContractCluster> {
  vi.setConfig({ testTimeout: patienceMs, hookTimeout: patienceMs });
  const scene = realKubeconfig === undefined ? await kubernetesScene(labAddress) : undefined;
  const access = await readAccess(realKubeconfig ?? scene?.adminKubeconfigFile ?? '');
  const api = new ApiClient(access);
  if (scene !== undefined) await applyShipped(api);
  const token = await accountToken(api);
  const adapters = new Adapters(access);
  const cluster = await adapters.open(token);
  const account = api.as(token);
  const owned = new Owned(api, `gk-contract-${subject}-${randomBytes(3).toString('hex')}`);
  await owned.begin();
  const usable = await usableNodes(api);
  const taints = usable.flatMap(({ spec }) => (spec.taints ?? []) as { key: string; effect: string }[]);
  return {
    api,
    account,
    cluster,
    adapterAs: other => adapters.open(other),
    namespace: owned.namespace,
    image: process.env.GROUNDSKEEPER_TEST_IMAGE ?? 'registry.k8s.io/pause:3.10',
    nodes: usable.map(({ metadata }) => metadata.name),
    tolerations: taints.map(({ key, effect }) => ({ key, operator: 'Exists', effect })),
    lab: scene?.lab,
    path: (collection, name) => owned.path(collection, name),
    ownNode: name => owned.node(name),
    willTouch: node => owned.touched.add(node),
    willRemove: made => owned.willRemove(made),
    ownObject: (collection, object) => owned.create(collection, object),
    async close() {
      await owned.end();
      await Promise.all([adapters.close(), account.close(), api.close()]);
      await scene?.close();
    },
  };
}

/** Up to five nodes of GROUNDSKEEPER_TEST_NODE_SELECTOR, else workers: Ready, and in nobody's hands. */
async function usableNodes(api: ApiClient): Promise<Kube[]> {
  const selector = process.env.GROUNDSKEEPER_TEST_NODE_SELECTOR ?? '!node-role.kubernetes.io/control-plane';
  const path = `/api/v1/nodes?labelSelector=${encodeURIComponent(`${selector},!${ownerLabel}`)}`;
  if (realKubeconfig !== undefined) return (await api.get(path)).items.filter(isUsable).slice(0, mostNodes);
  return until('every worker of the lab is usable', async () => {
    const { items } = await api.get(path);
    return items.length > 0 && items.every(isUsable) && items.slice(0, mostNodes);
  });
}

function isUsable(node: Kube): boolean {
  const taints = (node.spec.taints ?? []) as { key: string }[];
  const lifecycle = taints.some(({ key }) => key.startsWith('node.kubernetes.io/'));
  return conditionOf(node, 'Ready') === 'True' && node.spec.unschedulable !== true && !lifecycle;
}

/** The product's adapter as it runs in production: from a kubeconfig file with an account's token. */
class Adapters {
  readonly #access: Access;
  readonly #closing: (() => Promise<void>)[] = [];

  constructor(access: Access) {
    this.#access = access;
  }

  async open(token: string): Promise<Cluster> {
    const folder = await mkdtemp(join(tmpdir(), 'gk-contract-'));
    const kubeconfigFile = join(folder, 'kubeconfig');
    await writeFile(kubeconfigFile, kubeconfigFor(this.#access, token), { mode: 0o600 });
    const clusters = openClusters({ clusters: [{ name: 'contract', kubeconfigFile }] });
    this.#closing.push(async () => {
      await clusters.close();
      await rm(folder, { recursive: true, force: true });
    });
    return clusters.of('contract');
  }

  async close(): Promise<void> {
    for (const close of this.#closing) await close();
  }
}

class Owned {
  readonly namespace: string;
  readonly touched = new Set<string>();
  readonly #api: ApiClient;
  readonly #paths: string[] = [];

  constructor(api: ApiClient, namespace: string) {
    this.#api = api;
    this.namespace = namespace;
  }

  async begin(): Promise<void> {
    const labels = { [ownerLabel]: this.namespace };
    await this.#api.create('/api/v1/namespaces', { metadata: { name: this.namespace, labels } });
    const { status } = await this.#api.post(this.path('serviceaccounts'), { metadata: { name: 'default' } });
    if (status !== 201 && status !== 409) throw new Error(`the default ServiceAccount was answered ${status}`);
  }

  path(collection: string, name?: string): string {
    const [plural = '', group] = collection.split(' ').toReversed();
    const root = group === undefined ? '/api/v1' : `/apis/${group}`;
    const path = `${root}/namespaces/${this.namespace}/${plural}`;
    return name === undefined ? path : `${path}/${name}`;
  }

  async node(name: string): Promise<string> {
    const { metadata } = await this.create('/api/v1/nodes', { metadata: { name }, spec: { taints: [keepOff] } });
    return metadata.name;
  }

  async create(collection: string, object: NewOwned): Promise<Kube> {
    const name = `${this.namespace}-${object.metadata.name}`;
    const metadata = { ...object.metadata, name, labels: { [ownerLabel]: this.namespace } };
    const made = await this.#api.create(collection, { ...object, metadata });
    this.#paths.push(`${collection}/${name}`);
    return made;
  }

  willRemove(path: string): void {
    this.#paths.push(path);
  }

  async end(): Promise<void> {
    for (const node of this.touched) await this.#restore(node);
    await this.#send(
      this.path('apps/v1 deployments'),
      this.path('apps/v1 statefulsets'),
      this.path('apps/v1 daemonsets'),
    );
    await this.#letPodsGo();
    for (const path of this.#paths.toReversed()) await this.#removeNow(path);
    await this.#removeNow(`/api/v1/namespaces/${this.namespace}`);
    await until(
      `namespace ${this.namespace} is gone`,
      async () => {
        await this.#letPodsGo();
        return (await this.#api.send(`/api/v1/namespaces/${this.namespace}`)).status === 404;
      },
      120,
    );
  }

  async #restore(node: string): Promise<void> {
    const path = `/api/v1/nodes/${node}`;
    const { metadata } = await this.#api.get(path);
    const keys = Object.keys(metadata.annotations ?? {});
    const ours = keys.filter(key => key === cordonOwner || key.startsWith(this.namespace));
    const annotations = Object.fromEntries(ours.map(key => [key, null]));
    const body = { metadata: { annotations }, spec: { unschedulable: null } };
    await this.#api.must(this.#api.patch(path, 'merge-patch', body));
  }

  /** Deletes the workloads first, so that no controller brings pods back. */
  async #send(...collections: string[]): Promise<void> {
    for (const collection of collections) {
      const { items } = await this.#api.get(collection);
      for (const { metadata } of items) await this.#api.remove(`${collection}/${metadata.name}`);
    }
  }

  /** Our own Nodes have no kubelet that would end their pods. */
  async #letPodsGo(): Promise<void> {
    const { items } = await this.#api.get(this.path('pods'));
    for (const { metadata } of items) {
      const path = this.path('pods', metadata.name);
      if (metadata.finalizers) await this.#api.patch(path, 'merge-patch', { metadata: { finalizers: null } });
      await this.#api.remove(path, { gracePeriodSeconds: 0 });
    }
  }

  async #removeNow(path: string): Promise<void> {
    const { status, text } = await this.#api.remove(path);
    if (status >= 300 && status !== 404) throw new Error(`removing ${path} was answered ${status}: ${text}`);
  }
}

/** The status of a condition, undefined where the object has none of that type. */
export function conditionOf(object: Kube, type: string): string | undefined {
  const conditions = object.status?.conditions as { type: string; status: string }[] | undefined;
  return conditions?.find(each => each.type === type)?.status;
}

/** The test, or its skipping under a name that says what this cluster lacks. */
export function given(met: boolean, lacking: string): (name: string, test: () => Promise<void>, ms?: number) => void {
  return (name, test, ms) => (met ? it(name, test, ms) : it.skip(`${name} [skipped: ${lacking}]`, test));
}

/** Polls until `check` gives something other than undefined or false; fails after `seconds`, naming what was awaited. */
export async function until<T>(
  what: string,
  check: () => Promise<T | undefined | false> | T | undefined | false,
  seconds = 45,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  const pause = realKubeconfig === undefined ? 20 : 150;
  for (;;) {
    const found = await check();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`never happened within ${seconds} s: ${what}`);
    await delay(pause);
  }
}
