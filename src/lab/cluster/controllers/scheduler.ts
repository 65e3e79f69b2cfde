/**
 * Binds waiting pods to nodes, those of higher priority first. A pod that fits
 * nowhere is told why and tried again only when something has changed that
 * could help it.
 */
import { isDeepStrictEqual } from 'node:util';
import { controllerOf, type NodeObject, type PodObject, podIsFinished, setCondition } from '../model/objects.ts';
import { amountOf, milliOf } from '../model/quantity.ts';
import type { Change } from '../model/store.ts';
import { boundVolumes, claimsInTheWay, selectNode } from './claims.ts';
import type { ControllerContext, KeyedController } from './controller-loop.ts';
import { requestsOf, type Usage, usageOf } from './node-usage.ts';
import { deletePod } from './owned-pods.ts';
import { type Candidate, type PlacementQuestion, type Refusal, refusalOf, sameForPlacement } from './placement.ts';
import { podIndex } from './pod-index.ts';

const source = { component: 'default-scheduler', host: 'lab' };

export function scheduler({ store, events }: ControllerContext): KeyedController {
  const index = podIndex(store);
  const usages = new Map<string, Usage>();
  const usageOn = (node: string): Usage => {
    const usage = usages.get(node) ?? usageOf(index.onNode(node));
    usages.set(node, usage);
    return usage;
  };
  const due = new Set<string>();
  const allWaiting = () => {
    for (const pod of index.unbound()) due.add(pod.metadata.uid);
    return due.size > 0 ? [''] : [];
  };

  const podChanged = ({ type, object, before }: Change) => {
    const pod = object as PodObject;
    const { nodeName } = pod.spec;
    if (nodeName === undefined) {
      if (type === 'DELETED' || (before !== undefined && !asksOtherwise(before as PodObject, pod))) return [];
      due.add(pod.metadata.uid);
      return [''];
    }
    usages.delete(nodeName);
    return type === 'DELETED' || podIsFinished(pod) ? allWaiting() : [];
  };

  const nodeChanged = ({ object, before }: Change) => {
    const node = object as NodeObject;
    const same = before !== undefined && offers(before as NodeObject, node);
    return same ? [] : allWaiting();
  };

  const candidates = (): Candidate[] => store.list('nodes').map(node => ({ node, usage: usageOn(node.metadata.name) }));

  const schedule = (pod: PodObject) => {
    const blocked = claimsInTheWay(store, pod);
    if (blocked !== undefined) return refuse(pod, `${blocked}. preemption: ${notHelpful()}.`);
    const question = { pod, candidates: candidates(), volumes: boundVolumes(store, pod) };
    const refusals = question.candidates.map(candidate => ({ candidate, refusal: refusalOf(question, candidate) }));
    const open = refusals.filter(({ refusal }) => refusal === undefined).map(({ candidate }) => candidate);
    const best = mostSuitable(open, pod);
    if (best === undefined) return refuseEverywhere(question, refusals);
    const node = best.node.metadata.name;
    if (selectNode(store, pod, node)) bind(pod, node);
  };

  const bind = (pod: PodObject, node: string) => {
    store.update('pods', pod.metadata, draft => {
      draft.spec.nodeName = node;
      setCondition(draft.status, store.now(), { type: 'PodScheduled', status: 'True' });
      delete draft.status.nominatedNodeName;
    });
    const message = `Successfully assigned ${pod.metadata.namespace}/${pod.metadata.name} to ${node}`;
    events.recordAction(source, pod, { reason: 'Scheduled', action: 'Binding', message });
  };

  const refuse = (pod: PodObject, message: string) => {
    const whole = `0/${store.list('nodes').length} nodes are available: ${message}`;
    store.update('pods', pod.metadata, draft => {
      const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: whole } as const;
      setCondition(draft.status, store.now(), condition);
    });
    const text = { type: 'Warning', reason: 'FailedScheduling', action: 'Scheduling', message: whole } as const;
    events.recordAction(source, pod, text);
  };

  const notHelpful = () => {
    const count = store.list('nodes').length;
    return `0/${count} nodes are available: ${count} Preemption is not helpful for scheduling`;
  };

  const refuseEverywhere = (question: PlacementQuestion, refusals: Refused[]) => {
    const { pod } = question;
    const victims = victimsFor(question, refusals);
    const reasons = histogram(refusals.flatMap(({ refusal }) => refusal?.reasons ?? []));
    const ending = victims?.pods.some(({ metadata }) => metadata.deletionTimestamp !== undefined);
    if (victims === undefined) return refuse(pod, `${reasons}. preemption: ${preemptionRefused(pod, refusals)}.`);
    if (ending)
      return refuse(pod, `${reasons}. preemption: not eligible due to a terminating pod on the nominated node.`);
    refuse(pod, `${reasons}.`);
    store.update('pods', pod.metadata, draft => {
      draft.status.nominatedNodeName = victims.node;
    });
    for (const victim of victims.pods) {
      const message = `Preempted by pod ${pod.metadata.uid} on node ${victims.node}`;
      events.recordAction(source, victim, { reason: 'Preempted', action: 'Preempting', message });
      store.update('pods', victim.metadata, draft => {
        const reason = {
          reason: 'PreemptionByScheduler',
          message: 'default-scheduler: preempting to accommodate a higher priority pod',
        };
        setCondition(draft.status, store.now(), { type: 'DisruptionTarget', status: 'True', ...reason });
      });
      deletePod(store, victim);
    }
  };

  return {
    name: 'scheduler',
    concerns: {
      pods: podChanged,
      nodes: nodeChanged,
      persistentvolumeclaims: ({ type }) => (type === 'DELETED' ? [] : allWaiting()),
    },
    keys: () => [...allWaiting(), ''],
    reconcile: () => {
      const waiting = index.unbound().filter(({ metadata }) => due.has(metadata.uid));
      due.clear();
      for (const pod of waiting.toSorted(byPriority)) {
        if (pod.metadata.deletionTimestamp === undefined && !podIsFinished(pod)) schedule(pod);
      }
    },
  };
}

type Refused = { candidate: Candidate; refusal: Refusal | undefined };

function byPriority(a: PodObject, b: PodObject): number {
  return (b.spec.priority ?? 0) - (a.spec.priority ?? 0);
}

function asksOtherwise(before: PodObject, pod: PodObject): boolean {
  return !isDeepStrictEqual(before.spec, pod.spec) || !isDeepStrictEqual(before.metadata.labels, pod.metadata.labels);
}

/** Whether a node offers the scheduler the same after a change. */
function offers(before: NodeObject, node: NodeObject): boolean {
  return sameForPlacement(before, node) && isDeepStrictEqual(before.status.allocatable, node.status.allocatable);
}

/** Fewest pods of the same owner first, then the least share of cpu and memory, then fewest pods. */
function mostSuitable(open: Candidate[], pod: PodObject): Candidate | undefined {
  const owner = controllerOf(pod)?.uid;
  const wanted = requestsOf(pod);
  let best: { candidate: Candidate; load: number } | undefined;
  for (const candidate of open) {
    const { usage, node } = candidate;
    const { allocatable = {} } = node.status;
    const share =
      (usage.cpu + wanted.cpu) / Math.max(1, milliOf(allocatable.cpu)) +
      (usage.memory + wanted.memory) / Math.max(1, amountOf(allocatable.memory));
    const siblings = owner === undefined ? 0 : (usage.siblings.get(owner) ?? 0);
    const load = siblings * 10_000 + usage.pods.length + share;
    if (best === undefined || load < best.load) best = { candidate, load };
  }
  return best?.candidate;
}

function histogram(reasons: string[]): string {
  const counts = Map.groupBy(reasons, reason => reason);
  return [...counts.entries()]
    .map(([reason, all]) => `${all.length} ${reason}`)
    .toSorted()
    .join(', ');
}

function preemptionRefused(pod: PodObject, refusals: Refused[]): string {
  const nodes = `0/${refusals.length} nodes are available`;
  if (pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never';
  const why = refusals.map(({ refusal }) =>
    refusal?.helpless ? 'Preemption is not helpful for scheduling' : 'No preemption victims found for incoming pod',
  );
  return `${nodes}: ${histogram(why)}`;
}

/** The node where the fewest and least important pods of lower priority would have to leave, and these pods. */
function victimsFor(question: PlacementQuestion, refusals: Refused[]): { node: string; pods: PodObject[] } | undefined {
  if (question.pod.spec.preemptionPolicy === 'Never') return undefined;
  const options = refusals
    .filter(({ refusal }) => refusal !== undefined && !refusal.helpless)
    .flatMap(({ candidate }) => victimsOn(question, candidate) ?? []);
  const cost = ({ pods }: { pods: PodObject[] }) => Math.max(...pods.map(({ spec }) => spec.priority ?? 0));
  return options.toSorted((a, b) => cost(a) - cost(b) || a.pods.length - b.pods.length)[0];
}

function victimsOn(
  question: PlacementQuestion,
  { node, usage }: Candidate,
): { node: string; pods: PodObject[] } | undefined {
  const { priority = 0 } = question.pod.spec;
  const lower = usage.pods.filter(({ spec }) => (spec.priority ?? 0) < priority).toSorted((a, b) => byPriority(b, a));
  const left = [...usage.pods];
  const pods: PodObject[] = [];
  for (const victim of lower) {
    left.splice(left.indexOf(victim), 1);
    pods.push(victim);
    const without = { node, usage: usageOf(left) };
    const candidates = question.candidates.map(each => (each.node === node ? without : each));
    if (refusalOf({ ...question, candidates }, without) === undefined) return { node: node.metadata.name, pods };
  }
  return undefined;
}
