/** What goes wrong during a drain: aimed at the pods and the node of one scene, or at a whole site or service. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterFault } from '../../src/lab/cluster/api/faults.ts';
import { deleteObject } from '../../src/lab/cluster/model/deletion.ts';
import { exemptKinds, movedKinds, type Scene } from './drain-kinds.ts';
import { fateOf, hurryToEnd, releaseHeldPod } from './drain-pods.ts';
import { letBudgetsGo } from './drain-scene.ts';
import type { Followed } from './followed.ts';
import { eventually, type Stack } from './stack.ts';

/** Writes of one scene that are not performed, or performed and not heard of. */
type Aim = { kind: 'answer' | 'lost-request' | 'lost-answer'; times: number; status?: 429 | 500 | 503 | 504 } & {
  retryAfterSeconds?: number;
};

export const onEvictions = {
  throttled: { kind: 'answer', status: 429, times: 2, retryAfterSeconds: 1 },
  'throttled for long': { kind: 'answer', status: 429, times: 7 },
  '500 once': { kind: 'answer', status: 500, times: 1 },
  '500 for a while': { kind: 'answer', status: 500, times: 4 },
  '503 once': { kind: 'answer', status: 503, times: 1 },
  '503 for a while': { kind: 'answer', status: 503, times: 4 },
  '504 once': { kind: 'answer', status: 504, times: 1 },
  'request lost': { kind: 'lost-request', times: 1 },
  'request lost for a while': { kind: 'lost-request', times: 4 },
  'answer lost': { kind: 'lost-answer', times: 1 },
} as const satisfies Record<string, Aim>;

/** The first answers to writes of the Node's spec: its cordon, and where two are lost its uncordon too. */
export const onCordon = {
  'cordon 500': { kind: 'answer', status: 500, times: 1 },
  'cordon 503': { kind: 'answer', status: 503, times: 2 },
  'cordon request lost': { kind: 'lost-request', times: 1 },
  'cordon answer lost': { kind: 'lost-answer', times: 1 },
  'cordon and uncordon answers lost': { kind: 'lost-answer', times: 2 },
} as const satisfies Record<string, Aim>;

const onScene = [
  'none',
  'detach fails for a while',
  'detach stuck',
  'finalizer stuck',
  'replaced meanwhile',
  'namespace deleted',
  'cancelled waiting',
  'cancelled ending',
  'uncordoned by somebody',
  'cordoned by somebody',
] as const;
export const siteFaults = ['slow', 'clocks apart', 'slow detach', 'partition', 'long partition', 'restart'] as const;
export const killFaults = [
  'killed waiting',
  'killed amid evictions',
  'killed ending',
  'killed before the cordon',
  'killed after the cordon',
  'killed, then cancelled',
  'killed before the uncordon',
  'killed after the uncordon',
] as const;

export type Fault =
  | keyof typeof onEvictions
  | keyof typeof onCordon
  | (typeof onScene)[number]
  | (typeof siteFaults)[number]
  | (typeof killFaults)[number];
export const faults = [
  ...Object.keys(onEvictions),
  ...Object.keys(onCordon),
  ...onScene,
  ...siteFaults,
  ...killFaults,
] as Fault[];

/** How long a site cannot be reached, in wall-clock milliseconds; the long one is longer than the short deadline. */
const partitionMs = 3000;
export const shortDeadline = '20s';
const longPartitionMs = 24_000;
const hourMs = 3_600_000;
/** Real milliseconds that an API server is away while it restarts. */
const restartMs = 60_000;
/** Real milliseconds that a slow storage system takes to detach. */
const slowDetachMs = 60_000;

export type Play = { stack: Stack; scene: Scene; run: Followed; fault: Fault };

/** What is so before the drain begins. */
export function arrange(scene: Scene, fault: Fault): void {
  const { site, subjects, attachments } = scene;
  const { faults: active, controlPlane } = site.cluster;
  if (fault === 'cordoned by somebody') setCordon(scene, true);
  if (fault === 'slow') active.set({ kind: 'slow', ms: 400 });
  if (fault === 'clocks apart') {
    active.set({ kind: 'api-clock', skewMs: -hourMs });
    active.set({ kind: 'node-clock', node: scene.node, skewMs: hourMs });
    active.set({ kind: 'node-clock', node: scene.spare, skewMs: -hourMs });
  }
  if (fault === 'slow detach') controlPlane.storage.detachMs = slowDetachMs;
  if (fault === 'detach stuck' || fault === 'detach fails for a while')
    for (const { volume } of attachments) controlPlane.storage.failDetach(volume);
  const set = (aim: Aim, path: string, method = 'POST') => active.set({ ...aim, path, method } as ClusterFault);
  if (fault in onCordon) set({ ...onCordon[fault as keyof typeof onCordon] }, nodePath(scene), 'PATCH');
  if (fault in onEvictions)
    for (const [kind, { metadata }] of subjects)
      if (isAsked(kind)) set(onEvictions[fault as keyof typeof onEvictions], evictionPath(metadata));
  // More than once, so that what is sent between the first and the end of the service is lost too.
  if (fault === 'killed before the cordon') set({ kind: 'lost-request', times: 2 }, nodePath(scene), 'PATCH');
  if (fault === 'killed after the cordon') set({ kind: 'lost-answer', times: 1 }, nodePath(scene), 'PATCH');
}

/** What was to go wrong with the requests of this scene, and did not. */
export function faultsLeft({ site, name, node }: Scene): ClusterFault[] {
  return site.cluster.faults.list().filter(fault => {
    const { path = '' } = fault as { path?: string };
    return path.includes(`/namespaces/${name}/`) || path.includes(`/nodes/${node}$`);
  });
}

function nodePath({ node }: Scene): string {
  return `^/api/v1/nodes/${node}$`;
}

export function evictionPath({ namespace, name }: { namespace?: string; name: string }): string {
  return `/api/v1/namespaces/${namespace}/pods/${name}/eviction`;
}

/** Plays a started drain to its end: the fault comes when it waits, and then what it waits for happens. */
export async function playOut(play: Play): Promise<void> {
  const { scene, fault, run } = play;
  const held = releaseUnless(play);
  const looked = run.tells('the look before the drain', ({ step, status }) => step === 'budgets' && status === 'ok');
  const begun = Promise.race([looked, run.ended]).then(() => hurryToEnd(scene));
  if (fault.endsWith('the cordon')) await killAtCordon(play);
  if (waits(scene)) await everyBudgetBlocks(play);
  await strike(play);
  if (waits(scene) && scene.budget !== 'held') letBudgetsGo(scene);
  if (fault === 'detach fails for a while') {
    await run.tells('a volume in the way', ({ message }) => /volume .* \(its driver reports an error\)/.test(message));
    for (const { volume } of scene.attachments) scene.site.cluster.controlPlane.storage.allowDetach(volume);
  }
  await run.ended;
  await Promise.all([held, begun]);
}

/** Ends what a fault left behind, so that what is looked at later meets none of it. */
export async function tidy(scene: Scene, fault: Fault): Promise<void> {
  const { faults: active, controlPlane } = scene.site.cluster;
  if (fault === 'slow') active.clear('slow');
  if (fault === 'clocks apart') for (const kind of ['api-clock', 'node-clock'] as const) active.clear(kind);
  for (const { volume } of scene.attachments) controlPlane.storage.allowDetach(volume);
  if (keepsFinalizer.has(fault)) await releaseHeldPod(scene);
}

const keepsFinalizer = new Set<Fault>(['finalizer stuck', 'cancelled ending']);

/** Whoever holds the finalizer takes it off after a while, where the fault is not that nobody does. */
async function releaseUnless({ scene, fault, run }: Play): Promise<void> {
  if (!scene.subjects.has('finalizer') || keepsFinalizer.has(fault) || fault === 'killed ending') return;
  const over = run.ended.then(() => true as const);
  const ending = async () => (fateOf(scene, 'finalizer') === 'untouched' ? undefined : false);
  if (await Promise.race([over, eventually('the held pod to end', ending, 150_000)])) return;
  await releaseHeldPod(scene);
}

const waiting = new Set(['freed', 'held', 'unreadyWaits', 'behind']);

function waits({ budget, kinds }: Scene): boolean {
  return waiting.has(budget) && kinds.some(kind => isMoved(kind));
}

/** Whether a drain asks for its eviction; what already ends is only waited for. */
function isAsked(kind: string): boolean {
  return isMoved(kind) || (kind !== 'terminating' && (exemptKinds as readonly string[]).includes(kind));
}

function isMoved(kind: string): boolean {
  return (movedKinds as readonly string[]).includes(kind);
}

/** Until each pod of the first priority has been told why it waits. */
async function everyBudgetBlocks({ scene, run }: Play): Promise<void> {
  const first = scene.kinds.filter(kind => isMoved(kind) && !kind.endsWith('Priority'));
  for (const kind of first) {
    const pod = scene.subjects.get(kind)?.metadata;
    const told = `${pod?.namespace}/${pod?.name} waits: PodDisruptionBudget`;
    await run.tells(`${kind} to wait`, ({ message }) => message.startsWith(told));
  }
}

async function strike(play: Play): Promise<void> {
  const { stack, scene, fault, run } = play;
  const { cluster } = scene.site;
  switch (fault) {
    case 'partition':
    case 'long partition':
      cluster.faults.set('partition');
      await delay(fault === 'partition' ? partitionMs : longPartitionMs);
      return cluster.faults.clear('partition');
    case 'restart':
      return cluster.restart(restartMs);
    case 'replaced meanwhile':
      return replaceSubjects(scene);
    case 'namespace deleted':
      return void deleteObject(cluster.store, { plural: 'namespaces', name: scene.name }, {});
    case 'uncordoned by somebody':
      return setCordon(scene, false);
    case 'cancelled ending':
      await anEviction(scene);
      return cancel(stack, run.id);
    case 'cancelled waiting':
      return cancel(stack, run.id);
    case 'killed waiting':
      return killAndStart(stack);
    case 'killed amid evictions':
      await anEviction(scene);
      return killAndStart(stack);
    case 'killed, then cancelled':
      await killAndStart(stack);
      return cancel(stack, run.id);
    case 'killed before the uncordon':
    case 'killed after the uncordon':
      return killAtUncordon(play);
    case 'killed ending':
      await anEviction(scene);
      await killAndStart(stack);
      return releaseHeldPod(scene);
  }
}

/** The cordon is sent and does not arrive, or arrives and is not heard of; then the service dies. */
async function killAtCordon({ stack, scene, fault }: Play): Promise<void> {
  if (fault === 'killed before the cordon') await firstLost(scene);
  else await cordonIs(scene, true);
  await killAndStart(stack);
}

/** The same for what takes the cordon back after somebody cancelled. */
async function killAtUncordon({ stack, scene, fault, run }: Play): Promise<void> {
  const aim = fault === 'killed before the uncordon' ? { kind: 'lost-request', times: 2 } : { kind: 'lost-answer' };
  scene.site.cluster.faults.set({ ...aim, path: nodePath(scene), method: 'PATCH' } as ClusterFault);
  await cancel(stack, run.id);
  if (fault === 'killed before the uncordon') await firstLost(scene);
  else await cordonIs(scene, false);
  await killAndStart(stack);
}

async function firstLost(scene: Scene): Promise<void> {
  await eventually('a write of the Node to be lost', async () => {
    const [left] = faultsLeft(scene) as { times?: number }[];
    return left?.times === 2 ? undefined : true;
  });
}

async function cordonIs({ site, node }: Scene, cordoned: boolean): Promise<void> {
  const { store } = site.cluster;
  const isNow = () => (store.get('nodes', { name: node })?.spec.unschedulable ?? false) === cordoned;
  if (!isNow()) await new Promise<void>(resolve => void store.onChange(() => isNow() && resolve()));
}

async function cancel(stack: Stack, operation: string): Promise<void> {
  await (await stack.client('requester')).callTool('cancelOperation', { operation });
}

async function killAndStart(stack: Stack): Promise<void> {
  await stack.kill();
  await stack.start();
}

/** Until the first of the pods was let go. */
async function anEviction(scene: Scene): Promise<void> {
  await eventually('a pod to be let go', async () =>
    scene.kinds.some(kind => isMoved(kind) && fateOf(scene, kind) === 'ending') ? true : undefined,
  );
}

function setCordon({ site, node }: Scene, cordoned: boolean): void {
  site.cluster.store.update('nodes', { name: node }, ({ spec }) => {
    if (cordoned) spec.unschedulable = true;
    else delete spec.unschedulable;
  });
}

/** Somebody deletes the pods by hand, and others come under their names. */
async function replaceSubjects({ site, name, subjects }: Scene): Promise<void> {
  const { store } = site.cluster;
  for (const { metadata } of subjects.values()) {
    const ref = { namespace: name, name: metadata.name };
    deleteObject(store, { plural: 'pods', ...ref }, { gracePeriodSeconds: 0 });
    await eventually(`another pod ${metadata.name}`, async () => {
      const uid = store.get('pods', ref)?.metadata.uid;
      return uid !== undefined && uid !== metadata.uid ? true : undefined;
    });
  }
}
