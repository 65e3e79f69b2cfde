/** How drains may end, and what must hold of each one that was played, on the wire, in the cluster and on record. */
import { expect } from 'vitest';
import type { Fault } from './drain-faults.ts';
import { type BudgetState, isPair, type Kind, movedKinds } from './drain-kinds.ts';
import { evictionsOf, type Played, type Seen, uidOf } from './drain-play.ts';

/** How a drain ends: what the operation says, whose cordon is left, what the Node's readers are told. */
export const endings = {
  drained: {
    operation: 'done',
    node: 'done',
    cordon: 'ours',
    maintenance: 'True',
    told: ['DrainStarted', 'Drained'],
  },
  'drained, their cordon': {
    operation: 'done',
    node: 'done',
    cordon: 'theirs',
    maintenance: 'False',
    told: ['DrainStarted', 'Drained'],
  },
  'given back': {
    operation: 'halted',
    node: 'failed',
    cordon: 'none',
    maintenance: 'False',
    told: ['DrainStarted', 'NotDrained'],
  },
  'left to them': {
    operation: 'halted',
    node: 'failed',
    cordon: 'theirs',
    maintenance: 'False',
    told: ['DrainStarted', 'NotDrained'],
  },
  cancelled: {
    operation: 'cancelled',
    node: 'cancelled',
    cordon: 'none',
    maintenance: 'False',
    told: ['DrainStarted', 'NotDrained'],
  },
  'never begun': { operation: undefined, node: undefined, cordon: 'none', maintenance: undefined, told: [] },
} satisfies Record<string, Omit<Seen, 'gone' | 'ending'>>;

export type Row = {
  pods: Kind[];
  budget: BudgetState;
  fault: Fault;
  ends: keyof typeof endings;
  says: RegExp;
  /** Of `pods`, those that leave the node; each other one is as it was, uid and all, unless it is `ending`. */
  gone: Kind[];
  ending: Kind[];
};

/** One line of the table, in the order of its columns. */
export function row(
  pods: Kind[],
  budget: BudgetState,
  fault: Fault,
  ends: Row['ends'],
  says: RegExp,
  gone: Kind[],
  ending: Kind[] = [],
): Row {
  return { pods, budget, fault, ends, says, gone, ending };
}

/** How every drain that empties the node ends; how many pods that were follows from the row. */
export const done = /^\d+ pods evicted and gone; stays cordoned$/;

/** What ended by itself was not evicted. */
function evictedOf({ gone }: Row): number {
  return gone.filter(kind => kind !== 'terminating').length;
}

/** Holds what was seen against what the row says. */
export function check(each: Row, result: Played): void {
  const { ends, gone, ending, pods } = each;
  expect(result.message).toMatch(each.says);
  if (each.says === done) expect(result.message).toBe(`${evictedOf(each)} pods evicted and gone; stays cordoned`);
  const inOrder = (some: Kind[]) => pods.filter(kind => some.includes(kind));
  expect(result.seen).toEqual({ ...endings[ends], gone: inOrder(gone), ending: inOrder(ending) });
  expect(result.faultsLeft).toEqual([]);
  checkEvictions(each, result);
  checkWords(each, result);
  checkPlan(each, result);
  if (ends.startsWith('drained')) checkDrained(result);
}

/** Only what left was evicted, by its uid, and once: twice only where the answer to the first was lost. */
function checkEvictions({ pods, gone, ending, fault }: Row, result: Played): void {
  const uids = new Set(pods.map(kind => result.scene.subjects.get(kind)?.metadata.uid));
  expect(result.evictions.filter(effect => !uids.has(uidOf(effect)))).toEqual([]);
  const left = new Set<Kind>([...gone, ...ending].filter(kind => kind !== 'terminating'));
  for (const kind of pods) {
    const { accepted, unheard } = evictionsOf(result, kind);
    const byItself = fault === 'replaced meanwhile' || fault === 'namespace deleted' || !left.has(kind);
    const seen = [kind, accepted.length, unheard.length];
    // Asked again, the pod was let go once more, or was not there any more.
    if (fault === 'answer lost' && left.has(kind))
      expect([
        [kind, 0, 1],
        [kind, 1, 1],
      ]).toContainEqual(seen);
    else expect(seen).toEqual([kind, byItself ? 0 : 1, 0]);
  }
}

/** Nobody says drained of a node that is not. */
function checkWords({ ends }: Row, { events, operation, message }: Played): void {
  const texts = [message, operation?.reason ?? '', ...events.map(event => event.message)];
  const claims = texts.filter(text => /\bdrained\b/i.test(text.replace(/\bnot drained\b/gi, '')));
  if (!ends.startsWith('drained'))
    expect([claims, texts.filter(text => /evicted and gone/.test(text))]).toEqual([[], []]);
}

/** The plan named what is lost, what waits, and each pod that forbids it. */
function checkPlan({ pods, budget, ends }: Row, { answer, message, scene }: Played): void {
  if (ends === 'never begun') {
    expect(answer).toBeUndefined();
    const named = pods.filter(kind => !message.includes(`${scene.name}/${scene.subjects.get(kind)?.metadata.name}:`));
    expect(named).toEqual(pods.includes('unforcedBare') ? ['deployment'] : []);
    return;
  }
  for (const kind of pods) {
    const { name } = scene.subjects.get(kind)?.metadata ?? { name: '' };
    const prefix = `${scene.name}/${name}: `;
    const said = answer?.warnings.filter(each => each.startsWith(prefix)).map(each => each.slice(prefix.length)) ?? [];
    const wanted = [...lossOf(kind), ...waitOf(kind, budget), ...keptOf(kind), ...replicaOf(kind, budget)];
    const matching = wanted.map(each => expect.stringMatching(each));
    expect([kind, said.filter(each => isSure(kind, budget) || !onlyReplica.test(each))]).toEqual([kind, matching]);
  }
}

const onlyReplica =
  /^the only ready replica of (ReplicaSet|StatefulSet|DaemonSet) \S+: it is down until it runs elsewhere$/;

/** What is lost with it. */
function lossOf(kind: Kind): RegExp[] {
  switch (kind) {
    case 'emptyDir':
      return [/^local data in emptyDir scratch is lost$/];
    case 'bare':
      return [/^no controller starts it again$/];
    case 'orphan':
      return [/^its DaemonSet \S+\/ghost does not exist: nothing starts it again$/];
    default:
      return [];
  }
}

function keptOf(kind: Kind): RegExp[] {
  return kind === 'hostPath' ? [/^what it keeps under \/var\/lib\/matrix stays on this node$/] : [];
}

function waitOf(kind: Kind, budget: BudgetState): RegExp[] {
  if (!isMoved(kind)) return [];
  if (budget === 'behind') return [/^it waits: .* has not been counted yet/];
  return ['freed', 'held', 'unreadyWaits'].includes(budget) ? [/^it waits: .* allows no disruption/] : [];
}

/** Every pod that a controller has made is the only one of its workload here, but the pair. */
function replicaOf(kind: Kind, budget: BudgetState): RegExp[] {
  const isOnly = isMoved(kind) && kind !== 'bare' && !isPair(kind);
  return isOnly && isSure(kind, budget) ? [onlyReplica] : [];
}

/** A pod that is not Ready is no ready replica; whether it is called one is not judged here. */
function isSure(kind: Kind, budget: BudgetState): boolean {
  return kind !== 'pending' && !budget.startsWith('unready');
}

function isMoved(kind: Kind): boolean {
  return (movedKinds as readonly Kind[]).includes(kind);
}

/** By the time it is called done the pods and their volumes have left, and lower priorities before higher ones. */
function checkDrained({ scene, seen, operation, events, evictions }: Played): void {
  const { store } = scene.site.cluster;
  const here = store.list('pods').filter(({ spec }) => spec.nodeName === scene.node);
  const staying = here.map(({ metadata }) => metadata.ownerReferences?.[0]?.kind);
  expect(staying.filter(kind => kind !== 'DaemonSet' && kind !== 'Node')).toEqual([]);
  const saidAt = Date.parse(events.find(({ step, status }) => step === 'drain' && status === 'ok')?.time ?? '');
  expect(saidAt).toBeLessThanOrEqual(Date.parse(operation?.endedAt ?? ''));
  const leftBefore = (uid = '') => (scene.left.get(uid) ?? Number.NaN) <= saidAt;
  expect(seen.gone.filter(kind => !leftBefore(scene.subjects.get(kind)?.metadata.uid))).toEqual([]);
  expect(scene.attachments.filter(({ uid }) => !leftBefore(uid))).toEqual([]);
  expect(scene.kinds.includes('claim') && scene.attachments.length === 0).toBe(false);
  const [low, high] = [scene.subjects.get('lowPriority'), scene.subjects.get('highPriority')];
  const asked = evictions.find(effect => uidOf(effect) === high?.metadata.uid);
  if (low && asked) expect(scene.left.get(low.metadata.uid)).toBeLessThanOrEqual(Date.parse(asked.time));
  if (scene.kinds.some(isPair)) expect([scene.budget, scene.leastOfPair]).toEqual(['allows', 1]);
}
