/**
 * A process that holds clusters and does nothing else, so that its memory is
 * what holding them costs: with our adapter, or as the client library's own
 * informers do it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  AppsV1Api,
  CoreV1Api,
  type Informer,
  KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  makeInformer,
  type ObjectCache,
  PolicyV1Api,
} from '@kubernetes/client-node';
import { openClusters } from '../../src/adapters/kubernetes/open-clusters.ts';
import { digestOf, podRow } from './digest.ts';
import { serve } from './messages.ts';
import { countRequests } from './requests.ts';

type Held = { digest(): Promise<string> };
type Given = { name: string; kubeconfigFile: string };

export type Measured = { rss: number; heap: number; mostRss: number; requests: number; cpuMs: number };

const syncLimitMs = 300_000;
const requests = countRequests();
const held = new Map<string, Held>();

const answers = {
  /** Answers the milliseconds until all clusters are held. */
  async hold({ kind, clusters }: { kind: 'mirror' | 'informer'; clusters: Given[] }): Promise<number> {
    const started = performance.now();
    const open = kind === 'mirror' ? mirrors(clusters) : await informers(clusters);
    for (const [name, each] of open) held.set(name, each);
    await Promise.all([...held.values()].map(heldAtLast));
    return performance.now() - started;
  },

  async digest({ name }: { name: string }): Promise<string> {
    return (
      held
        .get(name)
        ?.digest()
        .catch(error => `failed: ${error}`) ?? 'no such cluster'
    );
  },

  /** After a full collection where `collected`. */
  async measure({ collected }: { collected: boolean }): Promise<Measured> {
    if (collected) {
      for (let i = 0; i < 3; i++) {
        globalThis.gc?.();
        await delay(200);
      }
    }
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    const mostRss = process.resourceUsage().maxRSS * 1024;
    return { rss, heap: heapUsed, mostRss, requests: requests(), cpuMs: (user + system) / 1000 };
  },
};

export type Subject = typeof answers;

/** The first view waits for the time limit of a request; this many pods may take longer. */
async function heldAtLast({ digest }: Held): Promise<void> {
  const deadline = performance.now() + syncLimitMs;
  for (;;) {
    try {
      await digest();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(100);
    }
  }
}

function mirrors(given: Given[]): Map<string, Held> {
  const clusters = openClusters({ clusters: given });
  return new Map(given.map(({ name }) => [name, { digest: () => viewDigest(name) }]));

  async function viewDigest(name: string): Promise<string> {
    const { nodes, pods, pdbs, daemonSets } = await clusters.of(name).view();
    return digestOf({
      nodes: nodes.map(each => [each.name, each.uid, each.resourceVersion]),
      pods: pods.map(each => [each.uid, each.node ?? '', each.phase, each.ready, each.restarts]),
      pdbs: pdbs.map(each => [each.namespace, each.name, each.disruptionsAllowed]),
      daemonSets: daemonSets.map(each => [each.namespace, each.name, each.ready]),
    });
  }
}

/** As the library's own example has it: an informer that stops on an error is started again after five seconds. */
async function informers(given: Given[]): Promise<Map<string, Held>> {
  const open = new Map<string, Held>();
  const starts: Promise<void>[] = [];
  for (const { name, kubeconfigFile } of given) {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfigFile);
    const [core, apps, policy] = [CoreV1Api, AppsV1Api, PolicyV1Api].map(api => config.makeApiClient(api as never));
    const lists = { core: core as CoreV1Api, apps: apps as AppsV1Api, policy: policy as PolicyV1Api };
    const inform = <T extends KubernetesObject>(path: string, list: () => Promise<KubernetesListObject<T>>) => {
      const informer: Informer<T> & ObjectCache<T> = makeInformer(config, path, list);
      informer.on('error', () => {
        setTimeout(() => void informer.start(), 5000);
      });
      starts.push(informer.start());
      return informer;
    };
    const nodes = inform('/api/v1/nodes', () => lists.core.listNode());
    const pods = inform('/api/v1/pods', () => lists.core.listPodForAllNamespaces());
    const pdbs = inform('/apis/policy/v1/poddisruptionbudgets', () =>
      lists.policy.listPodDisruptionBudgetForAllNamespaces(),
    );
    const daemonSets = inform('/apis/apps/v1/daemonsets', () => lists.apps.listDaemonSetForAllNamespaces());
    const digest = async () =>
      digestOf({
        nodes: nodes.list().map(({ metadata: of }) => [of?.name ?? '', of?.uid ?? '', of?.resourceVersion ?? '']),
        pods: pods.list().map(podRow),
        pdbs: pdbs
          .list()
          .map(({ metadata, status }) => [
            metadata?.namespace ?? '',
            metadata?.name ?? '',
            status?.disruptionsAllowed ?? 0,
          ]),
        daemonSets: daemonSets
          .list()
          .map(({ metadata, status }) => [metadata?.namespace ?? '', metadata?.name ?? '', status?.numberReady ?? 0]),
      });
    open.set(name, { digest });
  }
  await Promise.all(starts);
  return open;
}

serve(answers);
