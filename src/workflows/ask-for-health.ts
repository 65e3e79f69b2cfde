/** Asks for one health plan in the name of the program itself, and not again and again for what was answered. */
import type { Bmcs } from '../core/bmc.ts';
import type { ChangeAnswer } from '../core/change.ts';
import type { Clusters } from '../core/cluster.ts';
import type { NodeFacts } from '../core/cluster-facts.ts';
import { FleetError } from '../core/errors.ts';
import { type FleetCluster, type FleetNode, servicePerson } from '../core/fleet.ts';
import type { HealthAct } from '../core/plan.ts';
import type { Records } from '../core/records.ts';
import type { Caller } from '../core/tool.ts';
import type { Approvals } from '../guard/approvals.ts';
import type { StorePlan } from '../guard/store-plan.ts';
import type { CordonMemory } from '../health/cordon-memory.ts';
import { planForHealth, planOf } from '../operations/plan-for-health.ts';

export type AskParts = {
  bmcs: Bmcs;
  clusters: Clusters;
  records: Pick<Records, 'plans' | 'approvals' | 'hosts'>;
  storePlan: StorePlan;
  requestStart: Approvals['requestStart'];
  log: Log;
};

export type Log = { info(fields: object, message: string): void; warn(fields: object, message: string): void };

export type Wish = { cluster: FleetCluster; entry: FleetNode; node: NodeFacts; health: HealthAct };
export type Asker = {
  /** Whether an operation was started. */
  ask(wish: Wish): Promise<boolean>;
  /** Whether the same was answered a while ago, so that it is not asked again yet. */
  isQuiet(node: string, act: HealthAct['act']): boolean;
};

type Memory = {
  change(with_: (before: CordonMemory) => CordonMemory): Promise<void>;
  /** Counts one more cordon; false where no more may be asked for. */
  count(): Promise<boolean>;
};

/** Milliseconds for which the same is not asked again. Each time that it is adds a plan and a decision to the record. */
const quietMs = { answered: 15 * 60_000, denied: 3_600_000, failed: 60_000 };

const caller: Caller = { person: servicePerson, channel: 'watch', scope: 'execute' };

export function asker(parts: AskParts & { memory: Memory }): Asker {
  const { records, storePlan, requestStart, log, memory } = parts;
  const quietUntil = new Map<string, number>();

  return { ask, isQuiet };

  function isQuiet(node: string, act: HealthAct['act']): boolean {
    return (quietUntil.get(`${node} ${act}`) ?? 0) > Date.now();
  }

  async function ask(wish: Wish): Promise<boolean> {
    const { entry, health } = wish;
    const key = `${entry.name} ${health.act}`;
    if (isQuiet(entry.name, health.act)) return false;
    try {
      const answer = (await isPending(wish)) ? 'approval_required' : await start(wish);
      if (answer) quietUntil.set(key, Date.now() + quietMs[answer === 'denied' ? 'denied' : 'answered']);
      return answer === 'started';
    } catch (thrown) {
      quietUntil.set(key, Date.now() + quietMs.failed);
      log.warn({ node: entry.name, error: FleetError.from(thrown) }, `asking for a ${health.act} failed`);
      return false;
    }
  }

  /** Undefined where it was not asked for, because there were too many. */
  async function start({ cluster, entry, node, health }: Wish): Promise<ChangeAnswer['status'] | undefined> {
    const draft = await planForHealth(parts, { cluster, entry, health });
    if (health.act === 'cordon' && !(await memory.count())) return undefined;
    const stored = await storePlan(draft, caller);
    await memory.change(before => reserved(before, { node, plan: stored.plan.id, health }));
    const answer = await requestStart(stored, caller);
    if (answer.status === 'denied' && health.act === 'cordon')
      await memory.change(before => ({
        ...before,
        asked: before.asked.slice(0, -1),
        held: without(before.held, node.name),
      }));
    const level = answer.status === 'denied' ? 'warn' : 'info';
    log[level](
      { node: entry.name, plan: answer.plan, operation: answer.operation, approval: answer.approval },
      `${health.act} for its hardware: ${answer.status}${answer.reasons.length > 0 ? `, ${answer.reasons.join('; ')}` : ''}`,
    );
    return answer.status;
  }

  /** Whether people have the same before them already. */
  async function isPending({ entry, health }: Wish): Promise<boolean> {
    const waiting = (await records.approvals.list('pending')).filter(each => each.requester === servicePerson.name);
    for (const { plan: id } of waiting) {
      const { plan } = await records.plans.get(id);
      if (plan.kind === planOf(health.act).kind && plan.targets.some(({ node }) => node === entry.name)) return true;
    }
    return false;
  }
}

/** What must be known after a crash between here and the effect. */
function reserved(
  before: CordonMemory,
  { node, plan, health }: { node: NodeFacts; plan: string; health: HealthAct },
): CordonMemory {
  const marked = [...new Set([...before.marked, node.name])];
  const held = before.held[node.name];
  switch (health.act) {
    case 'cordon': {
      const signals = health.signals.map(({ id }) => id);
      const mine = { plan, nodeUid: node.uid, signals, drainAsked: false };
      return { ...before, marked, held: { ...before.held, [node.name]: mine } };
    }
    case 'drain':
      return held ? { ...before, held: { ...before.held, [node.name]: { ...held, drainAsked: true } } } : before;
    case 'mark':
      return health.healthy ? before : { ...before, marked };
    case 'release':
      return before;
  }
}

export function without<T>(record: Record<string, T>, name: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));
}
