/** The Kubernetes side of a node's health: read in parallel, each fact within its own limit, and what it means. */
import { type Fact, factValue } from '../../src/core/bmc.ts';
import type { AttachmentFacts, EventFacts, NodeFacts, PodFacts } from '../../src/core/cluster-facts.ts';
import type { FleetNode } from '../../src/core/fleet.ts';
import { taintText } from '../../src/core/scheduling.ts';
import type { ToolContext } from '../../src/core/tool.ts';
import type { Remark } from '../../src/health/meaning.ts';
import { badConditions, isStaleLease } from '../../src/health/node-signs.ts';
import { isFinished, qualifiedName } from '../../src/planning/pdb-groups.ts';
import { selectsNode } from '../../src/planning/placement-filters.ts';
import { ageSeconds } from './age.ts';
import { requestedOf } from './amounts.ts';
import { attachmentErrors, attachmentText, orReason } from './cluster-reading.ts';
import { type CordonOwner, cordonOf } from './cordon-owner.ts';
import type { KubernetesOutput } from './health-output.ts';
import { staleLease } from './stale-lease.ts';
import { conditionRow } from './status-rows.ts';
import { within } from './within.ts';

export type KubernetesFacts = {
  nodes: Fact<NodeFacts[]>;
  node?: NodeFacts;
  cordon?: CordonOwner;
  pods: Fact<PodFacts[]>;
  attachments: Fact<AttachmentFacts[]>;
  events: Fact<EventFacts[]>;
  lease: Fact<string | undefined>;
  asOf: string;
};

/** Never throws: what cannot be read is a fact with its reason. */
export async function readKubernetes(context: ToolContext, { name, cluster }: FleetNode): Promise<KubernetesFacts> {
  const port = context.clusters.of(cluster);
  const [nodes, pods, attachments, events, lease] = await Promise.all([
    within(() => port.nodes()),
    within(() => port.pods()),
    within(() => port.attachments(name)),
    within(() => port.nodeEvents(name)),
    within(() => port.leaseRenewed(name)),
  ]);
  const node = factValue(nodes)?.find(each => each.name === name);
  const cordon = node && (await cordonOf(context, node));
  const asOf = new Date().toISOString();
  return { nodes, ...(node ? { node } : {}), ...(cordon ? { cordon } : {}), pods, attachments, events, lease, asOf };
}

/** Those that run here and have not finished. */
export function podsHere({ pods }: KubernetesFacts, node: string): PodFacts[] {
  return (factValue(pods) ?? []).filter(pod => pod.node === node && !isFinished(pod));
}

const newestEvents = 20;

export function kubernetesOutput(facts: KubernetesFacts): KubernetesOutput | string {
  const { nodes, node, pods, attachments, events, lease, cordon, asOf } = facts;
  if ('unknown' in nodes) return nodes.unknown;
  if (!node) return 'the cluster has no such Node';
  const bad = badConditions(node);
  const age = ageSeconds(factValue(lease), asOf);
  return {
    ready: node.ready,
    ...(node.readySince === undefined ? {} : { readySince: node.readySince }),
    cordoned: node.unschedulable,
    ...(cordon ? { cordon } : {}),
    taints: node.taints.map(taintText),
    conditions: node.conditions.map(each => ({ ...conditionRow(each), well: !bad.includes(each) })),
    leaseAgeSeconds: 'unknown' in lease ? `unknown (${lease.unknown})` : (age ?? 'there is no lease'),
    leaseStale: 'value' in lease && isStaleLease(node.ready, age),
    requested: orReason(pods, all => requestedOf([node], all)),
    pods: orReason(pods, () => podsHere(facts, node.name).map(podRow)),
    pinned: orReason(pods, all => pinnedTo(node, all, nodes.value)),
    volumes: orReason(attachments, all => all.map(attachmentText)),
    volumeErrors: attachmentErrors(factValue(attachments) ?? []),
    events: orReason(events, all => all.slice(0, newestEvents).map(eventRow)),
  };
}

/** What Kubernetes knows of this node that somebody should look at, in sentences of ours alone. */
export function kubernetesFindings(seen: KubernetesOutput | string): Remark[] {
  if (typeof seen === 'string') return [];
  const { ready, conditions, leaseStale, leaseAgeSeconds: age, volumeErrors, pinned } = seen;
  const bad = conditions.filter(({ well, type }) => !well && type !== 'Ready').map(({ type }) => type);
  const stale = staleLease(age);
  const finding = (level: Remark['level'], text: string): Remark[] => [{ level, text: `Kubernetes: ${text}` }];
  return [
    ...(ready ? [] : finding('critical', 'the node is not Ready')),
    ...(leaseStale ? finding(stale.level, `Ready, but ${stale.text}`) : []),
    ...(bad.length > 0 ? finding('warning', bad.join(', ')) : []),
    ...(volumeErrors.length > 0
      ? finding('warning', `volumes that attach or detach with an error: ${volumeErrors.length}`)
      : []),
    ...(typeof pinned !== 'string' && pinned.length > 0
      ? finding('warning', `pods that may run on no other node wait for this one: ${pinned.length}`)
      : []),
  ];
}

/** Pods without a node that ask for one, and this is the only one that there is. */
function pinnedTo(node: NodeFacts, pods: PodFacts[], nodes: NodeFacts[]) {
  return pods
    .filter(pod => pod.node === undefined && !isFinished(pod) && asksForNodes(pod) && selectsNode(pod, node))
    .filter(pod => !nodes.some(other => other.name !== node.name && selectsNode(pod, other)))
    .map(pod => ({
      pod: qualifiedName(pod),
      ...(pod.unschedulable?.since === undefined ? {} : { since: pod.unschedulable.since }),
      message: pod.unschedulable?.message ?? '',
    }));
}

function asksForNodes({ placement }: PodFacts): boolean {
  return placement.nodeTerms.length > 0 || Object.keys(placement.nodeSelector).length > 0;
}

function podRow(pod: PodFacts) {
  return { pod: qualifiedName(pod), phase: pod.phase, ready: pod.ready, restarts: pod.restarts };
}

function eventRow({ lastSeen, type, count, reason, message }: EventFacts) {
  return { ...(lastSeen === undefined ? {} : { lastSeen }), type, count, reason, message };
}
