/** What a disruption must know beyond the node itself, and what forbids it. Pure. */
import type { Fact } from '../core/bmc.ts';
import type { EtcdFacts, RemediatorFacts } from '../core/cluster.ts';
import type { FleetNode } from '../core/fleet.ts';
import { quorumSentence } from './quorum.ts';
import { remediatorRefusal } from './remediators.ts';

export type Evidence = { etcd: Fact<EtcdFacts>; remediators: Fact<RemediatorFacts[]> };

/** Why this node may not be disrupted by this version of the program; undefined where nothing speaks against it. */
export function evidenceAgainst(
  { name, role, server }: FleetNode,
  { etcd, remediators }: Evidence,
): string | undefined {
  if (role === 'control-plane')
    return `control-plane node, which this version never disrupts; ${quorumSentence(etcd, name)}`;
  if ('unknown' in remediators) return `whether anything else repairs nodes is not known: ${remediators.unknown}`;
  return remediatorRefusal({ node: name, bmcUrl: server.bmcUrl }, remediators.value);
}
