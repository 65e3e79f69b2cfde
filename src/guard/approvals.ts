/**
 * Asking to start a plan, and voting on it. A vote needs the voter's
 * passphrase each time: a stored token, an IDE agent or a model has none.
 * Every change of state commits together with its custody entry.
 */
import type { Approval } from '../core/approval.ts';
import type { ChangeAnswer } from '../core/change.ts';
import { FleetError } from '../core/errors.ts';
import { isServiceName, type Person } from '../core/fleet.ts';
import { newId } from '../core/ids.ts';
import type { Plan, StoredPlan } from '../core/plan.ts';
import type { Conditions, Policy } from '../core/policy.ts';
import type { Records, Stores } from '../core/records.ts';
import type { Caller } from '../core/tool.ts';
import { type Authority, type People, reasonsOf } from './authority.ts';
import { answerOf, askedBefore } from './change-answers.ts';
import type { CustodyLog } from './custody/log.ts';
import type { Presence, ProvePresence } from './presence.ts';

export type Approvals = {
  requestStart(stored: StoredPlan, caller: Caller): Promise<ChangeAnswer>;
  vote(ballot: Ballot, caller: Caller): Promise<Approval>;
  /** Moves requests past their time to `expired`; every reader calls it first. */
  expireDue(): Promise<void>;
};

export type Ballot = { approval: string; vote: 'approve' | 'reject'; reason: string; presence: Presence };

export type ApprovalsParts = {
  records: Records;
  custody: CustodyLog;
  policy: Policy;
  authority: Authority;
  people: People;
  provePresence: ProvePresence;
  /** Hands a committed operation to the engine; called after the commit, again at every start of the service. */
  launch(operation: string): Promise<void>;
  now?: () => Date;
};

/** `requester` asked through `channel`; `caller` is whose act opens the operation now. */
type Start = { requester: Person; channel: string; caller: Caller; approval?: string; reason: string };

type Deciding = { stored: StoredPlan; id: string; caller: Caller; conditions: Conditions };

export function createApprovals(parts: ApprovalsParts): Approvals {
  const { records, custody, policy, authority, people, launch } = parts;
  const now = parts.now ?? (() => new Date());

  async function openOperation(tx: Stores, stored: StoredPlan, start: Start) {
    const { plan, digest } = stored;
    const id = newId('op');
    const nodes = plan.waves.flatMap((wave, index) => wave.map(node => ({ node, wave: index + 1 })));
    const created = await tx.operations.insert(
      {
        id,
        plan: plan.id,
        digest,
        kind: plan.kind,
        site: plan.site,
        cluster: plan.cluster,
        state: 'queued',
        reason: start.reason,
        requester: start.requester.name,
        channel: start.channel,
        approval: start.approval,
        revoked: false,
        executeUntil: plan.expiresAt,
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
    await custody.append({ ...entry, ...by(start.caller), resource: where(plan) }, tx.custody);
    return id;
  }

  async function requestStart(stored: StoredPlan, caller: Caller): Promise<ChangeAnswer> {
    const { plan, digest } = stored;
    if (new Date(plan.expiresAt) <= now())
      throw new FleetError({
        code: 'precondition_failed',
        message: `plan ${plan.id} expired at ${plan.expiresAt}`,
        hint: 'make a new plan',
      });
    await approvals.expireDue();
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
      resource: where(plan),
    } as const;
    switch (decision.verdict) {
      case 'deny':
        await custody.append(entry);
        return answerOf(stored, 'denied', reasons);
      case 'allow': {
        const operation = await records.transaction(async tx => {
          await custody.append(entry, tx.custody);
          return openOperation(tx, stored, {
            requester: caller.person,
            channel: caller.channel,
            caller,
            reason: 'policy allows it',
          });
        });
        await launch(operation);
        return {
          ...answerOf(stored, 'started', reasons),
          operation,
          next: `follow it: groundskeeper get-operation ${operation} --watch`,
        };
      }
      case 'needs-approval': {
        const ttl = Math.min(
          ...decision.requirements.map(need => need.ttlMs),
          Date.parse(plan.expiresAt) - now().getTime(),
        );
        const approval: Approval = {
          id: newId('apr'),
          plan: plan.id,
          digest,
          requester: caller.person.name,
          channel: caller.channel,
          author: plan.author,
          state: 'pending',
          requirements: decision.requirements,
          votes: [],
          createdAt: now().toISOString(),
          expiresAt: new Date(now().getTime() + ttl).toISOString(),
        };
        const mine = await records.transaction(async tx => {
          if (!(await tx.approvals.insert(approval))) return false;
          await custody.append(entry, tx.custody);
          return true;
        });
        const kept = mine ? undefined : await records.approvals.forPlan(plan.id);
        return kept ? askedBefore(stored, kept) : answerOf(stored, 'approval_required', reasons, approval);
      }
    }
  }

  /** Throws unless this person may vote on this request at all. */
  function checkEligible(approval: Approval, person: Person): void {
    if (approval.state !== 'pending')
      throw new FleetError({
        code: 'conflict',
        message: `request ${approval.id} is ${approval.state}; votes are closed`,
      });
    if (isServiceName(person.name))
      throw new FleetError({ code: 'forbidden', message: 'the program itself never votes' });
    if (person.name === approval.requester)
      throw new FleetError({
        code: 'forbidden',
        message: `${person.name} asked for this plan and cannot vote on it`,
        hint: 'another person has to',
      });
    if (person.name === approval.author)
      throw new FleetError({
        code: 'forbidden',
        message: `${person.name} made this plan and cannot vote on it`,
        hint: 'another person has to',
      });
    const from = approval.requirements.flatMap(need => need.from);
    if (!person.groups.some(group => from.includes(group)))
      throw new FleetError({
        code: 'forbidden',
        message: `${person.name} is in none of the groups that may vote: ${from.join(', ')}`,
      });
    if (approval.votes.some(vote => vote.person === person.name))
      throw new FleetError({ code: 'conflict', message: `${person.name} has voted on ${approval.id} before` });
  }

  async function vote(ballot: Ballot, caller: Caller): Promise<Approval> {
    const person = caller.person;
    const { channel } = caller;
    if (channel === 'mcp' || channel === 'watch')
      throw new FleetError({
        code: 'forbidden',
        message: channel === 'mcp' ? 'votes are not taken over MCP' : 'the program itself never votes',
        hint: 'vote on the CLI, with your passphrase',
      });
    const { id, digest } = await records.approvals.get(ballot.approval);
    const { strength } = await parts.provePresence({
      person: person.name,
      presence: ballot.presence,
      approval: { id, digest },
    });
    await approvals.expireDue();
    const approval = await records.approvals.get(id);
    const stored = await records.plans.get(approval.plan);
    const cast = {
      type: 'vote',
      approval: approval.id,
      digest: approval.digest,
      vote: ballot.vote,
      reason: ballot.reason,
    } as const;
    const context = { ...by(caller), resource: where(stored.plan) };
    try {
      checkEligible(approval, person);
    } catch (thrown) {
      await custody.append({ ...cast, counted: false, ...context });
      throw thrown;
    }
    // Read before the transaction, which holds a connection of its own.
    const conditions = await authority.conditions(stored.plan);
    const operation = await records.transaction(async tx => {
      const at = now().toISOString();
      if (
        !(await tx.approvals.addVote(approval.id, {
          digest,
          person: person.name,
          groups: person.groups.filter(group => approval.requirements.some(need => need.from.includes(group))),
          channel,
          strength,
          vote: ballot.vote,
          reason: ballot.reason,
          at,
        }))
      )
        throw new FleetError({ code: 'conflict', message: `${person.name} has voted on ${approval.id} before` });
      await custody.append({ ...cast, counted: true, ...context }, tx.custody);
      if (ballot.vote === 'reject') {
        await closed(tx, approval, 'rejected');
        return undefined;
      }
      return decideAgain(tx, { stored, id: approval.id, caller, conditions });
    });
    if (operation) await launch(operation);
    return records.approvals.get(approval.id);
  }

  /** With one vote more: opens the operation once policy is satisfied, under the rights of this moment. */
  async function decideAgain(tx: Stores, { stored, id, caller, conditions }: Deciding): Promise<string | undefined> {
    const approval = await tx.approvals.get(id);
    if (approval.state !== 'pending') throw decidedMeanwhile(id);
    if (approval.digest !== stored.digest)
      throw new FleetError({
        code: 'conflict',
        message: `request ${id} is for another plan than plan ${stored.plan.id}`,
      });
    const requester = people.find(approval.requester);
    if (!requester)
      throw new FleetError({ code: 'forbidden', message: `${approval.requester}, who asked, is not known any more` });
    const decision = authority.decide({ plan: stored.plan, requester, via: approval.channel, conditions, approval });
    if (decision.verdict === 'needs-approval') return undefined;
    if (decision.verdict === 'deny')
      throw new FleetError({ code: 'forbidden', message: `policy denies it now: ${reasonsOf(decision).join('; ')}` });
    const voters = approval.votes.map(cast => cast.person).join(', ');
    const operation = await openOperation(tx, stored, {
      requester,
      channel: approval.channel,
      caller,
      approval: id,
      reason: `approved by ${voters}`,
    });
    await closed(tx, approval, 'approved', operation);
    return operation;
  }

  async function closed(tx: Stores, approval: Approval, state: 'approved' | 'rejected', operation?: string) {
    if (await tx.approvals.transition(approval.id, { from: 'pending', to: state, operation })) return;
    throw decidedMeanwhile(approval.id);
  }

  const approvals: Approvals = {
    requestStart,
    vote,
    async expireDue() {
      for (const approval of await records.approvals.list('pending'))
        if (new Date(approval.expiresAt) <= now())
          await records.approvals.transition(approval.id, { from: 'pending', to: 'expired' });
    },
  };
  return approvals;
}

function decidedMeanwhile(id: string): FleetError {
  return new FleetError({ code: 'conflict', message: `request ${id} was decided at the same moment` });
}

function by(caller: Caller) {
  return {
    actor: { sub: caller.person.name, groups: caller.person.groups },
    via: { channel: caller.channel, client: caller.client },
  };
}

function where(plan: Plan) {
  return { site: plan.site, cluster: plan.cluster };
}
