/** What is on record of a pod's end, before anybody weighs hardware: an eviction of ours, or what Kubernetes says. */
import type { Crash } from './crashes.ts';
import type { Explanation } from './explain-pod-failure.ts';

/** An eviction that Groundskeeper asked for. */
export type OwnEviction = {
  uid: string;
  node: string;
  operation: string;
  /** Kind of its plan, such as `drain`. */
  kind: string;
  /** RFC 3339 time of the intent. A disruption budget may have kept the pod for minutes after it. */
  at: string;
  /** False where the answer was lost and nothing proved what happened. */
  sure: boolean;
  requester: string;
  approvers: string[];
};

export type Stated = {
  explanation: Explanation;
  points: number;
  /** The end was wanted or is explained in full: what was wrong with the hardware then has little to add. */
  full: boolean;
};

type Word = Pick<Stated, 'full'> & { cause: 'workload' | 'cluster'; text: string };
const workload = (text: string): Word => ({ cause: 'workload', text, full: true });
const outOfMemory = workload('it used more memory than its limit or its node allows');
const preempted = workload('a pod of higher priority took its place');

const words = new Map<string, Word>(
  Object.entries({
    OOMKilled: outOfMemory,
    OOMKilling: outOfMemory,
    Evicted: workload('the kubelet evicted it, for want of disk, memory or processes'),
    DeadlineExceeded: workload('it ran longer than it may'),
    Preempting: preempted,
    Preempted: preempted,
    Killing: {
      cause: 'cluster',
      text: 'its containers were told to stop: it was deleted or evicted, or failed a probe; Kubernetes does not keep by whom',
      full: true,
    },
    FailedScheduling: { cause: 'cluster', text: 'no node took it', full: true },
    TaintManagerEviction: {
      cause: 'cluster',
      text: 'the cluster drove it off its node, which was lost or got a taint',
      full: false,
    },
    NodeNotReady: { cause: 'cluster', text: 'its node stopped answering the cluster', full: false },
    BackOff: { cause: 'cluster', text: 'a container of it failed again and again', full: false },
  }),
);

/** What Kubernetes itself says ended it, undefined where that needs an explanation. */
export function statedByCluster({ reason, at = '' }: Crash, told: 'pod' | 'event'): Stated | undefined {
  const word = words.get(reason);
  if (!word) return undefined;
  const { cause, text, full } = word;
  const evidence = [{ at, text: told === 'pod' ? `reason ${reason}` : `an Event says ${reason}` }];
  const confidence = told === 'pod' ? 'high' : 'medium';
  return { explanation: { cause, text, confidence, evidence }, points: full ? 8 : 1, full };
}

/** `otherwise`: the cluster tells of another end than that of an eviction through its API. */
export function statedByUs(own: OwnEviction, otherwise: boolean): Stated {
  const { operation, kind, node, at, requester, approvers } = own;
  const sure = own.sure && !otherwise;
  const allowed = approvers.length > 0 ? `approved by ${approvers.join(' and ')}` : 'allowed by policy without a vote';
  const text = `Groundskeeper ${sure ? 'evicted' : 'may have evicted'} it during operation ${operation} (${kind}) on node ${node}, ${allowed}`;
  const evidence = [
    { at, text: `eviction on record, asked for by ${requester}${own.sure ? '' : '; its answer is not known'}` },
  ];
  return {
    explanation: { cause: 'groundskeeper', text, confidence: sure ? 'high' : 'medium', evidence },
    points: 20,
    full: sure,
  };
}
