/**
 * Empties a cordoned node through the eviction API. The whole list is judged
 * before the first pod is touched; a pod is gone when its uid is, whatever
 * carries its name afterwards.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { digestOf } from '../core/canonical.ts';
import type { PodFacts } from '../core/cluster.ts';
import { FleetError } from '../core/errors.ts';
import { drainPreview } from '../planning/drain-preview.ts';
import { qualifiedName } from '../planning/pdb-groups.ts';
import type { NodeJob } from './job.ts';
import { waitFor } from './wait.ts';

export type DrainOutcome = { outcome: 'drained'; evicted: number } | { outcome: 'stopped'; why: string };

/** Throws `precondition_failed` when a pod may not be evicted at all, `timeout` naming what blocks at the deadline. */
export async function drain(job: NodeJob, by: number): Promise<DrainOutcome> {
  const { cluster, plan, target } = job;
  const [pods, pdbs, daemonSets] = await Promise.all([cluster.pods(), cluster.pdbs(), cluster.daemonSets()]);
  const here = pods.filter(pod => pod.node === target.node);
  const preview = drainPreview({ pods: here, clusterPods: pods, pdbs, daemonSets, options: plan.drain });
  if (preview.blocked.length > 0) {
    const why = preview.blocked.map(block => `${qualifiedName(block.pod)}: ${block.reason}`).join('; ');
    throw new FleetError({ code: 'precondition_failed', message: `the drain would stop at ${why}` });
  }
  const listed = new Set(preview.evictions.map(pod => pod.uid));
  const interrupted = (await interruptedEvictions(job)).filter(pod => !listed.has(pod.uid));
  const pending: Evicted[] = [...preview.evictions, ...interrupted];
  const total = pending.length;
  let gone = 0;
  let told = Promise.resolve();
  const outcomes = await Promise.allSettled(
    pending.map(async pod => {
      const outcome = await evict(job, pod, by);
      if (outcome === 'stopped') return outcome;
      gone++;
      const message = `${gone} of ${total} pods gone`;
      told = told.then(() => job.report('drain', 'progress', message));
      await told;
      return outcome;
    }),
  );
  const failure = outcomes.find(outcome => outcome.status === 'rejected');
  if (failure) throw failure.reason;
  if (outcomes.some(outcome => outcome.status === 'fulfilled' && outcome.value === 'stopped'))
    return { outcome: 'stopped', why: (await job.stopReason()) ?? 'the operation was stopped' };
  await waitFor({
    what: `${target.node} to be empty`,
    everyMs: job.timings.pollMs,
    by,
    look: async () => {
      await proveCordoned(job);
      const left = await podsLeft(job);
      return left.length === 0 ? { value: null } : { missing: left.join(', ') };
    },
  });
  return { outcome: 'drained', evicted: total };
}

/** Reads the node again: cordoned, and nothing left but what a drain leaves alone. Asked once more right before a reset. */
export async function proveDrained(job: NodeJob): Promise<void> {
  const { target } = job;
  await proveCordoned(job);
  const left = await podsLeft(job);
  if (left.length > 0)
    throw new FleetError({ code: 'precondition_failed', message: `${target.node} is not empty: ${left.join(', ')}` });
}

/** A node that somebody uncordoned fills up again: waiting for it to be empty would be in vain. */
async function proveCordoned({ cluster, target }: NodeJob): Promise<void> {
  if ((await cluster.node(target.node)).unschedulable) return;
  throw new FleetError({ code: 'precondition_failed', message: `${target.node} is not cordoned any more` });
}

/** Names of the pods that a drained node would not have, those in their grace period included. */
async function podsLeft({ cluster, target, plan }: NodeJob): Promise<string[]> {
  const [pods, daemonSets] = await Promise.all([cluster.pods(target.node), cluster.daemonSets()]);
  const { evictions, leaving, blocked } = drainPreview({ pods, pdbs: [], daemonSets, options: plan.drain });
  return [...evictions, ...leaving, ...blocked.map(block => block.pod)].map(qualifiedName);
}

type Evicted = Pick<PodFacts, 'namespace' | 'name' | 'uid'>;

/** Pods whose eviction a crash left without an outcome; they may be gone, and then no list names them. */
async function interruptedEvictions({ operation, target, records }: NodeJob): Promise<Evicted[]> {
  const prefix = `${target.node}/evict/`;
  const rows = await records.effects.unfinished(operation, prefix);
  return rows.map(({ step }) => {
    const [namespace = '', name = '', uid = ''] = step.slice(prefix.length).split('/');
    return { namespace, name, uid };
  });
}

type Blocked = { message: string; retryAfterMs?: number };

async function evict(job: NodeJob, pod: Evicted, by: number): Promise<'gone' | 'stopped'> {
  const { cluster, plan, timings } = job;
  const path = `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}/eviction`;
  const accepted = await job.effect<boolean>({
    step: `evict/${pod.namespace}/${pod.name}/${pod.uid}`,
    action: 'evict',
    settling: false,
    prepare: async () => ({
      request: { target: `cluster:${plan.cluster}`, method: 'POST', path, bodyDigest: digestOf({ uid: pod.uid }) },
    }),
    async send(grant, stillAllowed) {
      for (let blocked: Blocked | undefined; ; ) {
        const answer = await cluster.evict(grant, pod);
        switch (answer.outcome) {
          case 'accepted':
          case 'gone':
            return true;
          case 'refused':
            throw new FleetError({
              code: 'cluster_refused',
              message: `the API server refused to evict ${qualifiedName(pod)} (HTTP ${answer.status})`,
              untrusted: answer.message,
            });
          case 'blocked':
            blocked = answer;
        }
        if (Date.now() >= by)
          throw new FleetError({
            code: 'timeout',
            message: `${qualifiedName(pod)} could not be evicted in time`,
            untrusted: blocked.message,
          });
        await job.report('drain', 'progress', `${qualifiedName(pod)} waits for its disruption budget`);
        await delay(Math.min(blocked.retryAfterMs ?? timings.pollMs, 10_000));
        if (await job.stopReason()) return false;
        await stillAllowed();
      }
    },
    async observe() {
      const found = (await cluster.pods(job.target.node)).find(candidate => candidate.uid === pod.uid);
      if (!found || found.terminating)
        return { finding: 'happened', result: true, evidence: found ? 'the pod is terminating' : 'the pod is gone' };
      return { finding: 'not-happened', evidence: 'the pod runs and is not terminating' };
    },
    describe: done => (done ? 'eviction accepted' : 'not evicted: the operation was stopped while a budget blocked'),
  });
  if (!accepted) return 'stopped';
  while ((await cluster.podUid(pod.namespace, pod.name)) === pod.uid) {
    if (Date.now() >= by)
      throw new FleetError({ code: 'timeout', message: `${qualifiedName(pod)} was evicted and did not end in time` });
    await delay(timings.pollMs);
  }
  return 'gone';
}
