/**
 * Emergencies in which nobody else can be reached. One person of a group that
 * the configuration names lets one plan begin without its votes, for minutes
 * and with everybody told. What policy forbids stays forbidden, and every check
 * before an effect stays.
 */
import type { Approval } from '../core/approval.ts';
import { placeOf } from '../core/plan.ts';
import type { Caller } from '../core/tool.ts';
import type { ApprovalsParts, Intervention } from './approvals.ts';
import { checkOpen, forbidden, recordedReason } from './approvals-eligibility.ts';
import { by, type Moves } from './approvals-moves.ts';
import { requesterOf } from './approvals-vote.ts';
import { reasonsOf } from './authority.ts';
import { deedOn } from './presence.ts';
import { demandRead, requestTools } from './record-reads.ts';

/** How long an operation that was begun so may begin steps, in milliseconds. */
const breakGlassMs = 15 * 60_000;

/** What everybody is told of. */
export type BreakGlassNotice = {
  approval: string;
  operation: string;
  plan: string;
  site: string;
  cluster: string;
  person: string;
  reason: string;
  /** RFC 3339. */
  until: string;
};

type Parts = ApprovalsParts & { moves: Moves; now(): Date };

export function breakingGlass(parts: Parts) {
  const { records, custody, policy, authority, people, moves, now } = parts;

  return async function breakGlass(intervention: Intervention, caller: Caller): Promise<Approval> {
    const person = caller.person.name;
    if (caller.channel !== 'cli' && caller.channel !== 'page')
      throw forbidden('only a person on the CLI or on the approval page breaks glass');
    const reason = recordedReason(intervention.reason, { needed: true });
    const asked = await records.approvals.get(intervention.approval);
    const { id, digest } = asked;
    const deed = deedOn('break-glass', asked);
    const { strength } = await parts.provePresence({ person, presence: intervention.presence, deed });
    await moves.expireDue();
    // An emergency waits for no window: its minutes would be over before one opens.
    const { waitForWindow: _, ...hurried } = (await records.plans.get(asked.plan)).plan;
    const conditions = await authority.conditions(hurried);
    const notice = await records.transaction(async tx => {
      const pending = await tx.approvals.hold(id);
      const stored = await tx.plans.get(pending.plan);
      const { plan } = stored;
      const context = { ...by(caller), resource: placeOf(plan) };
      const entry = { type: 'break-glass', approval: id, plan: plan.id, digest, reason, strength } as const;
      if (!authority.mayBreakGlass(person)) {
        await custody.append({ ...entry, counted: false, ...context }, tx.custody);
        return undefined;
      }
      checkOpen(pending, now());
      demandRead(policy, { tools: requestTools, places: plan.scopes, caller });
      const breakGlass = { by: person, reason, at: now().toISOString() };
      const approval: Approval = { ...pending, breakGlass };
      const requester = requesterOf(approval, stored, people);
      const said = authority.decide({ plan, requester, via: approval.channel, conditions, approval });
      if (said.verdict !== 'allow')
        throw forbidden(`policy denies it, and no emergency changes that: ${reasonsOf(said).join('; ')}`);
      await custody.append({ ...entry, counted: true, ...context }, tx.custody);
      const why = `break-glass by ${person}: ${reason}`;
      const { channel } = approval;
      const start = { requester, channel, caller, approval: id, reason: why, forMs: breakGlassMs };
      const operation = await moves.open(tx, stored, start);
      await moves.move(tx, approval, {
        from: 'pending',
        to: 'approved',
        operation,
        breakGlass,
        plan,
        caller,
        reason: why,
      });
      await tx.operations.addEvent(operation, 'break-glass', { step: 'break-glass', status: 'started', message: why });
      const until = new Date(now().getTime() + breakGlassMs).toISOString();
      return { approval: id, operation, plan: plan.id, ...placeOf(plan), person, reason, until };
    });
    if (!notice)
      throw forbidden(
        `${person} is not among those who may break glass`,
        'an administrator names their group under approvals.breakGlassGroup in groundskeeper.yaml',
      );
    parts.announce(notice);
    await parts.launch(notice.operation);
    return records.approvals.get(id);
  };
}
