/**
 * Whether a pod may run on a node, asked in the order of the scheduler's
 * filters: the first that says no gives the reason that people read.
 */

import { isDeepStrictEqual } from 'node:util';
import type {
  NodeObject,
  NodeRequirement,
  NodeSelectorTerm,
  PodAffinityTerm,
  PodObject,
  VolumeObject,
} from '../model/objects.ts';
import { selectorMatches } from '../model/selectors.ts';
import { blockingTaint, tolerates } from '../model/taints.ts';
import { antiAffinityOf, hostPortsOf, shortages, type Usage } from './node-usage.ts';

export type Candidate = { node: NodeObject; usage: Usage };

/** Why a node does not take the pod; `helpless` when no eviction there would change it. */
export type Refusal = { reasons: string[]; helpless: boolean };

export type PlacementQuestion = {
  pod: PodObject;
  candidates: Candidate[];
  /** The volumes that the pod's claims are bound to. */
  volumes: VolumeObject[];
};

const cordon = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/** Undefined when the pod may be placed there. */
export function refusalOf(question: PlacementQuestion, { node, usage }: Candidate): Refusal | undefined {
  const { pod, volumes } = question;
  const { tolerations = [] } = pod.spec;
  if (node.spec.unschedulable && !tolerations.some(toleration => tolerates(toleration, cordon))) {
    return helpless('node(s) were unschedulable');
  }
  const taint = blockingTaint(tolerations, node);
  if (taint !== undefined) return helpless(`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`);
  if (!named(pod, node)) return helpless("node(s) didn't satisfy plugin(s) [NodeAffinity]");
  if (!nodeAffinityHolds(pod, node)) return helpless("node(s) didn't match Pod's node affinity/selector");
  if (hostPortsOf(pod).some(port => usage.hostPorts.has(port))) {
    return { reasons: ["node(s) didn't have free ports for the requested pod ports"], helpless: false };
  }
  const { reasons, never } = shortages(pod, node, usage);
  if (reasons.length > 0) return { reasons, helpless: never };
  if (!volumes.every(volume => reaches(volume, node))) {
    return helpless("node(s) didn't match PersistentVolume's node affinity");
  }
  return refusalByOtherPods(question, node);
}

function helpless(reason: string): Refusal {
  return { reasons: [reason], helpless: true };
}

function refusalByOtherPods({ pod, candidates }: PlacementQuestion, node: NodeObject): Refusal | undefined {
  for (const term of pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
    const somewhere = matching(term, pod, candidates);
    const alone = somewhere.length === 0 && selects(term, pod, pod);
    if (!alone && !somewhere.some(other => sameTopology(term, node, other))) {
      return helpless("node(s) didn't match pod affinity rules");
    }
  }
  for (const term of antiAffinityOf(pod)) {
    if (matching(term, pod, candidates).some(other => sameTopology(term, node, other))) {
      return { reasons: ["node(s) didn't match pod anti-affinity rules"], helpless: false };
    }
  }
  const kept = candidates.some(({ node: other, usage }) =>
    usage.exclusive.some(exclusive =>
      antiAffinityOf(exclusive).some(term => selects(term, exclusive, pod) && sameTopology(term, node, other)),
    ),
  );
  return kept ? { reasons: ["node(s) didn't satisfy existing pods anti-affinity rules"], helpless: false } : undefined;
}

/** Nodes that run a pod which the term of `pod` selects. */
function matching(term: PodAffinityTerm, pod: PodObject, candidates: Candidate[]): NodeObject[] {
  return candidates.filter(({ usage }) => usage.pods.some(other => selects(term, pod, other))).map(({ node }) => node);
}

function selects(term: PodAffinityTerm, holder: PodObject, other: PodObject): boolean {
  const namespaces = term.namespaces?.length ? term.namespaces : [holder.metadata.namespace];
  return (
    namespaces.includes(other.metadata.namespace ?? '') && selectorMatches(term.labelSelector, other.metadata.labels)
  );
}

function sameTopology({ topologyKey }: PodAffinityTerm, a: NodeObject, b: NodeObject): boolean {
  const value = a.metadata.labels?.[topologyKey];
  return value !== undefined && value === b.metadata.labels?.[topologyKey];
}

/** Pods of DaemonSets name their node by a field: other nodes are not even looked at. */
function named(pod: PodObject, node: NodeObject): boolean {
  const terms = nodeTermsOf(pod);
  if (terms === undefined || !terms.every(term => (term.matchFields ?? []).length > 0)) return true;
  return terms.some(({ matchFields = [] }) => matchFields.every(field => requirementHolds(field, node.metadata.name)));
}

function nodeTermsOf(pod: PodObject): NodeSelectorTerm[] | undefined {
  return pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
}

/** Whether node selector and required node affinity let the pod run there; taints do not count. */
export function nodeAffinityHolds(pod: PodObject, node: NodeObject): boolean {
  const wanted = Object.entries(pod.spec.nodeSelector ?? {});
  if (!wanted.every(([key, value]) => node.metadata.labels?.[key] === value)) return false;
  const terms = nodeTermsOf(pod);
  return terms === undefined || terms.some(term => termHolds(term, node));
}

/** Whether a change of a node makes no difference to where pods may be, amounts aside. */
export function sameForPlacement(before: NodeObject, node: NodeObject): boolean {
  return (
    before.metadata.uid === node.metadata.uid &&
    isDeepStrictEqual(before.spec, node.spec) &&
    isDeepStrictEqual(before.metadata.labels, node.metadata.labels)
  );
}

function reaches({ spec }: VolumeObject, node: NodeObject): boolean {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms;
  return terms === undefined || terms.some(term => termHolds(term, node));
}

function termHolds({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, { metadata }: NodeObject): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  return (
    matchExpressions.every(expression => requirementHolds(expression, metadata.labels?.[expression.key])) &&
    matchFields.every(field => requirementHolds(field, metadata.name))
  );
}

function requirementHolds({ operator, values = [] }: NodeRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return Number(value) > Number(values[0]);
    case 'Lt':
      return Number(value) < Number(values[0]);
    default:
      return false;
  }
}
