/**
 * How a request moves from one state to the next, and how its operation is
 * opened: always in the transaction of the caller, together with the custody
 * entry that tells it. Whoever comes second finds another state and is told so.
 */
import type { Approval } from '../core/approval.ts';
import { FleetError } from '../core/errors.ts';
import { type Person, servicePerson } from '../core/fleet.ts';
import { newId } from '../core/ids.ts';
import { type Plan, placeOf, type StoredPlan, targetOf } from '../core/plan.ts';
import type { ConditionsOf } from '../core/policy.ts';
import type { ApprovalChange, Records, Stores } from '../core/records.ts';
import { type Caller, viaOf } from '../core/tool.ts';
import type { CustodyLog } from './custody/log.ts';

type Parts = { records: Records; custody: CustodyLog; executeForMs: number; now(): Date };

/** `requester` asked through `channel`; `caller` is whose act opens the operation now. */
export type Start = {
  requester: Person;
  channel: string;
  caller: Caller;
  approval?: string;
  reason: string;
  /** How long it may begin anything but settling steps, in milliseconds; the configured time unless said. */
  forMs?: number;
  /** What was read before it began: that time is counted from when the last of its sites has had its window opened. */
  conditions?: ConditionsOf;
};

export type Move = ApprovalChange & { plan: Plan; caller?: Caller; reason: string };

export type Moves = ReturnType<typeof approvalMoves>;

export function approvalMoves({ records, custody, executeForMs, now }: Parts) {
  /** The operation's id. Throws `conflict` when the plan has led to one before. */
  async function open(tx: Stores, { plan, digest }: StoredPlan, start: Start): Promise<string> {
    const id = newId('op');
    const nodes = plan.waves.flatMap((wave, index) =>
      wave.map(node => {
        const { site, cluster } = targetOf(plan, node);
        return { node, site, cluster, wave: index + 1 };
      }),
    );
    const waits = [...(start.conditions?.values() ?? [])].map(({ waitsUntil = 0 }) => waitsUntil);
    const begins = Math.max(now().getTime(), ...waits);
    const created = await tx.operations.insert(
      {
        id,
        plan: plan.id,
        digest,
        kind: plan.kind,
        ...placeOf(plan),
        state: 'queued',
        reason: start.reason,
        requester: start.requester.name,
        channel: start.channel,
        approval: start.approval,
        revoked: false,
        executeUntil: new Date(begins + (start.forMs ?? executeForMs)).toISOString(),
        createdAt: now().toISOString(),
      },
      nodes,
    );
    if (!created)
      throw new FleetError({
        code: 'conflict',
        message: `plan ${plan.id} was started before`,
        hint: 'make a new plan',
      });
    const entry = { type: 'operation', operation: id, digest, state: 'queued', reason: start.reason } as const;
    await custody.append({ ...entry, ...by(start.caller), resource: placeOf(plan) }, tx.custody);
    return id;
  }

  /** Throws `conflict` when the request has left the state `from` meanwhile. Without a caller it moves by itself. */
  async function move(tx: Stores, approval: Omit<Approval, 'votes'>, { plan, caller, reason, ...change }: Move) {
    if (!(await tx.approvals.transition(approval.id, change))) throw decidedMeanwhile(approval.id);
    await note(tx, { ...approval, ...change, state: change.to }, { plan, caller, reason });
  }

  /** The custody entry of a request in its new state. */
  async function note(
    tx: Stores,
    { id, digest, state, operation }: Pick<Approval, 'id' | 'digest' | 'state' | 'operation'>,
    { plan, caller, reason }: { plan: Plan; caller?: Caller; reason: string },
  ) {
    const entry = { type: 'approval', approval: id, plan: plan.id, digest, state, operation, reason } as const;
    await custody.append({ ...entry, ...(caller ? by(caller) : itself), resource: placeOf(plan) }, tx.custody);
  }

  async function expire(id: string): Promise<void> {
    await records.transaction(async tx => {
      const approval = await tx.approvals.hold(id);
      if (approval.state !== 'pending') return;
      const { plan } = await tx.plans.get(approval.plan);
      const reason = `nobody decided before ${approval.expiresAt}`;
      const closing = { by: servicePerson.name, reason, at: now().toISOString() };
      await move(tx, approval, { from: 'pending', to: 'expired', closing, plan, reason });
    });
  }

  return {
    open,
    move,
    note,
    async expireDue(): Promise<void> {
      for (const id of await records.approvals.overdue(now())) await expire(id);
    },
  };
}

const itself = {
  actor: { sub: servicePerson.name, groups: servicePerson.groups },
  via: { channel: 'service' },
} as const;

function decidedMeanwhile(id: string): FleetError {
  return new FleetError({ code: 'conflict', message: `request ${id} was decided at the same moment` });
}

export function by(caller: Caller) {
  return {
    actor: { sub: caller.person.name, groups: caller.person.groups },
    via: viaOf(caller),
  };
}
