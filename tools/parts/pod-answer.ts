/** The answer on a pod that may be gone: what the question itself tells, what is missing, and what to do when there is nothing. */
import type { PodEventFacts } from '../../src/core/cluster-facts.ts';
import { FleetError } from '../../src/core/errors.ts';
import { allNodes } from '../../src/core/fleet.ts';
import type { ToolContext } from '../../src/core/tool.ts';
import { nodeNamed } from './lookup.ts';
import { evictionsKeptDays, ownerOf, type PodSubject, type SeenPod } from './pod-subject.ts';

/** Throws invalid_input for a node of another cluster, about which policy was not asked; not_found where there is none. */
export function refuseStrangers(context: ToolContext, cluster: string, node: string | undefined): void {
  if (node === undefined || nodeNamed(context, node).cluster === cluster) return;
  throw new FleetError({ code: 'invalid_input', message: `node ${node} is not in cluster ${cluster}` });
}

/** The pod that the question describes by node and time, undefined where it does not. */
export function asAsked(
  { present }: SeenPod,
  { node, at }: { node?: string | undefined; at?: string | undefined },
): PodSubject | undefined {
  if (node === undefined || at === undefined) return undefined;
  const failure = { reason: 'not known', workload: ownerOf(present), elsewhere: false };
  return { standing: present ? 'replaced' : 'gone', told: 'asker', failure, events: [] };
}

/** The node, where the inventory has it in this cluster: what an Event names may be anything. */
export function serverOf({ fleet }: ToolContext, cluster: string, { node }: PodSubject): string | undefined {
  return allNodes(fleet).find(each => each.name === node && each.cluster === cluster)?.name;
}

const longestMessage = 400;

export function eventRow({ lastSeen = '', source, reason, count, message }: PodEventFacts) {
  const times = count > 1 ? ` (${count} times)` : '';
  return { at: lastSeen, untrusted: `${source} ${reason}${times}: ${message.slice(0, longestMessage)}` };
}

/** In our words alone: no pod but the one that is answered about is told of by its own status. */
export function otherPod({ uid = 'one of unknown uid', failure, evicted }: PodSubject): string {
  const ours = evicted ? `, eviction by Groundskeeper in operation ${evicted.operation}` : '';
  return `${uid}: ${failure.reason} at ${failure.at ?? 'an unknown time'}${ours}`;
}

export function gapsOf({ events }: SeenPod, { told, node: named }: PodSubject, node: string | undefined): string[] {
  return [
    ...('unknown' in events ? [`the Events of the pod could not be read: ${events.unknown}`] : []),
    ...(told === 'event' ? ['only Events tell of it, which whoever may write them there can have written'] : []),
    ...(told === 'asker' ? ['only the question tells that it failed, where and when'] : []),
    ...(told === 'pod' ? [] : ['whether its workload failed on other nodes at that time']),
    ...(node === undefined && named !== undefined ? ['the node that is named is not in the inventory'] : []),
    ...(node === undefined && named === undefined ? ['which node it ran on'] : []),
  ];
}

/** Says what was looked at. */
export function nothingFound(
  { present, events }: SeenPod,
  { cluster, pod }: { cluster: string; pod: string },
): FleetError {
  const told =
    'unknown' in events
      ? `its Events could not be read: ${events.unknown}`
      : 'Events, which Kubernetes keeps for about an hour, tell of no end';
  const ours = `Groundskeeper evicted no pod of this name in ${evictionsKeptDays} days`;
  const hint =
    'name its node and the time: explain-pod-failure --node <node> --at <time>, or list-findings --node <node> --hours 24';
  if (!present)
    return new FleetError({
      code: 'not_found',
      message: `cluster ${cluster} has no pod ${pod} now; ${told}; ${ours}`,
      hint,
    });
  const nowhere = present.node ? '' : ', and runs nowhere';
  return new FleetError({
    code: 'precondition_failed',
    message: `${pod} shows no failure${nowhere}; ${told}; ${ours}`,
    hint: `get-node-workloads shows the pods that restarted; for one that had this name before, ${hint}`,
  });
}
