/** Whether a node may leave without etcd losing its quorum. What is unknown refuses. Pure. */
import { type Fact, factValue } from '../core/bmc.ts';
import type { EtcdFacts } from '../core/cluster-facts.ts';

export type QuorumVerdict = {
  allowed: boolean;
  /** Members of the cluster, whatever their state. */
  members: number;
  /** Members that are proved healthy. */
  healthy: number;
  /** Of those, how many are left while the node's own member is away. */
  left: number;
  /** How many healthy members etcd needs: the majority of all. */
  quorum: number;
  /** The evidence, and what follows from it, as the end of a sentence. */
  why: string;
};

/**
 * Judges the departure of the member on `node`. The quorum is that of all members, since a member that is away still
 * counts; refused when fewer healthy ones would be left, or when any part of the picture is missing.
 */
export function quorumAfter(facts: EtcdFacts, node: string): QuorumVerdict {
  const { members } = facts;
  const healthy = members.filter(member => factValue(member.healthy) === true);
  const left = healthy.filter(member => member.node !== node).length;
  const counts = { members: members.length, healthy: healthy.length, left, quorum: quorumOf(members.length) };
  const gap = gapIn(facts, node);
  const allowed = gap === undefined && left >= counts.quorum;
  return { ...counts, allowed, why: `${gap ?? consequence(counts, node)}${evidenceOf(facts)}` };
}

/** Whether etcd may lose its quorum while these are down together. It is proved for one node at a time alone. */
export function losesQuorum(etcd: Fact<EtcdFacts>, leaving: readonly string[]): boolean {
  const [node, ...more] = leaving;
  if (node === undefined) return false;
  return more.length > 0 || 'unknown' in etcd || !quorumAfter(etcd.value, node).allowed;
}

/** The sentence for a node of a cluster whose etcd may not be readable at all. */
export function quorumSentence(facts: Fact<EtcdFacts>, node: string): string {
  return 'unknown' in facts ? `etcd cannot be read: ${facts.unknown}` : quorumAfter(facts.value, node).why;
}

/** The majority of `members`; of none, more than there can ever be. */
function quorumOf(members: number): number {
  return Math.floor(members / 2) + 1;
}

/** What is missing for a judgement, in the order in which an operator would look at it. */
function gapIn({ members, withoutMember, unlisted }: EtcdFacts, node: string): string | undefined {
  if (members.length === 0) return 'no etcd member can be found';
  const nodes = members.map(member => member.node);
  const twice = nodes.find((name, index) => nodes.indexOf(name) !== index);
  if (twice !== undefined) return `${twice} is told to hold more than one etcd member`;
  if (withoutMember.length > 0) return `no etcd member is known for ${withoutMember.join(', ')}`;
  if (unlisted.length > 0) return `etcd has members that are not looked at: ${unlisted.join(', ')}`;
  const dark = members.flatMap(({ node: name, healthy }) =>
    'unknown' in healthy ? [`${name}: ${healthy.unknown}`] : [],
  );
  if (dark.length > 0) return `the state of etcd is unknown: ${dark.join('; ')}`;
  return nodes.includes(node) ? undefined : `${node} holds no etcd member`;
}

function consequence({ members, healthy, left, quorum }: Omit<QuorumVerdict, 'allowed' | 'why'>, node: string): string {
  const now = `${healthy} of ${members} etcd members are healthy`;
  const verdict = left >= quorum ? 'which keeps the quorum of' : 'fewer than the quorum of';
  return `${now}; without ${node} ${left} would be left, ${verdict} ${quorum}`;
}

function evidenceOf({ evidence, outsideControlPlane }: EtcdFacts): string {
  const source =
    evidence === 'endpoints' ? "members' own endpoints" : 'static pods and /readyz/etcd of every API server';
  const outside =
    outsideControlPlane.length > 0 ? `; members outside the control plane: ${outsideControlPlane.join(', ')}` : '';
  return ` (read from ${source}${outside})`;
}
