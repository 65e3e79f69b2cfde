/**
 * In which order the members of one etcd go. A leader that leaves costs an election, so it goes last. Where none tells who leads,
 * as static pods do not, people approve an order instead: that of the plan. Neither replaces the quorum. Pure.
 */
import { type Fact, factValue } from '../core/bmc.ts';
import type { EtcdFacts } from '../core/cluster-facts.ts';
import { quorumAfter } from './quorum.ts';

/** Why the member of `node` lets others go first. `waiting` are all that have not begun, in the order of the plan. */
export function letsOthersGoFirst(etcd: EtcdFacts, node: string, waiting: readonly string[]): string | undefined {
  if (!waiting.some(other => other !== node)) return undefined;
  const leader = etcd.members.find(member => member.node === node)?.leader;
  if (leader && 'value' in leader) return leader.value ? 'it leads etcd, and goes last' : undefined;
  const next = waiting.find(each => quorumAfter(etcd, each).allowed) ?? node;
  if (next === node) return undefined;
  return `${next} goes first: which member leads etcd is not known, so that the order of the plan holds`;
}

/** What approvers are told of members that go one after another, in this order, where etcd does not tell who leads. */
export function orderWarning(etcd: Fact<EtcdFacts>, cluster: string, nodes: readonly string[]): string[] {
  const members = (factValue(etcd)?.members ?? []).filter(({ node }) => nodes.includes(node));
  const untold = members.flatMap(({ leader }) => ('unknown' in leader ? [leader.unknown] : []));
  if (nodes.length < 2 || untold.length === 0) return [];
  return [
    `the control plane of ${cluster} goes one by one in this order, its leader maybe not last: ${nodes.join(', ')} ` +
      `(${untold[0]}; who leads is read where the configuration lists the cluster's members under etcd)`,
  ];
}
