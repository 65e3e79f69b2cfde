/** What the cluster tells of one object: its Events, which it keeps for about an hour. */
import type { CoreV1Api, CoreV1Event } from '@kubernetes/client-node';
import type { EventFacts, PodEventFacts } from '../../core/cluster-facts.ts';
import { eventFacts, timeText } from './facts.ts';
import type { CallContext } from './failures.ts';
import { readList } from './reading.ts';

type Regarding = { kind: 'Node' | 'Pod'; namespace: string; name: string };
type Wanted<F> = { context: Omit<CallContext, 'access'>; regarding: Regarding; toFacts: (event: CoreV1Event) => F };

/** Newest first. */
export async function readEvents<F extends EventFacts>(core: CoreV1Api, wanted: Wanted<F>): Promise<F[]> {
  const { context, regarding, toFacts } = wanted;
  const { kind, namespace, name } = regarding;
  const fieldSelector = `involvedObject.kind=${kind},involvedObject.name=${name}`;
  const events = await readList(
    { ...context, kind: 'EventList' },
    page => core.listNamespacedEvent({ namespace, ...page, fieldSelector }),
    toFacts,
  );
  return events.toSorted((a, b) => (b.lastSeen ?? '').localeCompare(a.lastSeen ?? ''));
}

/** The API takes any text; the kubelet itself gives static pods a digest. */
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ofContainer = /^spec\.(?:initContainers|containers)\{(.+)\}$/;
/** The scheduler's events name the node in their words alone. */
const assigned = /^Successfully assigned \S+ to (\S+)$/;

export function podEventFacts(event: CoreV1Event): PodEventFacts {
  const { involvedObject, firstTimestamp, eventTime, reason, message = '', source } = event;
  const { uid = '', fieldPath = '' } = involvedObject;
  const firstSeen = timeText(firstTimestamp ?? eventTime);
  const container = ofContainer.exec(fieldPath)?.[1];
  const node = source?.host || (reason === 'Scheduled' ? assigned.exec(message)?.[1] : undefined);
  return {
    ...eventFacts(event),
    ...(uuid.test(uid) ? { uid } : {}),
    ...(firstSeen === undefined ? {} : { firstSeen }),
    ...(container === undefined ? {} : { container }),
    ...(node ? { node } : {}),
  };
}
