/**
 * One look at one cluster: what each node needs whose hardware is of interest.
 * A cluster in which nothing is, is not even asked.
 */
import type { Clusters } from '../core/cluster.ts';
import type { ClusterView, NodeFacts } from '../core/cluster-facts.ts';
import { hardwareCondition } from '../core/cluster-marks.ts';
import { isStanding } from '../core/finding.ts';
import type { FleetCluster, FleetNode } from '../core/fleet.ts';
import type { Operation } from '../core/operation.ts';
import { hasEnded } from '../core/operation.ts';
import { plainWords } from '../core/plain-words.ts';
import type { HealthAct } from '../core/plan.ts';
import type { Stores } from '../core/records.ts';
import { cordonAdvice, type HardwareFacts, hardwareVerdict, withinCordonBudget } from '../health/cordon-advice.ts';
import type { CordonMemory } from '../health/cordon-memory.ts';
import { kindRules } from '../health/kinds.ts';
import { type HardwareWatch, hardwareNow, stands } from '../operations/hardware-now.ts';
import { healthCordonOf, healthCordonsAmong } from '../operations/health-cordons.ts';
import { unavailableOf } from '../planning/blast.ts';
import { lastOf } from '../planning/last-of-its-kind.ts';
import { type Asker, type Log, type Wish, without } from './ask-for-health.ts';

export type RoundParts = {
  clusters: Clusters;
  records: Pick<Stores, 'operations' | 'effects' | 'plans'>;
  hardware: HardwareWatch;
  settings: { maxPerCluster: number; maxPerHour: number; healthyForMs: number; drain: boolean };
  memory: { now(): CordonMemory; change(with_: (before: CordonMemory) => CordonMemory): Promise<void> };
  asker: Asker;
  log: Log;
};

type Scene = { cluster: FleetCluster; view: ClusterView; cordons: Map<string, Operation>; open: Operation[] };
type Seen = { entry: FleetNode; node: NodeFacts; facts: HardwareFacts; cordon: Operation | undefined };

/** Conditions that are written at once in one cluster. */
const mostMarks = 5;

export async function lookAtCluster(parts: RoundParts, cluster: FleetCluster): Promise<void> {
  const entries = cluster.nodes.filter(({ name }) => isOfInterest(parts, name));
  if (entries.length === 0) return;
  const view = await parts.clusters.of(cluster.name).view();
  // What is not seen now is not acted on.
  if (view.lostSince !== undefined) return;
  const open = await parts.records.operations.openOn(cluster.name);
  const busy = new Set(open.flatMap(operation => operation.nodes.map(({ node }) => node)));
  const cordons = await healthCordonsAmong(parts.records, view.nodes);
  const scene: Scene = { cluster, view, cordons, open };
  const seen: Seen[] = [];
  for (const entry of entries) {
    const node = view.nodes.find(each => each.name === entry.name);
    if (!node || busy.has(entry.name)) continue;
    const facts = hardwareNow(parts.hardware, entry.name, view.pods);
    const one = { entry, node, facts, cordon: cordons.get(entry.name) };
    if (await settled(parts, scene, one)) seen.push(one);
  }
  const begun = new Set<string>();
  for (const wish of wishesOf(parts, scene, seen)) {
    if (!begun.has(wish.entry.name) && (await parts.asker.ask(wish))) begun.add(wish.entry.name);
  }
}

/** Something is wrong, or was. */
function isOfInterest({ hardware, memory }: RoundParts, node: string): boolean {
  const { held, declined, marked } = memory.now();
  if (held[node] !== undefined || declined[node] !== undefined || marked.includes(node)) return true;
  return hardware.findings(node).some(each => each.node === node && isStanding(each) && isOfHardware(each.kind));
}

function isOfHardware(kind: keyof typeof kindRules): boolean {
  return kindRules[kind].source !== 'none';
}

/** Brings what is remembered of a node up to what is seen; false where that is not clear yet. */
async function settled(parts: RoundParts, { cluster }: Scene, { node, facts, cordon }: Seen): Promise<boolean> {
  const { memory, records, log } = parts;
  const held = memory.now().held[node.name];
  if (cordon && held?.plan !== cordon.plan) {
    const { plan } = await records.plans.get(cordon.plan);
    const signals = plan.health?.act === 'cordon' ? plan.health.signals.map(({ id }) => id) : [];
    const mine = { plan: plan.id, nodeUid: node.uid, signals, drainAsked: held?.drainAsked ?? false };
    await memory.change(before => ({ ...before, held: { ...before.held, [node.name]: mine } }));
  }
  if (!cordon && held) {
    // What watches hold may be behind; whether a person took the cordon back is read from the Node itself.
    const fresh = await parts.clusters.of(cluster.name).node(node.name);
    if (await healthCordonOf(records, fresh)) return false;
    // Released by ourselves, all signals were over.
    const taken =
      fresh.uid === held.nodeUid &&
      held.signals.some(id => stands(facts, id)) &&
      (await wasCordoned(parts, held.plan, node.name));
    if (taken)
      log.info({ node: node.name }, 'its cordon was taken back; it is not cordoned again for the same signals');
    await memory.change(before => ({
      ...before,
      held: without(before.held, node.name),
      declined: taken ? { ...before.declined, [node.name]: held.signals } : before.declined,
    }));
  }
  if (memory.now().marked.includes(node.name) && hardwareVerdict(facts).verdict === 'well' && !saysItFails(node))
    await memory.change(before => ({ ...before, marked: before.marked.filter(each => each !== node.name) }));
  const declined = memory.now().declined[node.name];
  if (declined) {
    const lasting = declined.filter(id => stands(facts, id));
    if (lasting.length < declined.length)
      await memory.change(before => ({
        ...before,
        declined: { ...without(before.declined, node.name), ...(lasting.length > 0 ? { [node.name]: lasting } : {}) },
      }));
  }
  return true;
}

function saysItFails({ conditions }: NodeFacts): boolean {
  return conditions.some(({ type, status }) => type === hardwareCondition && status === 'False');
}

/** Whether the operation of this plan did cordon the node, by its own effect. */
async function wasCordoned({ records }: RoundParts, plan: string, node: string): Promise<boolean> {
  const operation = await records.operations.ofPlan(plan);
  if (!operation || !hasEnded(operation.state)) return false;
  const effect = await records.effects.latest(operation.id, `${node}/cordon`);
  return effect?.state === 'ok' || effect?.state === 'happened';
}

/** The weightiest first. At most one new cordon: the next one waits until this one shows. */
function wishesOf(parts: RoundParts, scene: Scene, seen: Seen[]): Wish[] {
  const { cluster } = scene;
  const cordons = seen.flatMap(one => cordonWish(parts, scene, one));
  const allowed = new Set(
    withinBudget(
      parts,
      scene,
      cordons.map(({ entry }) => entry.name),
    ).slice(0, 1),
  );
  const marks = seen.flatMap(markWish);
  const underWay = scene.open.filter(({ kind }) => kind === 'health-mark').length;
  return [
    ...cordons.filter(({ entry }) => allowed.has(entry.name)),
    ...seen.flatMap(one => afterwards(parts, one)),
    ...marks.slice(0, Math.max(0, mostMarks - underWay)),
  ].map(({ entry, node, health }) => ({ cluster, entry, node, health }));
}

type NodeWish = { entry: FleetNode; node: NodeFacts; health: HealthAct };

function cordonWish(
  { settings, memory, asker }: RoundParts,
  { view }: Scene,
  { entry, node, facts }: Seen,
): NodeWish[] {
  if (memory.now().stoppedSince !== undefined) return [];
  if (node.unschedulable || node.role !== 'worker' || entry.role !== 'worker') return [];
  // One that was answered, or cannot be planned, does not hold the place of the next.
  if (asker.isQuiet(entry.name, 'cordon') || lastOf(node, view.nodes)) return [];
  const { healthyForMs, maxPerCluster } = settings;
  const declined = memory.now().declined[entry.name] ?? [];
  const advice = cordonAdvice({ ...facts, healthyForMs, declined: new Set(declined) });
  if (advice.advice !== 'cordon') return [];
  const health: HealthAct = {
    act: 'cordon',
    signals: advice.signals.map(({ id, text }) => ({ id, text: plainWords(text) })),
    declined,
    mostCordoned: maxPerCluster,
    reason: plainWords(advice.reason),
  };
  return [{ entry, node, health }];
}

/** Both its own budget and the cluster's; what is under way counts. */
function withinBudget({ settings }: RoundParts, { cluster, view, cordons, open }: Scene, nodes: string[]): string[] {
  const underWay = open
    .filter(({ kind }) => kind === 'health-cordon')
    .flatMap(each => each.nodes.map(({ node }) => node));
  if (underWay.length > 0) return [];
  const down = unavailableOf(view.nodes);
  const working = open.flatMap(each => each.nodes.filter(({ state }) => state === 'running').map(({ node }) => node));
  const own = withinCordonBudget(nodes, { maxCordoned: settings.maxPerCluster, alreadyCordoned: cordons.size });
  return withinCordonBudget(own, {
    maxCordoned: cluster.budget.maxUnavailable,
    alreadyCordoned: new Set([...down, ...working]).size,
  });
}

/** Of a node that is cordoned for its hardware: its release, or the question whether it may be drained. */
function afterwards({ settings, memory }: RoundParts, { entry, node, facts, cordon }: Seen): NodeWish[] {
  if (!cordon) return [];
  const { healthyForMs, drain } = settings;
  const cordonedSince = new Date(cordon.endedAt ?? cordon.createdAt);
  const { advice, reason: why } = cordonAdvice({ ...facts, healthyForMs, cordonedSince });
  const reason = plainWords(why);
  if (advice === 'release')
    return [{ entry, node, health: { act: 'release', owner: cordon.id, healthyForMs, reason } }];
  const { verdict } = hardwareVerdict(facts);
  const asked = memory.now().held[entry.name]?.drainAsked ?? true;
  if (!drain || asked || verdict === 'well' || verdict === 'unread') return [];
  return [{ entry, node, health: { act: 'drain', reason } }];
}

/** A healthy node is told as such only where its condition says otherwise. */
function markWish({ entry, node, facts, cordon }: Seen): NodeWish[] {
  const found = hardwareVerdict(facts);
  const mark = (healthy: boolean, reason: string): NodeWish[] => [
    { entry, node, health: { act: 'mark', healthy, reason: plainWords(reason) } },
  ];
  if (found.verdict === 'failing' && !saysItFails(node)) return mark(false, found.signal.text);
  if (found.verdict === 'well' && saysItFails(node) && !cordon) return mark(true, 'what was found is over');
  return [];
}
