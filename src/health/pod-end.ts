/**
 * How a pod ended by the Events that outlive it for about an hour. Whoever may
 * write Events in its namespace may have written them, so they weigh less than
 * the pod's own status. Pods of one name that came after each other are told
 * apart by uid.
 */
import type { PodEventFacts } from '../core/cluster-facts.ts';

export type PodEnd = {
  /** One of `telling`. */
  reason: string;
  /** RFC 3339. */
  at: string;
  container?: string;
};

/** Reasons of Events that tell of an end, the surest first: what drives a pod off also stops its containers. */
const telling = [
  'Evicted',
  'OOMKilling',
  'DeadlineExceeded',
  'Preempted',
  'Preempting',
  'TaintManagerEviction',
  'NodeNotReady',
  'Killing',
  'BackOff',
  'FailedScheduling',
];

/** Undefined where no Event tells of an end. One that has a node was scheduled in the end. */
export function endOf(events: PodEventFacts[], { scheduled }: { scheduled: boolean }): PodEnd | undefined {
  const fits = ({ reason }: PodEventFacts) => reason !== 'FailedScheduling' || !scheduled;
  const told = events.filter(event => telling.includes(event.reason) && event.lastSeen !== undefined && fits(event));
  const [surest] = told.toSorted((a, b) => telling.indexOf(a.reason) - telling.indexOf(b.reason) || newestFirst(a, b));
  if (surest?.lastSeen === undefined) return undefined;
  const { reason, lastSeen: at, container } = surest;
  return { reason, at, ...(container === undefined ? {} : { container }) };
}

/** Events by uid. One without a uid is about the pod of that name that was there then; '' where no other tells which. */
export function byPod(events: PodEventFacts[]): Map<string, PodEventFacts[]> {
  const oldestFirst = events.toSorted((a, b) => newestFirst(b, a));
  const begins = new Map<string, string>();
  for (const { uid, firstSeen, lastSeen = '' } of oldestFirst) {
    const begin = firstSeen ?? lastSeen;
    if (uid !== undefined && begin < (begins.get(uid) ?? '~')) begins.set(uid, begin);
  }
  const uidAt = (time: string) =>
    [...begins]
      .filter(([, begin]) => begin <= time)
      .toSorted(byBegin)
      .at(-1)?.[0];
  return Map.groupBy(events, ({ uid, lastSeen = '' }) => uid ?? uidAt(lastSeen) ?? '');
}

function byBegin([, a]: [string, string], [, b]: [string, string]): number {
  return a.localeCompare(b);
}

function newestFirst(a: PodEventFacts, b: PodEventFacts): number {
  return (b.lastSeen ?? '').localeCompare(a.lastSeen ?? '');
}
