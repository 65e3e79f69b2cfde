/** Which others act on a node: nobody disrupts what somebody else repairs at the same time. Pure. */
import type { RemediatorFacts } from '../core/cluster-facts.ts';
import type { PlanTarget } from '../core/plan.ts';
import { qualifiedName } from './pdb-groups.ts';

type Target = Pick<PlanTarget, 'node' | 'bmcUrl'>;

/** Those that work on this node now, or may and are not paused. What cannot be told counts against the node. */
export function remediatorsOf(target: Target, all: RemediatorFacts[]): RemediatorFacts[] {
  return all.filter(one => isBusy(one, target.node) || (one.pausedBy === undefined && covers(one, target)));
}

/** Whether it acts on this node and we can keep it from that: it is not at work there, and nobody else paused it. */
export function isToPause(target: Target, one: RemediatorFacts): boolean {
  const free = one.pausedBy === undefined || (one.holders ?? []).length > 0;
  return one.object !== undefined && free && covers(one, target) && !isBusy(one, target.node);
}

/** Why this node is not disrupted, naming each with what to do about it; undefined where none acts on it. */
export function remediatorRefusal(target: Target, all: RemediatorFacts[]): string | undefined {
  const acting = remediatorsOf(target, all);
  if (acting.length === 0) return undefined;
  return acting.map(one => `${nameOf(one)} ${one.does}; ${remedyFor(one, target.node)}`).join('. ');
}

function remedyFor(one: RemediatorFacts, node: string): string {
  const pause = one.pause.replaceAll('<node>', node);
  if (!isBusy(one, node)) return `pause it: ${pause}`;
  const wait = `it works on ${node} right now, so wait until it has finished`;
  return one.pausedBy === undefined ? `${wait}, then pause it: ${pause}` : wait;
}

function isBusy({ busyWith = [] }: RemediatorFacts, node: string): boolean {
  return busyWith.includes(node);
}

/** By the BMC that it powers, where that decides; else by its nodes; else it may be any node. */
function covers({ bmc, nodes }: RemediatorFacts, { node, bmcUrl }: Target): boolean {
  const own = hostOf(bmcUrl);
  if (bmc !== undefined && bmc === own) return true;
  if (nodes !== undefined) return nodes.includes(node);
  return bmc === undefined || isV6(bmc) !== isV6(own);
}

/** One BMC may have an address of each family, so only two of one family tell two machines apart. */
function isV6(address: string): boolean {
  return address.includes(':');
}

function hostOf(url: string): string {
  return new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
}

export function nameOf(one: RemediatorFacts): string {
  return `${one.kind} ${one.namespace === '' ? one.name : qualifiedName(one)}`;
}
