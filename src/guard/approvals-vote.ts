/** One vote: its voter is there, may cast it, and with it policy is asked again under the rights of this moment. */
import type { Approval } from '../core/approval.ts';
import { FleetError } from '../core/errors.ts';
import { placeOf, type StoredPlan } from '../core/plan.ts';
import type { ConditionsOf } from '../core/policy.ts';
import type { Stores } from '../core/records.ts';
import type { Caller } from '../core/tool.ts';
import type { ApprovalsParts, Ballot } from './approvals.ts';
import { checkOpen, checkVoter, decidingChannel, recordedReason } from './approvals-eligibility.ts';
import { by, type Moves } from './approvals-moves.ts';
import { reasonsOf } from './authority.ts';
import { deedOn } from './presence.ts';
import { demandRead, requestTools } from './record-reads.ts';

type Deciding = { stored: StoredPlan; id: string; caller: Caller; conditions: ConditionsOf };

type Parts = ApprovalsParts & { moves: Moves; now(): Date };

export function voting(parts: Parts) {
  const { records, custody, policy, authority, people, moves, now } = parts;

  return async function vote(ballot: Ballot, caller: Caller): Promise<Approval> {
    const { person } = caller;
    const channel = decidingChannel(caller);
    const reason = recordedReason(ballot.reason, { needed: ballot.vote === 'reject' });
    const asked = await records.approvals.get(ballot.approval);
    const { id, digest } = asked;
    const { presence } = ballot;
    const { strength } = await parts.provePresence({ person: person.name, presence, deed: deedOn('vote', asked) });
    await moves.expireDue();
    const cast = { type: 'vote', approval: id, digest, vote: ballot.vote, reason, strength } as const;
    // Read before the transaction, which holds a connection of its own; each effect asks again.
    const conditions = await authority.conditions((await records.plans.get(asked.plan)).plan);
    const outcome = await records.transaction(async tx => {
      const approval = await tx.approvals.hold(id);
      const stored = await tx.plans.get(approval.plan);
      const context = { ...by(caller), resource: placeOf(stored.plan) };
      const refused = refusalOf(() => {
        checkOpen(approval, now());
        checkVoter(approval, { person, channel, vote: ballot.vote });
        // Nobody decides on what they may not read.
        demandRead(policy, { tools: requestTools, places: stored.plan.scopes, caller });
      });
      await custody.append({ ...cast, counted: !refused, ...context }, tx.custody);
      if (refused) return { refused };
      const from = new Set(approval.requirements.flatMap(need => need.from));
      const groups = person.groups.filter(group => from.has(group));
      const at = now().toISOString();
      await tx.approvals.addVote(id, {
        digest,
        person: person.name,
        groups,
        channel,
        strength,
        vote: ballot.vote,
        reason,
        at,
      });
      if (ballot.vote === 'approve') return { operation: await decideAgain(tx, { stored, id, caller, conditions }) };
      await moves.move(tx, approval, { from: 'pending', to: 'rejected', plan: stored.plan, caller, reason });
      return {};
    });
    if (outcome.refused) throw outcome.refused;
    if (outcome.operation) await parts.launch(outcome.operation);
    return records.approvals.get(id);
  };

  /** With one vote more: opens the operation once policy is satisfied. */
  async function decideAgain(tx: Stores, { stored, id, caller, conditions }: Deciding): Promise<string | undefined> {
    const approval = await tx.approvals.get(id);
    const requester = requesterOf(approval, stored, people);
    const decision = authority.decide({ plan: stored.plan, requester, via: approval.channel, conditions, approval });
    if (decision.verdict === 'needs-approval') return undefined;
    if (decision.verdict === 'deny')
      throw new FleetError({ code: 'forbidden', message: `policy denies it now: ${reasonsOf(decision).join('; ')}` });
    const reason = `approved by ${approval.votes.map(cast => cast.person).join(', ')}`;
    const { channel } = approval;
    const operation = await moves.open(tx, stored, { requester, channel, caller, conditions, approval: id, reason });
    await moves.move(tx, approval, { from: 'pending', to: 'approved', operation, plan: stored.plan, caller, reason });
    return operation;
  }
}

/** Who asked, if they still may be told from the configuration. Throws also when the request is for another plan. */
export function requesterOf(approval: Approval, stored: StoredPlan, people: ApprovalsParts['people']) {
  if (approval.digest !== stored.digest)
    throw new FleetError({
      code: 'conflict',
      message: `request ${approval.id} is for another plan than plan ${stored.plan.id}`,
    });
  const requester = people.find(approval.requester);
  if (requester) return requester;
  throw new FleetError({ code: 'forbidden', message: `${approval.requester}, who asked, is not known any more` });
}

/** What a check refuses with; anything but a refusal is thrown on. */
function refusalOf(check: () => void): FleetError | undefined {
  try {
    check();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof FleetError) return thrown;
    throw thrown;
  }
}
