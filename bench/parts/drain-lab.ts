/** A process with the lab of the drain bench: equal nodes full of pods, put back after each drain, and a count of API requests. */
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { shippedManifests } from '../../src/demo/lab-part.ts';
import { deleteObject } from '../../src/lab/cluster/model/deletion.ts';
import { podIsReady } from '../../src/lab/cluster/model/objects.ts';
import type { Store } from '../../src/lab/cluster/model/store.ts';
import { describeLab, type LabDescription } from '../../src/lab/description.ts';
import { type RunningLab, startLab } from '../../src/lab/lab.ts';
import { createWorkloads, graceOf, type PodCounts, podCounts, stayKey } from './drain-workloads.ts';
import { serve } from './messages.ts';

type Start = { dir: string; addressBase: string; speed: number; nodes: number };
export type Started = { lab: LabDescription; nodes: string[]; pods: PodCounts };
/** By `verb path`, where names in the path are `*`. */
export type RequestCounts = Record<string, number>;

const settleLimitMs = 180_000;
/** Workers that take the pods of whichever node is drained. */
const spares = 2;
let lab: RunningLab | undefined;
let nodes: string[] = [];
let spareNodes: string[] = [];
let counts = new Map<string, RequestCounts>();

subscribe('http.server.request.start', message => {
  const { request } = message as { request: IncomingMessage };
  if (`https://${request.headers.host}` !== lab?.sites[0]?.cluster.url) return;
  const agent = (request.headers['user-agent'] ?? '').split('/')[0] ?? '';
  const counted = counts.get(agent) ?? {};
  const kind = `${request.method} ${kindOf(request.url ?? '')}`;
  counted[kind] = (counted[kind] ?? 0) + 1;
  counts.set(agent, counted);
});

const answers = {
  async start({ nodes: wanted, ...options }: Start): Promise<Started> {
    const workers = wanted + spares;
    lab = await startLab({ ...options, sites: 1, controlPlanes: 1, workers, seed: 7, manifests: shippedManifests });
    const names = lab.sites[0]?.nodes.filter(({ role }) => role === 'worker').map(({ name }) => name) ?? [];
    nodes = names.slice(0, wanted);
    spareNodes = names.slice(wanted);
    for (const plural of ['deployments', 'statefulsets'] as const) {
      for (const { metadata } of store().list(plural)) {
        deleteObject(store(), { plural, name: metadata.name, namespace: metadata.namespace ?? '' }, {});
      }
    }
    for (const node of nodes) {
      for (const each of [node, ...spareNodes]) label(each, stayKey(node));
      for (const spare of spareNodes) setCordon(spare, true);
      createWorkloads(store(), node);
    }
    await putBack();
    return { lab: describeLab(lab), nodes, pods: podCounts };
  },

  /**
   * Uncordons, brings every pod back to its node, and waits until all run and are counted. Each round has graces of its
   * own, so that no tool's polling meets the same moments every time; within a round they are the same for all.
   */
  async reset({ round }: { round: number }): Promise<void> {
    await putBack();
    for (const { metadata } of store().list('pods')) {
      const { name, namespace = '', labels } = metadata;
      if (!namespace.startsWith('bench-')) continue;
      store().update('pods', { name, namespace }, ({ spec }) => {
        spec.terminationGracePeriodSeconds = graceOf(`${round}/${labels?.app}`);
      });
    }
  },

  /** What has been asked since the last call, by the first word of the User-Agent. */
  takeRequests(): Record<string, RequestCounts> {
    const taken = Object.fromEntries(counts);
    counts = new Map();
    return taken;
  },
};

export type DrainLab = typeof answers;

function store(): Store {
  const cluster = lab?.sites[0]?.cluster;
  if (cluster === undefined) throw new Error('the lab was not started');
  return cluster.store;
}

async function putBack(): Promise<void> {
  for (const spare of spareNodes) setCordon(spare, true);
  for (const node of nodes) setCordon(node, false);
  for (const { metadata, spec } of store().list('pods')) {
    const { name, namespace = '' } = metadata;
    const away = spec.nodeName === undefined || spareNodes.includes(spec.nodeName);
    if (namespace.startsWith('bench-') && away && !isDaemon(metadata)) {
      deleteObject(store(), { plural: 'pods', name, namespace }, { gracePeriodSeconds: 0 });
    }
  }
  const until = Date.now() + settleLimitMs;
  while (!settled()) {
    if (Date.now() > until) throw new Error('the pods did not come back to their nodes');
    await delay(100);
  }
  for (const spare of spareNodes) setCordon(spare, false);
}

function isDaemon({ ownerReferences }: { ownerReferences?: { kind: string }[] }): boolean {
  return ownerReferences?.some(({ kind }) => kind === 'DaemonSet') ?? false;
}

/** Every node has all of its pods, ready, and the budgets have counted them. */
function settled(): boolean {
  const pods = store().list('pods');
  const full = nodes.every(node => {
    const here = pods.filter(({ spec }) => spec.nodeName === node);
    return here.length === podCounts.all && here.every(pod => podIsReady(pod) && !pod.metadata.deletionTimestamp);
  });
  const budgets = store().list('poddisruptionbudgets');
  return (
    full && budgets.every(({ metadata, status }) => metadata.namespace === 'shop' || status.disruptionsAllowed === 1)
  );
}

function setCordon(node: string, cordoned: boolean): void {
  store().update('nodes', { name: node }, ({ metadata, spec }) => {
    if (cordoned) spec.unschedulable = true;
    else delete spec.unschedulable;
    for (const key of Object.keys(metadata.annotations ?? {})) {
      if (!cordoned && key.startsWith('groundskeeper.io/')) delete metadata.annotations?.[key];
    }
  });
}

function label(node: string, key: string): void {
  store().update('nodes', { name: node }, ({ metadata }) => {
    metadata.labels = { ...metadata.labels, [key]: 'yes' };
  });
}

/** `/api/v1/namespaces/shop/pods/web-0/eviction` is `pods/eviction`, a list of pods is `pods`, one pod `pods/*`. */
function kindOf(url: string): string {
  const path = url.split('?')[0] ?? '';
  const parts = path.split('/').slice(1);
  if (parts[0] !== 'api' && parts[0] !== 'apis') return path;
  const after = parts.slice(parts[0] === 'api' ? 2 : 3);
  if (after.length === 0) return 'discovery';
  const [plural = '', name, subresource] = after[0] === 'namespaces' && after.length > 2 ? after.slice(2) : after;
  if (name === undefined) return plural;
  return subresource === undefined ? `${plural}/*` : `${plural}/${subresource}`;
}

serve(answers);
