/** What the cluster tools stand on, read live: the lists without which there is no answer, and what may be unknown. */
import { type Fact, factValue } from '../../src/core/bmc.ts';
import { type AttachmentFacts, volumeOf } from '../../src/core/cluster-facts.ts';
import { FleetError } from '../../src/core/errors.ts';
import type { FleetCluster } from '../../src/core/fleet.ts';
import type { ToolContext } from '../../src/core/tool.ts';
import { readLists } from '../../src/operations/survey.ts';
import type { ClusterFacts } from '../../src/planning/rollout-target.ts';
import { within } from './within.ts';

const listLimitMs = 20_000;

/** Nodes, pods, budgets and DaemonSets. Throws cluster_unreachable: half a picture would mislead. */
export async function listsOf({ clusters }: ToolContext, { name }: FleetCluster): Promise<ClusterFacts> {
  const lists = await within(() => readLists(clusters.of(name)), listLimitMs);
  if ('unknown' in lists)
    throw new FleetError({
      code: 'cluster_unreachable',
      retry: 'later',
      message: `cluster ${name} could not be read: ${lists.unknown}`,
      hint: 'get-node-health still shows what the BMC of a node tells',
    });
  return lists.value;
}

/** An operation that works on one of these nodes, or is about to. */
export type NodeUse = { operation: string; node: string; kind: string; state: string; step: string };

const openStates = new Set(['waiting', 'running']);

export async function operationsOn({ records }: ToolContext, cluster: string, nodes: string[]): Promise<NodeUse[]> {
  const open = await records.operations.openOn(cluster);
  return open.flatMap(({ id, kind, nodes: parts }) =>
    parts
      .filter(({ node, state }) => nodes.includes(node) && openStates.has(state))
      .map(({ node, state, step }) => ({ operation: id, node, kind, state, step })),
  );
}

/** `claim, since when it detaches`; the driver's error is not in it, a machine wrote that. */
export function attachmentText(attachment: AttachmentFacts): string {
  const { attached, detachingSince, error } = attachment;
  const states = [
    ...(attached ? [] : ['not attached yet']),
    ...(detachingSince === undefined ? [] : [`detaching since ${detachingSince}`]),
    ...(error === undefined ? [] : ['with an error']),
  ];
  return [volumeOf(attachment), ...states].join(', ');
}

/** The driver's own words about what went wrong, for an `untrusted` block. */
export function attachmentErrors(attachments: AttachmentFacts[]): string[] {
  return attachments.flatMap(each => (each.error === undefined ? [] : `${volumeOf(each)}: ${each.error}`));
}

/** The value, or the words that say why there is none; outputs carry one or the other. */
export function orReason<T, O>(fact: Fact<T>, show: (value: T) => O): O | string {
  const value = factValue(fact);
  return value === undefined && 'unknown' in fact ? `unknown (${fact.unknown})` : show(value as T);
}
