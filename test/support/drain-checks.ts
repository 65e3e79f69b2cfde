/** How drains may end, and what must hold of each one that was played, on the wire, in the cluster and on record. */
import { expect } from 'vitest';
import type { Fault } from './drain-faults.ts';
import { type BudgetState, type Kind, movedKinds } from './drain-kinds.ts';
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

/** Holds what was seen against what the row says. */
export function check(each: Row, result: Played): void {
  const { ends, gone, ending, pods } = each;
  expect(result.message).toMatch(each.says);
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
    if (fault === 'answer lost')
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
    const warnings = answer?.warnings.filter(warning => warning.startsWith(`${scene.name}/${name}: `)) ?? [];
    expect(warnings.join()).toMatch(warningOf(kind, budget));
  }
}

function warningOf(kind: Kind, budget: BudgetState): RegExp {
  const isMoved = movedKinds.some(each => each === kind);
  if (isMoved && budget === 'behind') return /it waits: .* has not been counted yet/;
  if (isMoved && (budget === 'freed' || budget === 'held')) return /it waits: .* allows no disruption/;
  switch (kind) {
    case 'emptyDir':
      return /local data in emptyDir scratch is lost/;
    case 'hostPath':
      return /\/var\/lib\/matrix stays on this node/;
    case 'bare':
      return /no controller starts it again/;
    case 'orphan':
      return /its DaemonSet \S+ does not exist: nothing starts it again/;
    default:
      return /^/;
  }
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
}
