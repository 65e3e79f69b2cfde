/** One node of the lab with a pod of each wanted kind, and a disruption budget of the wanted state over each of them. */
import { type PodObject, podIsReady, setCondition } from '../../src/lab/cluster/model/objects.ts';
import {
  type BudgetState,
  besides,
  budgetLabel,
  here,
  isPair,
  type Kind,
  label,
  type Place,
  type Scene,
} from './drain-kinds.ts';
import { create, createSibling, holdFinalizer, pairReady, settled, siblingOf } from './drain-pods.ts';
import { eventually } from './stack.ts';

/** Creates everything and waits until it runs and is counted. */
export async function setScene(place: Place, wanted: { kinds: Kind[]; budget: BudgetState }): Promise<Scene> {
  const { site, node, spare, name } = place;
  const { store } = site.cluster;
  const scene: Scene = { ...place, ...wanted, subjects: new Map(), left: new Map(), leastOfPair: 2, attachments: [] };
  store.onChange(({ type, object }) => {
    if (type === 'DELETED') scene.left.set(object.metadata.uid, Date.now());
  });
  store.create('namespaces', { metadata: { name }, spec: {}, status: { phase: 'Active' } });
  label(scene, node, here(scene));
  if (siblingRuns.has(wanted.budget)) label(scene, spare, besides(scene));
  for (const kind of wanted.kinds) {
    await create(scene, kind);
    if (!withoutSibling.has(wanted.budget) && !isPair(kind)) createSibling(scene, kind);
  }
  for (const kind of wanted.kinds) scene.subjects.set(kind, await settled(scene, kind));
  await prepare(scene);
  if (!bornLate.has(wanted.budget)) createBudgets(scene);
  label(scene, spare, here(scene));
  await counted(scene);
  if (wanted.kinds.some(isPair))
    store.onChange(() => {
      scene.leastOfPair = Math.min(scene.leastOfPair, pairReady(scene));
    });
  if (wanted.budget === 'behind') fallBehind(scene);
  scene.attachments = store.list('volumeattachments').flatMap(({ metadata, spec }) => {
    const attached = spec as { nodeName: string; source: { persistentVolumeName: string } };
    return attached.nodeName === node ? [{ uid: metadata.uid, volume: attached.source.persistentVolumeName }] : [];
  });
  return scene;
}

/** A state that comes after the plan. */
export async function turnLate(scene: Scene): Promise<void> {
  const { budget, subjects, site, name } = scene;
  if (!budget.endsWith('Later')) return;
  if (bornLate.has(budget)) createBudgets(scene);
  else
    for (const kind of subjects.keys()) {
      const { store } = site.cluster;
      store.update('pods', { namespace: name, name: siblingOf(kind) }, draft => crashLooping(draft, store.now()));
    }
  await counted(scene);
}

/** What the budgets waited for happens: they let their pods go. */
export function letBudgetsGo(scene: Scene): void {
  if (scene.budget === 'behind') scene.site.cluster.controllers.resume();
  else label(scene, scene.spare, besides(scene));
}

const bornLate = new Set<BudgetState>(['zeroLater', 'twoLater']);
const siblingRuns = new Set<BudgetState>(['allows', 'crashLoop', 'crashLoopLater', 'unreadyHealthy']);
const withoutSibling = new Set<BudgetState>(['none', 'zero', 'zeroLater', 'two', 'twoLater']);

/** What the store is told by hand, because no controller of the lab would do it. */
async function prepare(scene: Scene): Promise<void> {
  const { store } = scene.site.cluster;
  const held = scene.subjects.get('finalizer');
  if (held) {
    store.update('pods', held.metadata, ({ metadata }) => {
      metadata.finalizers = [holdFinalizer];
    });
  }
  for (const [kind, { metadata }] of scene.subjects) {
    if (scene.budget.startsWith('unready')) store.update('pods', metadata, draft => notReady(draft, store.now()));
    if (!siblingRuns.has(scene.budget) || isPair(kind)) continue;
    const ref = { namespace: scene.name, name: siblingOf(kind) };
    await eventually(`${ref.name} of ${scene.name} to run`, async () => {
      const sibling = store.get('pods', ref);
      return sibling && podIsReady(sibling) ? true : undefined;
    });
    if (scene.budget === 'crashLoop') store.update('pods', ref, draft => crashLooping(draft, store.now()));
  }
}

function notReady(pod: PodObject, now: string): void {
  for (const type of ['Ready', 'ContainersReady']) setCondition(pod.status, now, { type, status: 'False' });
  for (const status of pod.status.containerStatuses ?? []) status.ready = false;
}

function crashLooping(pod: PodObject, now: string): void {
  notReady(pod, now);
  for (const status of pod.status.containerStatuses ?? [])
    status.state = { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s restarting failed container' } };
}

function createBudgets(scene: Scene): void {
  for (const kind of scene.kinds) {
    if (kind === 'pairTwo') continue;
    for (const [index, spec] of specsOf(scene.budget).entries()) {
      const name = `${kind.toLowerCase()}-${index + 1}`;
      scene.site.cluster.store.create('poddisruptionbudgets', {
        metadata: { namespace: scene.name, name },
        spec: { ...spec, selector: { matchLabels: budgetLabel(kind) } },
        status: {},
      });
    }
  }
}

function specsOf(state: BudgetState): object[] {
  switch (state) {
    case 'none':
      return [];
    case 'allows':
    case 'freed':
    case 'held':
    case 'crashLoop':
    case 'crashLoopLater':
    case 'unreadyHealthy':
    case 'unreadyWaits':
    case 'behind':
      return [{ minAvailable: 1 }];
    case 'unreadyAlways':
      return [{ minAvailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' }];
    case 'zero':
    case 'zeroLater':
      return [{ maxUnavailable: 0 }];
    case 'two':
    case 'twoLater':
      return [{ minAvailable: 0 }, { minAvailable: 0 }];
  }
}

/** Waits until every budget counts what runs now. */
async function counted({ site, name }: Scene): Promise<void> {
  const { store } = site.cluster;
  await eventually(`the budgets of ${name} to be counted`, async () => {
    const healthy = store
      .list('pods', name)
      .filter(pod => podIsReady(pod) && pod.metadata.deletionTimestamp === undefined);
    const behind = store.list('poddisruptionbudgets', name).find(({ metadata, spec, status }) => {
      const { budget } = spec.selector?.matchLabels ?? {};
      const count = healthy.filter(pod => pod.metadata.labels?.budget === budget).length;
      return status.observedGeneration !== metadata.generation || status.currentHealthy !== count;
    });
    return behind === undefined ? true : undefined;
  });
}

/** The budgets change while nobody counts. */
function fallBehind({ site, name }: Scene): void {
  const { store, controllers } = site.cluster;
  controllers.pause();
  for (const { metadata } of store.list('poddisruptionbudgets', name)) {
    store.update('poddisruptionbudgets', { name: metadata.name, namespace: name }, draft => {
      draft.spec.minAvailable = 0;
    });
  }
}
