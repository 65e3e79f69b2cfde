/** The gate after a node: it is back for good, its hardware is well, and the operators' own checks hold. */
import { FleetError } from '../core/errors.ts';
import { criticalIds, judgeDaemons, judgeHardware, judgeReady } from '../planning/gates.ts';
import type { NodeJob } from './job.ts';
import { passGates, passOwnChecks } from './pass-gates.ts';
import { readyDaemons } from './reset-host.ts';

/** What the gate compares with. */
export type BeforeGate = {
  /** DaemonSets whose pod on the node was ready. */
  daemons: string[];
  /** Ids of the critical findings that stood. */
  critical: string[];
};

/** Read before anything is changed. */
export async function readBeforeGate({ cluster, hardware, target }: NodeJob): Promise<BeforeGate> {
  const [pods, watch] = await Promise.all([cluster.pods(target.node), hardware(target.node)]);
  return { daemons: readyDaemons(pods), critical: criticalIds(watch.findings(target.node)) };
}

/** `bootId`: of the boot that was proved. */
type Passed = { before: BeforeGate; bootId: string; by: number };

/** Answers what it saw, with figures. Throws as {@link passGates} does. */
export async function passNodeGate(job: NodeJob, { before, bootId, by }: Passed): Promise<string> {
  const { cluster, plan, target, timings } = job;
  const { gates, soakMs } = plan;
  if (!gates) throw new FleetError({ code: 'internal', message: `plan ${plan.id} has no gate to pass` });
  const begun = by - timings.gateMs;
  const at = {
    what: `the gate after ${target.node}`,
    pollMs: timings.pollMs,
    tell: (message: string) => job.report('steady', 'progress', message),
  };
  let renewed = await cluster.leaseRenewed(target.node).catch(() => undefined);
  const seen = await passGates({
    ...at,
    by,
    async look() {
      const [node, now, pods] = await Promise.all([
        cluster.node(target.node),
        cluster.leaseRenewed(target.node),
        cluster.pods(target.node),
      ]);
      const lease = { before: renewed, now };
      renewed = now;
      const verdicts = [judgeReady({ node, bootId, lease, soakMs }), judgeDaemons(before.daemons, readyDaemons(pods))];
      if (!gates.hardware) return verdicts;
      const watch = await job.hardware(target.node);
      const findings = watch.findings(target.node);
      const readAt = watch.readAt(target.node);
      const hardware = judgeHardware({ findings, before: before.critical, readAt, readAfter: new Date(begun) });
      return [...verdicts, hardware];
    },
  });
  const subject = { site: target.site, cluster: target.cluster, node: target.node };
  const own = await passOwnChecks({ ...at, gates, after: 'node', configured: job.ownChecks, subject, begun });
  await job.keep('gate', 'steady', { node: seen, own });
  return [seen, own].filter(said => said !== '').join('; ');
}
