/** Restarts a drained host so that staged firmware becomes the running one; never while a task transfers or applies. */
import { factValue, type ResetType } from '../core/bmc.ts';
import { digestOf } from '../core/canonical.ts';
import { FleetError } from '../core/errors.ts';
import type { EffectRow } from '../core/records.ts';
import type { Observation } from '../guard/effects.ts';
import { proveDrained } from './drain.ts';
import type { NodeJob } from './job.ts';
import { proveIdentity } from './prove-identity.ts';
import { waitFor } from './wait.ts';

export type BeforeReset = { bootId: string; lastReset: string | null };

/** What a restart will change; read once, before the first reset is sent. */
export async function readBeforeReset({ bmc, cluster, target }: NodeJob): Promise<BeforeReset> {
  const [node, lastReset] = await Promise.all([cluster.node(target.node), bmc.lastReset()]);
  return { bootId: node.bootId, lastReset: factValue(lastReset) ?? null };
}

export async function resetHost(job: NodeJob, before: BeforeReset): Promise<void> {
  const { bmc, target } = job;
  await job.effect<ResetType | null>({
    step: 'reset',
    action: 'resetHost',
    settling: true,
    async prepare() {
      const { type, ...where } = await bmc.resetTarget();
      return { before, request: { target: target.bmcUrl, ...where, bodyDigest: digestOf({ ResetType: type }) } };
    },
    async send(grant) {
      const { type } = await bmc.resetTarget();
      await proveIdentity(job);
      await proveDrained(job);
      if ((await bmc.tasks()).some(task => task.state === 'running' || task.state === 'pending'))
        throw new FleetError({
          code: 'precondition_failed',
          message: `the BMC of ${target.node} is applying an update: no reset now`,
        });
      await bmc.reset(grant, type);
      return type;
    },
    observe: open => observeReset(job, open),
    describe: type => `${type} accepted`,
  });
}

async function observeReset(job: NodeJob, open: EffectRow): Promise<Observation<null>> {
  const { bmc, cluster, target, timings } = job;
  const before = open.before as BeforeReset;
  const settledAt = Date.parse(open.startedAt) + timings.resetSettleMs;
  let first: string | undefined;
  const look = async (): Promise<{ value: Observation<null> } | { missing: string }> => {
    const [node, fact, renewed] = await Promise.all([
      cluster.node(target.node),
      bmc.lastReset(),
      cluster.leaseRenewed(target.node),
    ]);
    const happened = (evidence: string) => ({ value: { finding: 'happened', result: null, evidence } as const });
    const lastReset = factValue(fact);
    if (node.bootId !== before.bootId) return happened('the node has another boot ID');
    if (lastReset && before.lastReset && lastReset !== before.lastReset)
      return happened(`the BMC's LastResetTime is ${lastReset}`);
    if (Date.now() < settledAt) return { missing: 'evidence either way' };
    // Only renewals seen after the settle time count, compared with each other: clocks of nodes are not trusted.
    first ??= renewed ?? 'none';
    if (renewed === undefined || renewed === first) return { missing: 'a sign of life after the settle time' };
    const evidence = `the old boot ID still renews its lease ${Math.round(timings.resetSettleMs / 1000)} s after the request`;
    return { value: { finding: 'not-happened', evidence } };
  };
  const by = Math.max(settledAt, Date.now()) + 60_000;
  return waitFor({ what: 'evidence of the reset', everyMs: timings.pollMs, by, look }).catch(
    thrown => ({ finding: 'ambiguous', evidence: FleetError.from(thrown).message }) as const,
  );
}
