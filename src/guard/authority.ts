/**
 * Whether an effect may happen now. Nothing decided earlier is trusted: the
 * plan's digest, the operation's state, the votes under today's rights, the
 * policy with today's facts and the node's lease are read again each time.
 * Whatever cannot be read means no.
 */
import type { Approval, ApprovalState } from '../core/approval.ts';
import type { Actor, CustodyResource } from '../core/custody.ts';
import { FleetError } from '../core/errors.ts';
import { type FleetNow, isServiceName, type Person, tighter } from '../core/fleet.ts';
import { freezeOver, freezeText } from '../core/freeze.ts';
import { notAdvanced, type OperationHead, stopReason } from '../core/operation.ts';
import { type Plan, type PlanScope, type PlanTarget, scopeOf, targetOf } from '../core/plan.ts';
import {
  type Blast,
  type Conditions,
  type ConditionsOf,
  type Decision,
  type Policy,
  type Requirement,
  votesWanted,
  type WindowFacts,
} from '../core/policy.ts';
import { effectStates, type Stores } from '../core/records.ts';
import { together } from './together.ts';
import { meets } from './vote-count.ts';

export type People = {
  /** As last read, where there is something to read. */
  find(name: string): Person | undefined;
  /** Reads again what another process may have been told of them; to be awaited before what they may do is decided. */
  read?(): Promise<void>;
};

export type AuthorityParts = {
  records: Stores;
  policy: Policy;
  people: People;
  /** What the calendar of the plan's site says; what it throws means no. */
  windowOf(plan: Plan, site: string): Promise<WindowFacts>;
  /** As configured now: a plan's own may have been lowered since. */
  budgetOf: FleetNow['budgetOf'];
  /** Whose word may stand for the votes in an emergency; nobody's when left out. */
  breakGlassGroup?: string;
  now?: () => Date;
};

type EffectRequestFor = {
  operation: string;
  node: string;
  action: string;
  settling: boolean;
  leases: string[];
  blast(): Promise<Blast>;
};

/** `at`: of one cluster of the plan only, with its blast of this moment. */
export type Ask = {
  plan: Plan;
  requester: Person;
  via: string;
  /** Of each cluster that is asked about. */
  conditions: ConditionsOf;
  approval?: Approval;
  at?: { target: PlanTarget; blast: Blast };
  /** The moment for which votes are counted; now when left out. */
  asOf?: Date;
};

type Start = { operation: OperationHead; plan: Plan; target: PlanTarget; approval?: Approval | undefined };

export type Stamp = { actor: Actor; via: { channel: 'service' }; resource: CustodyResource };

export type Authority = {
  /** What holds now for the start of this plan. */
  conditions(plan: Plan): Promise<ConditionsOf>;
  /** Whether this person's word may stand for the votes in an emergency. */
  mayBreakGlass(person: string): boolean;
  /** Policy's word on starting a plan: its requirements of today, met by the votes under the rights people have today. */
  decide(ask: Ask): Decision;
  /** Passes, or throws `forbidden` with the reason, `stopped` where the operation or all changes are. */
  allow(effect: EffectRequestFor): Promise<{ digest: string; actor: Actor }>;
  /** Who and what a custody entry of this effect is about. */
  stamp(effect: { operation: string; node: string }, actor?: Actor): Promise<Stamp>;
};

const anyTime: WindowFacts = { open: true, closesInMs: Number.MAX_SAFE_INTEGER, expectedMs: 0 };

/** Votes of a request that ended otherwise than by being approved clear nothing. */
const living: ApprovalState[] = ['pending', 'approved'];

export function createAuthority(parts: AuthorityParts): Authority {
  const { records, policy, people, windowOf, budgetOf, now = () => new Date() } = parts;

  function clears(need: Requirement, approval: Approval, asOf: Date): boolean {
    if (approval.breakGlass && mayBreakGlass(approval.breakGlass.by)) return true;
    return meets(need, approval, { find: people.find, asOf });
  }

  function mayBreakGlass(name: string): boolean {
    const group = parts.breakGlassGroup;
    return group !== undefined && !isServiceName(name) && (people.find(name)?.groups.includes(group) ?? false);
  }

  const authority: Authority = {
    mayBreakGlass,

    decide(ask) {
      const { plan, at } = ask;
      const scopes = at ? [{ ...scopeOf(plan, at.target), blast: at.blast }] : plan.scopes;
      const decided = scopes.map(scope => {
        const conditions = ask.conditions.get(scope.cluster);
        if (!conditions) throw new Error(`nothing was read of what holds in ${scope.cluster}`);
        return decideScope(ask, scope, conditions);
      });
      return together(decided);
    },

    async conditions(plan) {
      await people.read?.();
      const standing = await records.freezes.standing();
      const read = plan.scopes.map(async (scope): Promise<[string, Conditions]> => {
        const frozen = freezeOver(scope, standing) !== undefined;
        const window = await windowOf(plan, scope.site);
        const { opensAt } = window;
        if (!plan.waitForWindow || opensAt === undefined) return [scope.cluster, { frozen, window }];
        // What may wait for its window is not refused for the lack of one now; its nodes are, until then.
        return [scope.cluster, { frozen, window: anyTime, waitsUntil: opensAt }];
      });
      return new Map(await Promise.all(read));
    },

    async allow(effect) {
      const operation = await records.operations.head(effect.operation);
      const { plan, digest } = await records.plans.get(operation.plan);
      if (operation.digest !== digest) throw refusal(effect, 'its plan is not the one that was started');
      const target = targetOf(plan, effect.node);
      if (operation.state !== 'running') throw refusal(effect, `operation ${operation.id} is ${operation.state}`);
      if (!(await records.leases.holds(effect.leases, operation.id)))
        throw refusal(effect, 'the lease on the node was lost');
      const approval = await records.approvals.forOperation(operation.id);
      if (approval && approval.digest !== digest) throw refusal(effect, 'the approval is for another plan');
      if (!effect.settling) await allowStart(effect, { operation, plan, target, approval });
      return { digest, actor: actorOf(operation) };
    },

    async stamp(effect, actor) {
      const operation = await records.operations.head(effect.operation);
      const { plan } = await records.plans.get(operation.plan);
      const target = targetOf(plan, effect.node);
      const serial = 'value' in target.serial ? target.serial.value : undefined;
      const { site, cluster, node, systemUuid: uuid } = target;
      const resource = { site, cluster, node, serial, uuid };
      return { actor: actor ?? actorOf(operation), via: { channel: 'service' }, resource };
    },
  };

  function decideScope(
    { plan, requester, via, approval, asOf = now() }: Ask,
    { site, cluster, budget, blast }: PlanScope,
    { frozen, window }: Conditions,
  ): Decision {
    const { open, closesInMs, expectedMs } = window;
    const today = tighter(budget, budgetOf(cluster));
    const facts = { blast, budget: today, declaredOutage: plan.declaredOutage ?? false };
    const holding = { frozen, window: { open, closesInMs, expectedMs } };
    const asked = (cleared: string[]) =>
      policy.decide({
        principal: requester,
        action: plan.action,
        risk: 'disruptive',
        resource: { site, cluster },
        context: { via, ...facts, ...holding, cleared },
      });
    const first = asked([]);
    if (first.verdict !== 'needs-approval' || !approval || !living.includes(approval.state))
      return withOpening(first, window);
    const cleared = first.requirements.filter(need => clears(need, approval, asOf));
    return asked(cleared.map(need => need.policy));
  }

  async function allowStart(effect: EffectRequestFor, { operation, plan, target, approval }: Start) {
    const freeze = freezeOver(target, await records.freezes.standing());
    const stop = stopReason(operation, now()) ?? endOf(approval) ?? (freeze && freezeText(freeze));
    if (stop)
      throw new FleetError({ code: 'stopped', message: `${effect.action} on ${effect.node} was not begun: ${stop}` });
    const wave = (await records.operations.part(operation.id, effect.node))?.wave ?? 1;
    const early = notAdvanced(operation, plan, wave);
    if (early) throw refusal(effect, early);
    await people.read?.();
    const requester = people.find(operation.requester);
    if (!requester) throw refusal(effect, `${operation.requester}, who asked for it, is not known any more`);
    const via = operation.channel;
    const window = await windowOf(plan, target.site);
    // One that has begun need not fit any more, but nothing of it is begun outside of a window.
    const begun = window.expectedMs > 0 && (await hasBegun(operation.id, effect.node));
    const conditions = new Map([
      [target.cluster, { frozen: false, window: begun ? { ...window, expectedMs: 0 } : window }],
    ]);
    const asOf = new Date(operation.createdAt);
    const at = { target, blast: await effect.blast() };
    const decision = authority.decide({ plan, requester, via, conditions, approval, at, asOf });
    if (decision.verdict === 'allow') return;
    throw refusal(effect, reasonsOf(decision).join('; '));
  }

  async function hasBegun(operation: string, node: string): Promise<boolean> {
    const effects = await records.effects.list(operation, { prefix: `${node}/`, states: effectStates });
    return effects.length > 0;
  }

  const actorOf = (operation: OperationHead): Actor => ({
    sub: operation.requester,
    groups: people.find(operation.requester)?.groups ?? [],
  });

  return authority;
}

/** A denial while no window is open, or too little of it is left, says when one is. */
function withOpening(decision: Decision, { open, closesInMs, expectedMs, opensAt, why }: WindowFacts): Decision {
  if (decision.verdict !== 'deny' || (open && closesInMs >= expectedMs)) return decision;
  const next =
    opensAt === undefined
      ? 'no window in sight is long enough'
      : `it fits from ${utc(opensAt)} on, and a plan with waitForWindow waits for that`;
  return {
    ...decision,
    reasons: [...decision.reasons, { policy: 'host:window', reason: why ? `${why}; ${next}` : next }],
  };
}

function utc(moment: number): string {
  return new Date(moment).toISOString();
}

/** What policy wants or forbids, for people. */
export function reasonsOf(decision: Decision): string[] {
  switch (decision.verdict) {
    case 'allow':
      return [];
    case 'deny':
      return decision.reasons.map(reason => `${reason.reason} (${reason.policy})`);
    case 'needs-approval':
      return decision.requirements.map(need => `${votesWanted(need)}: ${need.reason} (${need.policy})`);
  }
}

/** Why an approval that an operation began under covers nothing more. */
function endOf(approval: Approval | undefined): string | undefined {
  return approval && approval.state !== 'approved' ? `request ${approval.id} is ${approval.state}` : undefined;
}

function refusal(effect: EffectRequestFor, why: string): FleetError {
  return new FleetError({
    code: 'forbidden',
    message: `${effect.action} on ${effect.node} is not allowed now: ${why}`,
  });
}
