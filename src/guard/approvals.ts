/**
 * Asking to start a plan, and what people may do with the request: vote, take
 * back, break glass. All of it needs the person's presence: a stored token, an
 * IDE agent or a model has none. Every change of state commits together with
 * its custody entry.
 */
import type { Approval } from '../core/approval.ts';
import type { ChangeAnswer } from '../core/change.ts';
import { FleetError, unreachable } from '../core/errors.ts';
import { isServiceName } from '../core/fleet.ts';
import { newId } from '../core/ids.ts';
import { placeOf, type StoredPlan } from '../core/plan.ts';
import type { Policy, Requirement } from '../core/policy.ts';
import type { Records, Stores } from '../core/records.ts';
import type { Caller } from '../core/tool.ts';
import { type BreakGlassNotice, breakingGlass } from './approvals-break-glass.ts';
import { approvalMoves, by } from './approvals-moves.ts';
import { revoking } from './approvals-revoke.ts';
import { voting } from './approvals-vote.ts';
import { type Authority, type People, reasonsOf } from './authority.ts';
import { answerOf, askedBefore, unasked, unaskedAnswer } from './change-answers.ts';
import type { CustodyLog } from './custody/log.ts';
import type { Presence, ProvePresence } from './presence.ts';

export type Approvals = {
  requestStart(stored: StoredPlan, caller: Caller): Promise<ChangeAnswer>;
  vote(ballot: Ballot, caller: Caller): Promise<Approval>;
  /** Who asked withdraws the request, who voted takes the vote back; what runs under it stops at the next safe point. */
  revoke(intervention: Intervention, caller: Caller): Promise<Approval>;
  /** Starts the plan of a pending request without its votes. */
  breakGlass(intervention: Intervention, caller: Caller): Promise<Approval>;
  /** Moves requests past their time to `expired`; every reader calls it first. */
  expireDue(): Promise<void>;
};

/** What a person does about a request, being there. */
export type Intervention = { approval: string; reason: string; presence: Presence };

export type Ballot = Intervention & { vote: 'approve' | 'reject' };

export type ApprovalLimits = {
  /** Requests of one person that may wait at once. */
  maxPendingPerPerson: number;
  /** How long an operation may begin anything but settling steps, in milliseconds from its start. */
  executeForMs: number;
};

export type ApprovalsParts = {
  records: Records;
  custody: CustodyLog;
  policy: Policy;
  authority: Authority;
  people: People;
  limits: ApprovalLimits;
  provePresence: ProvePresence;
  /** Hands a committed operation to the engine; called after the commit, again at every start of the service. */
  launch(operation: string): Promise<void>;
  /** Told where that failed. The operation is committed, so that the next look at what is queued launches it. */
  notLaunched?(operation: string, error: unknown): void;
  /** Tells everybody that somebody broke glass; must not throw. */
  announce(notice: BreakGlassNotice): void;
  now?: () => Date;
};

export function createApprovals(given: ApprovalsParts): Approvals {
  const { records, custody, policy, authority, limits, now = () => new Date() } = given;
  const moves = approvalMoves({ records, custody, executeForMs: limits.executeForMs, now });
  // Nobody is to hear that their vote failed which stands.
  const launch = (operation: string) =>
    given.launch(operation).catch(error => void given.notLaunched?.(operation, error));
  const parts = { ...given, moves, now, launch };

  async function requestStart(stored: StoredPlan, caller: Caller): Promise<ChangeAnswer> {
    const { plan, digest } = stored;
    if (new Date(plan.expiresAt) <= now())
      throw new FleetError({
        code: 'precondition_failed',
        message: `plan ${plan.id} expired at ${plan.expiresAt}`,
        hint: 'make a new plan',
      });
    await moves.expireDue();
    const earlier = await records.approvals.forPlan(plan.id);
    if (earlier) return askedBefore(stored, earlier);
    const conditions = await authority.conditions(plan);
    const decision = authority.decide({ plan, requester: caller.person, via: caller.channel, conditions });
    const reasons = reasonsOf(decision);
    const entry = {
      type: 'decision',
      action: plan.action,
      plan: plan.id,
      digest,
      verdict: decision.verdict,
      policy: policy.digest,
      reasons,
      ...by(caller),
      resource: placeOf(plan),
    } as const;
    switch (decision.verdict) {
      case 'deny':
        await custody.append(entry);
        return answerOf(stored, 'denied', reasons);
      case 'allow': {
        // Nobody votes on what begins now, so it is the person who has to want it, and not the model alone.
        if (caller.agent && !caller.asked) {
          await custody.append({ ...entry, verdict: 'unasked', reasons: [unasked] });
          return unaskedAnswer(stored);
        }
        const { person: requester, channel } = caller;
        const operation = await records.transaction(async tx => {
          await custody.append(entry, tx.custody);
          return moves.open(tx, stored, { requester, channel, caller, conditions, reason: 'policy allows it' });
        });
        await launch(operation);
        return {
          ...answerOf(stored, 'started', reasons),
          operation,
          next: `follow it: groundskeeper get-operation ${operation} --watch`,
        };
      }
      case 'needs-approval': {
        const asked = requestFor(stored, caller, decision.requirements);
        const mine = await records.transaction(async tx => {
          if (!(await tx.approvals.insert(asked))) return false;
          await checkPending(tx, caller);
          await custody.append(entry, tx.custody);
          await moves.note(tx, asked, { plan, caller, reason: reasons.join('; ') });
          return true;
        });
        const kept = mine ? undefined : await records.approvals.forPlan(plan.id);
        return kept
          ? askedBefore(stored, kept)
          : answerOf(stored, 'approval_required', reasons, { ...asked, votes: [] });
      }
      default:
        return unreachable(decision);
    }
  }

  /** It waits until its plan expires, and no longer than the shortest life of a vote on it. */
  function requestFor({ plan, digest }: StoredPlan, caller: Caller, requirements: Requirement[]) {
    const at = now();
    const waitMs = Math.min(...requirements.map(need => need.ttlMs), Date.parse(plan.expiresAt) - at.getTime());
    return {
      id: newId('apr'),
      plan: plan.id,
      digest,
      requester: caller.person.name,
      channel: caller.channel,
      author: plan.author,
      state: 'pending' as const,
      requirements,
      createdAt: at.toISOString(),
      expiresAt: new Date(at.getTime() + waitMs).toISOString(),
    };
  }

  /** With the new request among those that wait. The program's own requests have limits of their own. */
  async function checkPending(tx: Stores, { person }: Caller): Promise<void> {
    const most = limits.maxPendingPerPerson;
    if (isServiceName(person.name) || (await tx.approvals.countPending(person.name)) <= most) return;
    throw new FleetError({
      code: 'precondition_failed',
      retry: 'later',
      message: `${person.name} has ${most} requests waiting for votes, and no more may wait at once`,
      hint: 'wait for votes, or withdraw one: groundskeeper approvals revoke <id>; they are listed by: groundskeeper approvals list',
    });
  }

  return {
    requestStart,
    vote: voting(parts),
    revoke: revoking(parts),
    breakGlass: breakingGlass(parts),
    expireDue: moves.expireDue,
  };
}
