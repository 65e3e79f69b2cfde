/** One node's part of an operation: the ports, the target, and what every act needs to be found, reported and guarded. */
import type { Bmc, Bmcs } from '../core/bmc.ts';
import type { Cluster, Clusters } from '../core/cluster.ts';
import type { NodeFacts } from '../core/cluster-facts.ts';
import { FleetError } from '../core/errors.ts';
import type { EvidenceKind } from '../core/evidence.ts';
import type { FleetNow } from '../core/fleet.ts';
import { freezeOver, freezeText } from '../core/freeze.ts';
import type { OwnCheck } from '../core/gate.ts';
import type { ImageOffers } from '../core/images.ts';
import { type OperationEvent, stopReason } from '../core/operation.ts';
import { type Plan, type PlanTarget, targetOf } from '../core/plan.ts';
import { changeName, type PlannedChange } from '../core/planned-change.ts';
import type { Blast } from '../core/policy.ts';
import type { Records } from '../core/records.ts';
import type { Timings } from '../core/timings.ts';
import type { EffectSpec, PerformEffect } from '../guard/effects.ts';
import type { KeepEvidence } from '../guard/keep-evidence.ts';
import { blastNow, endangered } from '../planning/blast.ts';
import { readDown } from './at-work.ts';
import type { HardwareWatch } from './hardware-now.ts';
import { proveRoomBeside } from './prove-room-beside.ts';
import { proveNotOurs } from './refuse-own-hosts.ts';
import type { WindowOf } from './site-windows.ts';
import { factOf } from './survey.ts';
import { sharedRead } from './wait.ts';

export type Parts = FleetNow & {
  bmcs: Bmcs;
  clusters: Clusters;
  images: ImageOffers;
  records: Records;
  /** What is known of a server's hardware at this moment, whichever process looks at it. */
  hardware(node: string): Promise<HardwareWatch>;
  /** The operators' own checks of gates, as they are configured now. */
  ownChecks: readonly OwnCheck[];
  perform: PerformEffect;
  keepEvidence: KeepEvidence;
  /** What the calendar of a site says; what it throws means that nothing begins there. */
  windowOf: WindowOf;
  /** Asks people for one restart of the BMC, because a task is stuck on it. Answers what came of asking. */
  offerRecovery(node: string, why: string): Promise<string>;
  timings: Timings;
};

export type NodeJob = Parts & {
  operation: string;
  plan: Plan;
  target: PlanTarget;
  cluster: Cluster;
  bmc: Bmc;
  /** The one change of the target that this job makes; its name is part of every step's. */
  change?: { name: string; wanted: PlannedChange };
  leases: string[];
  /** The same job, for one change of its target. */
  of(change: number): NodeJob;
  /** As the records name a step: unique within the operation. */
  stepName(step: string): string;
  /** Shows the node at a step. */
  begin(step: string): Promise<void>;
  report(step: string, status: OperationEvent['status'], message: string): Promise<void>;
  /** Keeps beside the custody log what was seen, once for each `step`. That it could not be kept is told, and undoes no work. */
  keep(kind: EvidenceKind, step: string, content: unknown): Promise<void>;
  /** Why nothing more may begin on this node. */
  stopReason(): Promise<string | undefined>;
  /** Performs one effect on this node under the guard. */
  effect<T>(spec: JobEffect<T>): Promise<T>;
};

export type JobEffect<T> = Pick<
  EffectSpec<T>,
  'action' | 'settling' | 'prepare' | 'prove' | 'send' | 'observe' | 'describe'
> & {
  /** Within the node, and within its change where the job makes one. */
  step: string;
};

export async function openJob(parts: Parts, operation: string, node: string): Promise<NodeJob> {
  const { plan } = await parts.records.plans.get((await parts.records.operations.head(operation)).plan);
  const target = targetOf(plan, node);
  const cluster = parts.clusters.of(target.cluster);
  // Effects that begin together, such as a node's evictions, share the look that is under way, and never an older one.
  const nodes = sharedRead(() => cluster.nodes(), 0);
  const leases = leasesOf(plan, node);
  const jobFor = (change?: NamedChange): NodeJob => {
    const within = (step: string) => (change ? `${change.name}/${step}` : step);
    const stepName = (step: string) => `${node}/${within(step)}`;
    return {
      ...parts,
      operation,
      plan,
      target,
      cluster,
      bmc: parts.bmcs.of(node),
      ...(change ? { change } : {}),
      leases,
      of: index => jobFor(namedChange(target, index)),
      stepName,
      begin: step => showAt(parts, operation, { node, step: within(step), message: '' }),
      async report(step, status, message) {
        const key = `${stepName(step)}/${status}/${message}`;
        await showAt(parts, operation, { node, step: within(step), message });
        await told(parts.records.operations.addEvent(operation, key, { node, step: within(step), status, message }));
      },
      async keep(kind, step, content) {
        const named = stepName(step);
        await parts.keepEvidence({ operation, node, step: named, kind, content }).catch(thrown => {
          const message = `evidence was not kept (${kind}): ${FleetError.from(thrown).message}`;
          const event = { node, step: within(step), status: 'progress', message } as const;
          return told(parts.records.operations.addEvent(operation, `${named}/${kind} lost`, event));
        });
      },
      stopReason: () => whyStopped(parts, operation, node),
      effect: spec =>
        parts.perform({
          ...spec,
          operation,
          node,
          step: stepName(spec.step),
          leases,
          async blast() {
            const now = { target, nodes: await nodes() };
            const running = await readDown(parts.records);
            await proveNotOurs(parts, plan, now);
            await proveRoomBeside(parts, plan, { target, running });
            return currentBlast(parts, plan, { ...now, running });
          },
        }),
    };
  };
  return jobFor();
}

type NamedChange = NonNullable<NodeJob['change']>;

function namedChange({ node, changes = [] }: PlanTarget, index: number): NamedChange {
  const wanted = changes[index];
  if (wanted) return { name: changeName(wanted, index), wanted };
  throw new FleetError({ code: 'internal', message: `the plan has no change ${index + 1} for ${node}` });
}

/** Why nothing more may begin on the node: of this operation, or of any. */
export async function whyStopped(
  { records }: Pick<Parts, 'records'>,
  id: string,
  node: string,
): Promise<string | undefined> {
  const { operations } = records;
  const [operation, part, freezes] = await Promise.all([
    operations.head(id),
    operations.part(id, node),
    records.freezes.standing(),
  ]);
  const freeze = freezeOver(part ?? operation, freezes);
  return stopReason(operation) ?? (freeze && freezeText(freeze));
}

/** The keys that one operation alone may hold while it works on this node: the node, all behind its BMC, and the control plane. */
export function leasesOf(plan: Plan, node: string): string[] {
  const { cluster, bmcUrl, role } = targetOf(plan, node);
  const member = role === 'control-plane' ? [`control-plane:${cluster}`] : [];
  return [`node:${cluster}/${node}`, `bmc:${bmcUrl}`, ...member];
}

function showAt({ records }: Parts, operation: string, at: { node: string; step: string; message: string }) {
  return told(records.operations.showNode(operation, at));
}

/** Telling how far the work is never undoes the work: a word that could not be stored is lost. */
async function told(telling: Promise<void>): Promise<void> {
  await telling.catch(() => undefined);
}

/** The plan's blast with today's facts: nodes unavailable for any reason, those any operation works on, and this one. */
async function currentBlast(
  parts: Parts,
  plan: Plan,
  { target, ...moment }: { target: PlanTarget; nodes: NodeFacts[]; running: string[] },
): Promise<Blast> {
  if (endangered(plan, target.node, moment).length === 0) return blastNow(plan, target.node, moment);
  const etcd = await factOf(() => parts.clusters.of(target.cluster).etcd());
  return blastNow(plan, target.node, { ...moment, etcd });
}
