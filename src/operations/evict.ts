/**
 * One pod's eviction, from the intent until the API server lets it go. It
 * names the pod's uid, so asking again can never hit another pod: refusals by
 * a budget, lost answers and outages are asked again until the deadline.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { digestOf } from '../core/canonical.ts';
import type { EvictionOutcome } from '../core/cluster.ts';
import type { PdbFacts, PodFacts } from '../core/cluster-facts.ts';
import { type ErrorCode, FleetError } from '../core/errors.ts';
import { budgetState, describeBudget } from '../planning/budget-state.ts';
import { pdbsOfPod, qualifiedName } from '../planning/pdb-groups.ts';
import type { JobEffect, NodeJob } from './job.ts';
import type { Patience } from './patience.ts';
import { waitFor } from './wait.ts';

/** A pod of the node's list, or what a crash left of one. */
export type Evictable = Pick<PodFacts, 'namespace' | 'name' | 'uid'> & Partial<PodFacts>;

type Eviction = {
  job: NodeJob;
  waiting: Patience;
  budgets(): Promise<PdbFacts[]>;
  /** The cluster's pods, as far as they are known. */
  siblings(): Promise<PodFacts[]>;
  /** Throws when the node is not cordoned any more, so that what is evicted would come back, or is not to be drained. */
  proved(): Promise<unknown>;
};

const longestPauseMs = 10_000;
/** Between two looks at a budget that said no. */
export const budgetLookMs = 500;

/**
 * Returns when the pod is leaving. Throws `timeout` naming the budget at the deadline, `cluster_refused` when the pod can
 * never be evicted, `stopped` when the operation was stopped before the pod was let go.
 */
export async function evict(eviction: Eviction, pod: Evictable): Promise<void> {
  const { job } = eviction;
  const { cluster, target, timings } = job;
  const effect: JobEffect<boolean> = {
    step: `evict/${pod.namespace}/${pod.name}/${pod.uid}`,
    action: 'evict',
    settling: false,
    prepare: async () => ({
      request: {
        target: `cluster:${target.cluster}`,
        method: 'POST',
        path: `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}/eviction`,
        bodyDigest: digestOf({ uid: pod.uid }),
      },
    }),
    send: (grant, stillAllowed) => insistOn(eviction, pod, { ask: () => cluster.evict(grant, pod), stillAllowed }),
    async observe() {
      const found = (await cluster.pods(target.node)).find(candidate => candidate.uid === pod.uid);
      if (!found || found.terminating)
        return { finding: 'happened', result: true, evidence: found ? 'the pod is terminating' : 'the pod is gone' };
      return { finding: 'not-happened', evidence: 'the pod runs and is not terminating' };
    },
    describe: done => (done ? 'eviction accepted' : 'not evicted: the operation was stopped while it waited'),
  };
  // Where even the right to ask cannot be looked up, nothing was asked, and it is looked up again.
  const leaving = await waitFor({
    what: `${qualifiedName(pod)} to be evicted`,
    everyMs: timings.pollMs,
    by: await deadlineOf(eviction, pod),
    look: async () => ({ value: await job.effect(effect) }),
  });
  if (leaving) return;
  const why = (await job.stopReason()) ?? 'the operation was stopped';
  throw new FleetError({ code: 'stopped', message: `${qualifiedName(pod)} was not evicted: ${why}` });
}

type Asking = { ask(): Promise<EvictionOutcome>; stillAllowed(): Promise<void> };

/** False when the operation was stopped before the pod was let go. */
async function insistOn(eviction: Eviction, pod: Evictable, { ask, stillAllowed }: Asking): Promise<boolean> {
  const { job, proved } = eviction;
  let lost: FleetError | undefined;
  for (let attempt = 1; ; attempt++) {
    const askAgain = async () => {
      await proved();
      if (attempt > 1) await stillAllowed();
      return ask();
    };
    const answer = await askAgain().catch(thrown => unanswered(thrown, lost));
    if (answer.outcome === 'accepted' || answer.outcome === 'gone') return true;
    if (answer.outcome === 'refused') throw refused(pod, answer);
    if (answer.outcome === 'unanswered' && answer.error.code === 'ambiguous') lost = answer.error;
    const why = answer.outcome === 'unanswered' ? answer.error.message : await whyBlocked(eviction, pod);
    if (Date.now() >= (await deadlineOf(eviction, pod)))
      throw lost ?? late(pod, why, answer.outcome === 'blocked' ? answer.message : undefined);
    await job.report('drain', 'progress', `${qualifiedName(pod)} waits: ${why}`);
    await untilWorthAsking(eviction, pod, { answer, attempt });
    if (await job.stopReason()) {
      if (lost) throw lost;
      return false;
    }
  }
}

type Unanswered = { outcome: 'unanswered'; error: FleetError };

/** What time may heal, and what cannot be told apart from it; everything else is thrown again. */
const worthAsking = new Set<ErrorCode>(['ambiguous', 'cluster_unreachable', 'timeout']);

/** What `lost` may have done is settled before anything else that went wrong. */
function unanswered(thrown: unknown, lost: FleetError | undefined): Unanswered {
  const error = FleetError.from(thrown);
  if (worthAsking.has(error.code)) return { outcome: 'unanswered', error };
  throw lost ?? error;
}

function pauseMs({ timings }: NodeJob, answer: EvictionOutcome | Unanswered, attempt: number): number {
  const asked = answer.outcome === 'blocked' ? answer.retryAfterMs : undefined;
  const growing = answer.outcome === 'unanswered' ? timings.pollMs * 2 ** Math.min(attempt - 1, 4) : timings.pollMs;
  return Math.min(asked ?? growing, longestPauseMs);
}

/** The pause, or less where the budget that said no is seen to say yes. */
async function untilWorthAsking(
  { job, budgets }: Eviction,
  pod: Evictable,
  { answer, attempt }: { answer: EvictionOutcome | Unanswered; attempt: number },
): Promise<void> {
  const until = Date.now() + pauseMs(job, answer, attempt);
  const { labels, phase, namespace } = pod;
  const mayBeSeen = answer.outcome === 'blocked' && answer.retryAfterMs === undefined;
  for (let left = until - Date.now(); left > 0; left = until - Date.now()) {
    await delay(Math.min(left, mayBeSeen ? budgetLookMs : left));
    if (!mayBeSeen || labels === undefined || phase === undefined) continue;
    const own = pdbsOfPod({ namespace, labels, phase }, await budgets().catch(() => []));
    if (own.length > 0 && own.every(pdb => budgetState(pdb, []) === 'allows')) return;
  }
}

async function deadlineOf({ waiting, budgets }: Eviction, pod: Evictable): Promise<number> {
  return waiting.deadlineOf(pod, await budgets().catch(() => []));
}

async function whyBlocked({ budgets, siblings }: Eviction, pod: Evictable): Promise<string> {
  const { labels, phase } = pod;
  if (labels === undefined || phase === undefined) return 'the API server does not let it go yet';
  const all = await budgets().catch(() => []);
  const [budget] = pdbsOfPod({ namespace: pod.namespace, labels, phase }, all);
  return budget ? describeBudget(budget, await siblings()) : 'the API server does not let it go yet';
}

function refused(pod: Evictable, { status, message }: { status: number; message: string }): FleetError {
  return new FleetError({
    code: 'cluster_refused',
    message: `the API server refused to evict ${qualifiedName(pod)} (HTTP ${status})`,
    untrusted: message,
  });
}

function late(pod: Evictable, why: string, untrusted: string | undefined): FleetError {
  return new FleetError({
    code: 'timeout',
    message: `${qualifiedName(pod)} could not be evicted in time: ${why}`,
    ...(untrusted === undefined ? {} : { untrusted }),
  });
}
