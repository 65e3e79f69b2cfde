/**
 * Which pod somebody means by a name, when the pod may be gone or another may
 * have its name now, and how it ended: by its status, our own evictions and
 * the Events of the cluster.
 */
import { type Fact, factValue } from '../../src/core/bmc.ts';
import type { PodEventFacts, PodFacts } from '../../src/core/cluster-facts.ts';
import type { ToolContext } from '../../src/core/tool.ts';
import type { Crash } from '../../src/health/crashes.ts';
import { byPod, endOf } from '../../src/health/pod-end.ts';
import type { OwnEviction } from '../../src/health/stated-end.ts';
import { ownEvictions } from '../../src/operations/own-evictions.ts';
import { crashOf } from '../../src/operations/pod-crashes.ts';
import { ownerName } from '../../src/planning/workload.ts';
import { within } from './within.ts';

export const evictionsKeptDays = 30;

export type SeenPod = {
  pods: PodFacts[];
  present: PodFacts | undefined;
  events: Fact<PodEventFacts[]>;
  evictions: OwnEviction[];
};

/** One pod that has or had the name. */
export type PodSubject = {
  uid?: string;
  /** `replaced`: another pod has its name now. */
  standing: 'present' | 'gone' | 'replaced';
  failure: Crash;
  told: 'pod' | 'event' | 'records' | 'asker';
  /** As the cluster or our records name it. */
  node?: string;
  evicted?: OwnEviction;
  /** Newest first. */
  events: PodEventFacts[];
};

/** Throws when the list of pods cannot be read; Events that cannot be are a fact with its reason. */
export async function seePod(
  { clusters, records }: ToolContext,
  { cluster, namespace, name }: { cluster: string; namespace: string; name: string },
): Promise<SeenPod> {
  const port = clusters.of(cluster);
  const since = new Date(Date.now() - evictionsKeptDays * 24 * 3_600_000);
  const [pods, events, evictions] = await Promise.all([
    port.pods(),
    within(() => port.podEvents(namespace, name)),
    ownEvictions(records, { cluster, namespace, name, since }),
  ]);
  return { pods, present: pods.find(pod => pod.namespace === namespace && pod.name === name), events, evictions };
}

/** Those that ended: the one that is there now first when it shows a failure, then the newest. */
export function endedPods(seen: SeenPod): PodSubject[] {
  const { present, evictions } = seen;
  const events = byPod(factValue(seen.events) ?? []);
  const uids = new Set([present?.uid ?? '', ...events.keys(), ...evictions.map(({ uid }) => uid)]);
  const ended = [...uids].flatMap(uid => endedPod(seen, uid, events.get(uid) ?? []) ?? []);
  const newestFirst = ended.toSorted((a, b) => (b.failure.at ?? '').localeCompare(a.failure.at ?? ''));
  return newestFirst.toSorted((a, b) => Number(b.told === 'pod') - Number(a.told === 'pod'));
}

function endedPod({ pods, present, evictions }: SeenPod, uid: string, events: PodEventFacts[]): PodSubject | undefined {
  const pod = present?.uid === uid ? present : undefined;
  const crash = pod && crashOf(pod, pods);
  // Who is still there and not leaving was not evicted, whatever was asked for.
  const evicted = pod && !pod.terminating ? undefined : evictions.find(each => each.uid === uid);
  const node = pod?.node ?? evicted?.node ?? events.find(each => each.node !== undefined)?.node;
  const end = endOf(events, { scheduled: node !== undefined });
  const ended = crash ?? end ?? (evicted && { reason: 'evicted by Groundskeeper', at: evicted.at });
  if (!ended) return undefined;
  const at = end?.at ?? evicted?.at;
  const failure = { workload: ownerOf(present), elsewhere: false, ...(at === undefined ? {} : { at }), ...ended };
  return {
    standing: pod ? 'present' : present ? 'replaced' : 'gone',
    told: crash ? 'pod' : end ? 'event' : 'records',
    ...(uid === '' ? {} : { uid }),
    ...(node === undefined ? {} : { node }),
    ...(evicted === undefined ? {} : { evicted }),
    failure,
    events,
  };
}

/** A successor of the same name has the same owner. */
export function ownerOf(present: PodFacts | undefined): string {
  return present ? ownerName(present) : 'not known';
}
