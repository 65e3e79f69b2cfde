/** What a disruption must know beyond the node itself, and what forbids it. Pure. */
import { type Fact, factValue } from '../core/bmc.ts';
import type { EtcdFacts, RemediatorFacts } from '../core/cluster-facts.ts';
import type { FleetNode, NodeRole } from '../core/fleet.ts';
import { losesQuorum, quorumSentence } from './quorum.ts';
import { isToPause, nameOf, remediatorRefusal } from './remediators.ts';

export type Evidence = {
  etcd: Fact<EtcdFacts>;
  remediators: Fact<RemediatorFacts[]>;
  /** What of Groundskeeper itself runs on each node. */
  own: Fact<ReadonlyMap<string, string>>;
  /** Whether remediators that can be paused are, so that they are not in the way. */
  pauses?: boolean;
};

/**
 * Why this node may not be disrupted; undefined where nothing speaks against it. A part of the control plane may, where
 * etcd is proved to keep its quorum without it. `seen` is the role that Kubernetes gives it, where that was read.
 */
export function evidenceAgainst(
  entry: FleetNode,
  { etcd, remediators, own, pauses }: Evidence,
  seen: NodeRole | undefined,
): string | undefined {
  if ('unknown' in own) return `whether Groundskeeper itself runs on it is not known: ${own.unknown}`;
  const part = own.value.get(entry.name);
  if (part) return part;
  const critical = criticalPart(entry, etcd, seen);
  if (critical && losesQuorum(etcd, [entry.name])) return `${critical}: ${quorumSentence(etcd, entry.name)}`;
  if ('unknown' in remediators) return `whether anything else repairs nodes is not known: ${remediators.unknown}`;
  const target = targetOf(entry);
  const inTheWay = remediators.value.filter(one => !(pauses && isToPause(target, one)));
  return remediatorRefusal(target, inTheWay);
}

/** Names of the remediators that are paused while this node is worked on. */
export function pausedFor(entry: FleetNode, { remediators, pauses }: Evidence): string[] {
  const all = pauses ? (factValue(remediators) ?? []) : [];
  return all.filter(one => isToPause(targetOf(entry), one)).map(nameOf);
}

export function pauseWarning(node: string, paused: string[]): string[] {
  return paused.length === 0 ? [] : [`paused while ${node} is worked on: ${paused.join(', ')}`];
}

const targetOf = ({ name, server }: FleetNode) => ({ node: name, bmcUrl: server.bmcUrl });

/** What anything calls a part of the control plane is one. */
export function roleOf(entry: FleetNode, etcd: Fact<EtcdFacts>, seen: NodeRole | undefined): NodeRole {
  return criticalPart(entry, etcd, seen) ? 'control-plane' : 'worker';
}

/** What the control plane would lose with this node. A configuration that calls it a worker proves nothing. */
export function criticalPart(
  { name, role }: FleetNode,
  etcd: Fact<EtcdFacts>,
  seen: NodeRole | undefined,
): string | undefined {
  if (role === 'control-plane') return 'control-plane node';
  if (seen === 'control-plane') return 'control-plane node, although declared a worker';
  const members = factValue(etcd)?.members ?? [];
  return members.some(({ node }) => node === name) ? 'node with an etcd member' : undefined;
}
