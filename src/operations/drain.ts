/**
 * Empties a cordoned node through the eviction API. The whole list is judged
 * before the first pod is touched; a pod is gone when its uid is, whatever
 * carries its name afterwards. An empty node holds neither pods that a drain
 * moves nor volumes that were theirs.
 */
import { type AttachmentFacts, type PdbFacts, type PodFacts, volumeOf } from '../core/cluster-facts.ts';
import { FleetError } from '../core/errors.ts';
import { type DrainPreview, drainPreview } from '../planning/drain-preview.ts';
import { qualifiedName } from '../planning/pdb-groups.ts';
import { budgetLookMs, type Evictable, evict } from './evict.ts';
import type { NodeJob } from './job.ts';
import { lateMs, type Patience, patience } from './patience.ts';
import { proveNoRemediator } from './refuse-remediators.ts';
import { answered, sharedRead, waitFor } from './wait.ts';

export type DrainOutcome = { outcome: 'drained'; evicted: number } | { outcome: 'stopped'; why: string };

/** Looks at the leaving pods at least this often: they come back elsewhere as soon as they are gone here. */
const departureMs = 500;

/** Asked before each request to evict; throws where the node is not to be drained any more. */
export type ProveWanted = (job: NodeJob) => Promise<unknown>;

/**
 * `by`, in milliseconds since the epoch, limits the wait for budgets; a pod that was let go has its grace period on top.
 * Throws `precondition_failed` when a pod may not be evicted at all, `timeout` naming what blocks at the deadline.
 */
export async function drain(job: NodeJob, by: number, wanted?: ProveWanted): Promise<DrainOutcome> {
  try {
    return { outcome: 'drained', evicted: await evictRounds(job, by, wanted) };
  } catch (thrown) {
    const { code, message } = FleetError.from(thrown);
    if (code === 'stopped') return { outcome: 'stopped', why: (await job.stopReason()) ?? message };
    throw thrown;
  }
}

/** How many pods were evicted, in earlier lives of the operation too. Throws `stopped` as soon as the operation is. */
async function evictRounds(job: NodeJob, by: number, wanted?: ProveWanted): Promise<number> {
  await answered({ job, by, stopReason: job.stopReason }, () => proveNoRemediator(job));
  for (let round = 1; ; round++) {
    const { evictions, leaving } = await previewNow(job, by);
    const pods = round === 1 ? [...(await interrupted(job, { evictions, leaving })), ...evictions] : evictions;
    // A pod that was on its way here at the cordon, or that tolerates it, arrives after the first list.
    if (pods.length === 0 || (round > 1 && Date.now() >= by)) {
      const slowest = Math.max(0, ...leaving.map(pod => pod.graceSeconds * 1000));
      await untilEmpty(job, Math.max(by, Date.now() + slowest + lateMs));
      return evictedBy(job);
    }
    await evictAll(job, groupsOf(pods, job.plan.drain.byPriority), { by, leaving, wanted });
  }
}

/** Throws `precondition_failed` when a pod may not be evicted at all. */
async function previewNow(job: NodeJob, by: number): Promise<DrainPreview> {
  const { cluster, plan, target } = job;
  const [pods, pdbs, daemonSets, clusterPods] = await answered({ job, by, stopReason: job.stopReason }, () =>
    Promise.all([cluster.pods(target.node), cluster.pdbs(), cluster.daemonSets(), siblings(job)]),
  );
  const preview = drainPreview({ pods, clusterPods, pdbs, daemonSets, options: plan.drain });
  if (preview.blocked.length === 0) return preview;
  const why = preview.blocked.map(block => `${qualifiedName(block.pod)}: ${block.reason}`).join('; ');
  throw new FleetError({ code: 'precondition_failed', message: `the drain would stop at ${why}` });
}

/**
 * Pods of other nodes, which tell whether a budget waits or never allows. What the watches hold will do: they only add to
 * what refuses, and the API server judges each eviction itself.
 */
async function siblings({ cluster }: NodeJob): Promise<PodFacts[]> {
  return cluster.view().then(
    ({ pods }) => [...pods],
    () => [],
  );
}

type Limits = { by: number /** Pods that were let go before. */; leaving: PodFacts[]; wanted: ProveWanted | undefined };

/** Returns once every pod is gone. */
async function evictAll(job: NodeJob, groups: Evictable[][], { by, leaving, wanted }: Limits): Promise<void> {
  const { cluster, target, timings } = job;
  const here = sharedRead(() => cluster.pods(target.node), Math.min(timings.pollMs, departureMs));
  const cordoned = sharedRead(() => proveCordoned(job), departureMs);
  const proved = sharedRead(() => Promise.all([cordoned(), wanted?.(job)]), departureMs);
  const stopReason = sharedRead(() => job.stopReason(), departureMs);
  const budgets = sharedRead(() => cluster.pdbs(), budgetLookMs);
  for (const [index, group] of groups.entries()) {
    // The pods before it took their own time, grace periods included.
    const begun = index === 0 ? by : Math.max(by, Date.now() + lateMs);
    const waiting = patience(begun);
    for (const pod of leaving) waiting.letGo(pod, await budgets().catch(() => []));
    const shared = { job, by: begun, here, cordoned, stopReason, budgets, waiting, ...progress(job, groups) };
    const outcomes = await Promise.allSettled(
      group.map(async pod => {
        await evict({ job, waiting, budgets, proved, siblings: () => siblings(job) }, pod);
        await leave(shared, pod);
      }),
    );
    const failures = outcomes.flatMap(outcome =>
      outcome.status === 'rejected' ? [FleetError.from(outcome.reason)] : [],
    );
    // Being stopped says least of what happened.
    const [failure] = failures.toSorted((a, b) => Number(a.code === 'stopped') - Number(b.code === 'stopped'));
    if (failure) throw failure;
  }
}

/** Reads the node again: cordoned, and nothing left but what a drain leaves alone. Asked once more right before a reset. */
export async function proveDrained(job: NodeJob): Promise<void> {
  const { target } = job;
  await proveCordoned(job);
  const left = await leftOn(job);
  if (left.length > 0)
    throw new FleetError({ code: 'precondition_failed', message: `${target.node} is not empty: ${left.join(', ')}` });
}

async function untilEmpty(job: NodeJob, by: number): Promise<void> {
  let looks = 0;
  await waitFor<'empty'>({
    what: `${job.target.node} to be empty`,
    // Pods end within seconds; what takes longer, such as a volume, is not worth a stream of questions.
    everyMs: () => Math.min(job.timings.pollMs, departureMs * 2 ** Math.floor(looks++ / 10)),
    by,
    stopReason: job.stopReason,
    async look() {
      await proveCordoned(job);
      const left = await leftOn(job);
      if (left.length === 0) return { value: 'empty' };
      await job.report('drain', 'progress', `still there: ${left.join(', ')}`);
      return { missing: left.join(', ') };
    },
  });
}

/** A node that somebody uncordoned fills up again: waiting for it to be empty would be in vain. */
async function proveCordoned({ cluster, target }: NodeJob): Promise<void> {
  if ((await cluster.node(target.node)).unschedulable) return;
  throw new FleetError({ code: 'precondition_failed', message: `${target.node} is not cordoned any more` });
}

/** What a drained node would not have: pods, those in their grace period included, and volumes of pods that left. */
async function leftOn({ cluster, target, plan }: NodeJob): Promise<string[]> {
  const [pods, daemonSets, attachments] = await Promise.all([
    cluster.pods(target.node),
    cluster.daemonSets(),
    cluster.attachments(target.node),
  ]);
  const preview = drainPreview({ pods, pdbs: [], daemonSets, options: plan.drain });
  const leaving = [...preview.evictions, ...preview.leaving, ...preview.blocked.map(block => block.pod)];
  const staying = new Set(pods.filter(pod => !leaving.includes(pod)).flatMap(claimsOf));
  const volumes = attachments.filter(({ claim }) => claim === undefined || !staying.has(claim));
  return [...leaving.map(qualifiedName), ...volumes.map(volumeText)];
}

function claimsOf({ namespace, claims }: PodFacts): string[] {
  return claims.map(name => qualifiedName({ namespace, name }));
}

function volumeText(attachment: AttachmentFacts): string {
  return `volume ${volumeOf(attachment)}${attachment.error ? ' (its driver reports an error)' : ''}`;
}

/** All at once, or the lowest priority first. */
function groupsOf(pods: Evictable[], byPriority: boolean): Evictable[][] {
  if (!byPriority) return [pods];
  const groups = Map.groupBy(pods, pod => pod.priority ?? Number.NEGATIVE_INFINITY);
  return [...groups].toSorted(([a], [b]) => a - b).map(([, group]) => group);
}

/** Pods whose eviction a crash left without an outcome; they may be gone, and then no list names them. */
async function interrupted(
  { operation, target, records }: NodeJob,
  { evictions, leaving }: Pick<DrainPreview, 'evictions' | 'leaving'>,
): Promise<Evictable[]> {
  const prefix = evictionsOf(target.node);
  const rows = await records.effects.list(operation, { prefix, states: ['open', 'unknown'] });
  return rows
    .map(({ step }) => {
      const [namespace = '', name = '', uid = ''] = step.slice(prefix.length).split('/');
      return leaving.find(pod => pod.uid === uid) ?? { namespace, name, uid };
    })
    .filter(({ uid }) => !evictions.some(pod => pod.uid === uid));
}

/** Pods that this operation let go, whichever of its lives asked. */
async function evictedBy({ operation, target, records }: NodeJob): Promise<number> {
  const prefix = evictionsOf(target.node);
  const rows = await records.effects.list(operation, { prefix, states: ['ok', 'happened'] });
  return new Set(rows.filter(({ result }) => result === true).map(({ step }) => step)).size;
}

function evictionsOf(node: string): string {
  return `${node}/evict/`;
}

type Shared = {
  job: NodeJob;
  by: number;
  here(): Promise<PodFacts[]>;
  cordoned(): Promise<void>;
  stopReason(): Promise<string | undefined>;
  budgets(): Promise<PdbFacts[]>;
  waiting: Patience;
  tell(): Promise<void>;
};

async function leave(shared: Shared, pod: Evictable): Promise<void> {
  const { job, by, here, cordoned, stopReason, budgets, waiting, tell } = shared;
  const graceMs = (pod.graceSeconds ?? 0) * 1000;
  waiting.letGo(pod, await budgets().catch(() => []));
  await waitFor<'gone'>({
    what: `${qualifiedName(pod)}, which was evicted, to end`,
    everyMs: Math.min(job.timings.pollMs, departureMs),
    by: Math.max(by, Date.now() + graceMs + lateMs),
    stopReason,
    async look() {
      if (!(await here()).some(({ uid }) => uid === pod.uid)) return { value: 'gone' };
      await cordoned();
      return { missing: `it is still there, ${Math.round((graceMs + lateMs) / 1000)} s after it was let go` };
    },
  });
  await tell();
}

/** Tells how many pods are gone, one message after the other. */
function progress(job: NodeJob, groups: Evictable[][]): Pick<Shared, 'tell'> {
  const total = groups.flat().length;
  let gone = 0;
  let told = Promise.resolve();
  return {
    tell() {
      const message = `${++gone} of ${total} pods gone`;
      told = told.then(() => job.report('drain', 'progress', message));
      return told;
    },
  };
}
