/** Restarts a drained host so that staged firmware becomes the running one; never while a task transfers or applies. */
import { factValue, type ResetType } from '../core/bmc.ts';
import { digestOf } from '../core/canonical.ts';
import type { PodFacts } from '../core/cluster-facts.ts';
import { FleetError } from '../core/errors.ts';
import type { EffectRow } from '../core/records.ts';
import type { Observation } from '../guard/effects.ts';
import { qualifiedName } from '../planning/pdb-groups.ts';
import type { NodeJob } from './job.ts';
import { proveIdentity } from './prove-identity.ts';
import { proveNoTask } from './prove-no-task.ts';
import { proveQuorum } from './prove-quorum.ts';
import { proveNoRemediator } from './refuse-remediators.ts';
import { waitFor } from './wait.ts';

export type BeforeReset = {
  bootId: string;
  kubeletVersion: string;
  lastReset: string | null;
  /** DaemonSets whose pod on this node was ready: they are to be ready again. */
  daemons: string[];
};

/** What a restart will change; read once, before the first reset is sent. */
export async function readBeforeReset({ bmc, cluster, target }: NodeJob): Promise<BeforeReset> {
  const [node, pods, lastReset] = await Promise.all([
    cluster.node(target.node),
    cluster.pods(target.node),
    bmc.lastReset(),
  ]);
  const { bootId, kubeletVersion } = node;
  return { bootId, kubeletVersion, lastReset: factValue(lastReset) ?? null, daemons: readyDaemons(pods) };
}

/** Qualified names of the DaemonSets whose pod is ready among these. */
export function readyDaemons(pods: PodFacts[]): string[] {
  return pods.flatMap(({ namespace, controller, ready }) =>
    ready && controller?.kind === 'DaemonSet' ? qualifiedName({ namespace, name: controller.name }) : [],
  );
}

export type ResetOptions = {
  /** Runs on after a cancel: what is staged on the machine awaits it. */
  settling: boolean;
  /** Throws where the host may not be reset now; asked right before the request. */
  prove(job: NodeJob): Promise<void>;
};

export async function resetHost(job: NodeJob, before: BeforeReset, { settling, prove }: ResetOptions): Promise<void> {
  const { bmc, target } = job;
  await job.effect<ResetType | null>({
    step: 'reset',
    action: 'resetHost',
    settling,
    async prepare() {
      const { type, ...where } = await bmc.resetTarget();
      return { before, request: { target: target.bmcUrl, ...where, bodyDigest: digestOf({ ResetType: type }) } };
    },
    async prove() {
      await proveIdentity(job);
      await prove(job);
      await proveNoRemediator(job);
      await proveQuorum(job);
      await proveNoTask(job);
    },
    async send(grant) {
      const { type } = await bmc.resetTarget();
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
  const settledAt = Date.now() + timings.resetSettleMs;
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
    const evidence = `the old boot ID still renews its lease ${Math.round(timings.resetSettleMs / 1000)} s later`;
    return { value: { finding: 'not-happened', evidence } };
  };
  const by = settledAt + 60_000;
  return waitFor({ what: 'evidence of the reset', everyMs: timings.pollMs, by, look }).catch(
    thrown => ({ finding: 'ambiguous', evidence: FleetError.from(thrown).message }) as const,
  );
}
