/**
 * Taking an approval back. Who asked ends the request; who voted takes the vote
 * out while others are still missing, and ends the approval once it is given.
 * An operation that runs under it then begins nothing more, and what has
 * changed a machine already settles.
 */
import type { Approval } from '../core/approval.ts';
import { FleetError } from '../core/errors.ts';
import { hasEnded } from '../core/operation.ts';
import { placeOf, type StoredPlan } from '../core/plan.ts';
import type { Stores } from '../core/records.ts';
import type { Caller } from '../core/tool.ts';
import type { ApprovalsParts, Intervention } from './approvals.ts';
import { decidingChannel, recordedReason } from './approvals-eligibility.ts';
import { by, type Moves } from './approvals-moves.ts';
import { deedOn } from './presence.ts';

type Parts = ApprovalsParts & { moves: Moves; now(): Date };

export function revoking(parts: Parts) {
  const { records, custody, moves, now } = parts;

  return async function revoke(intervention: Intervention, caller: Caller): Promise<Approval> {
    decidingChannel(caller);
    const reason = recordedReason(intervention.reason, { needed: true });
    const asked = await records.approvals.get(intervention.approval);
    const { id, digest } = asked;
    const person = caller.person.name;
    const { strength } = await parts.provePresence({
      person,
      presence: intervention.presence,
      deed: deedOn('revoke', asked),
    });
    await moves.expireDue();
    await records.transaction(async tx => {
      const approval = await tx.approvals.hold(id);
      const stored = await tx.plans.get(approval.plan);
      const voted = approval.votes.some(vote => vote.person === person && vote.vote === 'approve');
      const began = person === approval.requester || person === approval.breakGlass?.by;
      if (!began && !voted) throw noPartOf(approval, person);
      if (approval.state !== 'pending' && approval.state !== 'approved')
        throw nothingToRevoke(approval, approval.state);
      if (approval.state === 'pending' && !began) {
        const entry = { type: 'vote', approval: id, digest, vote: 'revoke', reason, strength, counted: true } as const;
        await custody.append({ ...entry, ...by(caller), resource: placeOf(stored.plan) }, tx.custody);
        await tx.approvals.removeVote(id, person);
      } else await end(tx, { approval, stored, caller, reason });
    });
    return records.approvals.get(id);
  };

  async function end(
    tx: Stores,
    { approval, stored, caller, reason }: { approval: Approval; stored: StoredPlan; caller: Caller; reason: string },
  ) {
    const { operation, state: from } = approval;
    const person = caller.person.name;
    if (operation) {
      const { state } = await tx.operations.get(operation);
      if (hasEnded(state)) throw nothingToRevoke(approval, `over: its operation ${operation} is ${state}`);
      await tx.operations.requestCancel(operation, person, { revoked: true });
    }
    const closing = { by: person, reason, at: now().toISOString() };
    await moves.move(tx, approval, { from, to: 'revoked', operation, closing, plan: stored.plan, caller, reason });
  }
}

function noPartOf({ id, requester }: Approval, person: string): FleetError {
  return new FleetError({
    code: 'forbidden',
    message: `${person} neither asked for ${id} nor voted for it, so there is nothing of theirs to take back`,
    hint: `${requester} asked for it; a running operation can be stopped with cancel-operation`,
  });
}

function nothingToRevoke({ id }: Approval, stands: string): FleetError {
  return new FleetError({
    code: 'conflict',
    message: `request ${id} is ${stands}; there is nothing left to take back`,
  });
}
