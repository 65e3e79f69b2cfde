/**
 * The approvals as a whole against a model of them: two instances on one
 * Postgres, acts that come at the same moment or twice, rights, rules and time
 * that change in between, and a crash at any call or commit. What the database
 * and the custody log hold must be what some order of the acts gives.
 * GROUNDSKEEPER_MODEL_COMMANDS makes the run longer than CI's.
 */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FleetError } from '../../src/core/errors.ts';
import { targetOf } from '../../src/core/plan.ts';
import type { Caller } from '../../src/core/tool.ts';
import { type Act, after, expired, type Model, mayBegin, type Request, type Rule } from '../support/approvals-model.ts';
import { approvalsWorld, type Crash, type World } from '../support/approvals-world.ts';

const wanted = Number(process.env.GROUNDSKEEPER_MODEL_COMMANDS ?? 400);
const perRun = 25;
const plans = 4;
const rules: Rule[] = [
  { name: 'one', approvals: 1, from: ['operators'], distinct: false, page: false },
  { name: 'two', approvals: 2, from: ['operators', 'leads'], distinct: true, page: false },
  { name: 'page', approvals: 1, from: ['operators', 'leads'], distinct: false, page: true },
];
const names = ['ann', 'bob', 'cid', 'dee'];
const groupSets = [['operators'], ['operators', 'leads'], ['leads'], ['operators', 'firefighters'], []];

let world: World;
let run = 0;
/** What the runs met, so that one that meets nothing cannot pass. */
const met = { commands: 0, crashes: 0, operations: 0, together: 0, stopped: 0, begun: 0, ends: new Set<string>() };

beforeAll(async () => {
  world = await approvalsWorld(rules);
});
afterAll(() => world.close());

/** The plans and the part of the custody log of one run. */
type Real = { prefix: string; plans: string[]; entriesFrom: number };
type Cell = { model: Model };
type Command = fc.AsyncCommand<Cell, Real>;

const who = fc.constantFrom(...names);
/** Mostly the first, so that acts meet. */
const plan = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(plans - 1) });
const channel = fc.constantFrom('page' as const, 'page' as const, 'cli' as const, 'mcp' as const);
const cast = fc.constantFrom('approve' as const, 'approve' as const, 'approve' as const, 'reject' as const);
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ act: fc.constant('ask' as const), plan, who }) },
  { weight: 6, arbitrary: fc.record({ act: fc.constant('vote' as const), plan, who, channel, cast }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constantFrom('revoke' as const, 'break-glass' as const), plan, who }) },
);
const crash: fc.Arbitrary<Crash> = fc.oneof(
  fc.record({ call: fc.nat(14) }),
  fc.record({ commit: fc.integer({ min: 1, max: 2 }) }),
);
/** At the same moment, on either instance; the same act twice is a redelivery. */
const together = fc
  .array(fc.record({ act, instance: fc.constantFrom(0 as const, 1 as const) }), { minLength: 2, maxLength: 3 })
  .chain(acts => fc.boolean().map(again => (again ? [...acts.slice(0, 2), ...acts.slice(0, 1)] : acts)));

const commands: fc.Arbitrary<Command>[] = [
  act.map(one => acting([{ act: one, instance: 0 }])),
  act.map(one => acting([{ act: one, instance: 1 }])),
  together.map(acts => acting(acts)),
  fc.tuple(act, crash).map(([one, dies]) => acting([{ act: one, instance: 0, crash: dies }])),
  fc.constantFrom(25, 50).map(forMinutes => changing(`${forMinutes} minutes pass`, model => (model.now += forMinutes))),
  fc
    .option(fc.constantFrom(...rules))
    .map(rule => changing(`rule ${rule?.name}`, model => (model.rule = rule ?? undefined))),
  fc
    .tuple(who, fc.constantFrom(...groupSets))
    .map(([name, groups]) =>
      changing(`${name} in ${groups}`, (model, real) => (model.groups[real.prefix + name] = groups)),
    ),
  fc.nat(plans - 1).map(beginning),
];

it(
  'makes of every history what the model makes of it, on two instances, through crashes',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { maxCommands: perRun * 2, size: 'max' }), async history => {
        await fc.asyncModelRun(setUp, history);
        await leaveNothingPending();
      }),
      { numRuns: Math.max(1, Math.round(wanted / perRun)), seed: Number(process.env.GROUNDSKEEPER_MODEL_SEED ?? 5) },
    );
    expect(met.commands).toBeGreaterThan(wanted / 3);
    const { crashes, operations, together: atOnce, begun, stopped } = met;
    const never = Object.entries({ crashes, operations, atOnce, begun, stopped }).filter(([, times]) => times === 0);
    expect(never).toEqual([]);
    expect([...met.ends].sort()).toEqual(expect.arrayContaining(['approved', 'pending', 'rejected', 'revoked']));
    if (wanted > 1000) process.stdout.write(`${JSON.stringify({ ...met, ends: [...met.ends] })}\n`);
  },
  Math.max(180_000, wanted * 200),
);

async function setUp(): Promise<{ model: Cell; real: Real }> {
  const prefix = `r${run++}-`;
  const authors = names.map(name => prefix + name);
  const groups = Object.fromEntries(authors.map((name, index) => [name, groupSets[index] ?? []]));
  const model: Model = { now: 0, rule: rules[0], groups, authors, requests: {} };
  Object.assign(world.given, { now: 0, rule: model.rule, groups });
  const stored = authors.map(author => world.plan(author));
  for (const each of stored) await world.records.plans.insert(each);
  const { size } = await world.records.custody.head();
  return { model: { model }, real: { prefix, plans: stored.map(each => each.plan.id), entriesFrom: size } };
}

/** What is left of a run would count among the next one's. */
async function leaveNothingPending(): Promise<void> {
  world.given.now = 10_000;
  await world.guard(0).approvals.expireDue();
}

type Doing = { act: Act; instance: 0 | 1; crash?: Crash };

function acting(doing: Doing[]): Command {
  return {
    check: () => true,
    toString: () => doing.map(each => JSON.stringify(each)).join(' with '),
    async run(cell, real) {
      met.commands++;
      const named = doing.map(each => ({ ...each, act: { ...each.act, who: real.prefix + each.act.who } }));
      const outcomes = await Promise.allSettled(named.map(each => perform(each, real)));
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(FleetError);
      const crashed = named.some(each => each.crash);
      if (crashed) met.crashes++;
      if (doing.length > 1) met.together++;
      await world.guard(1).approvals.expireDue();
      const seen = await observed(real);
      const possible = orders(
        named.map(each => each.act),
        crashed,
      ).map(order => expired(order.reduce(after, expired(structuredClone(cell.model)))));
      const found = possible.find(model => isDeepStrictEqual(shown(model), seen));
      if (!found) expect(seen).toEqual(shown(possible[0] as Model));
      else cell.model = found;
    },
  };
}

function changing(what: string, change: (model: Model, real: Real) => unknown): Command {
  return {
    check: () => true,
    toString: () => what,
    async run(cell, real) {
      met.commands++;
      change(cell.model, real);
      const { now, rule, groups } = cell.model;
      Object.assign(world.given, { now, rule, groups });
    },
  };
}

/** Asks, as before an effect, whether a step of this plan's operation may begin: one that changes a machine, and one that settles. */
function beginning(nth: number): Command {
  return {
    check: ({ model }) => begunPlans(model).length > 0,
    toString: () => `a step begins under operation ${nth}`,
    async run({ model }, real) {
      met.commands++;
      const running = begunPlans(model);
      const which = running[nth % running.length] ?? 0;
      const approval = await world.records.approvals.forPlan(real.plans[which] ?? '');
      const operation = approval?.operation ?? '';
      await world.records.operations.transition(operation, ['queued'], 'running', 'begins');
      const leases = [`node:${operation}`];
      await world.records.leases.take(leases, operation);
      const { plan: kept } = await world.records.plans.get(real.plans[which] ?? '');
      const [scope] = kept.scopes;
      if (!scope) throw new Error('the plan touches no cluster');
      const ask = {
        operation,
        node: targetOf(kept, 'w-1').node,
        action: 'flash',
        leases,
        blast: async () => scope.blast,
      };
      const { authority } = world.guard(0);
      await authority.allow({ ...ask, settling: true });
      const allowed = await authority.allow({ ...ask, settling: false }).then(
        () => true,
        () => false,
      );
      expect(allowed).toBe(mayBegin(model, which));
      if (allowed) met.begun++;
      else met.stopped++;
    },
  };
}

function begunPlans({ requests }: Model): number[] {
  return Object.entries(requests).flatMap(([index, { operation }]) => (operation ? [Number(index)] : []));
}

async function perform({ act: what, instance, crash: dies }: Doing, real: Real): Promise<unknown> {
  const { approvals } = world.guard(instance, dies);
  const id = real.plans[what.plan] ?? '';
  const caller = (through: Caller['channel']): Caller => {
    return {
      person: { name: what.who, groups: world.given.groups[what.who] ?? [] },
      channel: through,
      scope: 'execute',
    };
  };
  if (what.act === 'ask') return approvals.requestStart(await world.records.plans.get(id), caller('cli'));
  const approval = (await world.records.approvals.forPlan(id))?.id ?? 'apr-none';
  const decision = { approval, reason: 'because', presence: { by: 'passphrase', passphrase: 'x' } } as const;
  switch (what.act) {
    case 'vote':
      return approvals.vote({ ...decision, vote: what.cast }, caller(what.channel));
    case 'revoke':
      return approvals.revoke(decision, caller('page'));
    case 'break-glass':
      return approvals.breakGlass(decision, caller('cli'));
  }
}

/** Every order in which these could have come; with a crash, also without those that it may have swallowed. */
function orders(acts: Act[], crashed: boolean): Act[][] {
  const all = acts.flatMap((first, index) => orders(acts.toSpliced(index, 1), false).map(rest => [first, ...rest]));
  const whole = acts.length === 0 ? [[]] : all;
  return crashed ? [...whole, []] : whole;
}

type Shown = { state: Request['state']; voters: string[]; operation: boolean; stopped: boolean; log: string[] };

function shown({ requests }: Model): Record<number, Shown> {
  return Object.fromEntries(
    Object.entries(requests).map(([index, { state, votes, operation, log }]) => [
      index,
      {
        state,
        voters: votes.map(vote => vote.who).sort(),
        operation: operation !== undefined,
        stopped: operation?.stopped ?? false,
        log,
      },
    ]),
  );
}

/** The same, as the database and the custody log tell it. */
async function observed(real: Real): Promise<Record<number, Shown>> {
  const entries = await world.entriesFrom(real.entriesFrom);
  const operations = await world.operationsOf(real.plans);
  const seen: Record<number, Shown> = {};
  for (const [index, id] of real.plans.entries()) {
    const mine = operations.filter(operation => operation.plan === id);
    const approval = await world.records.approvals.forPlan(id);
    expect(mine.map(each => each.id)).toEqual(approval?.operation ? [approval.operation] : []);
    if (!approval) continue;
    const log = entries.flatMap(entry => {
      const by = entry.actor.sub;
      if (entry.type === 'operation') return entry.operation === approval.operation ? [`operation by ${by}`] : [];
      if (!('approval' in entry) || entry.approval !== approval.id) return [];
      if (entry.type === 'approval') return [`${entry.state} by ${by}`];
      if (!entry.counted) return [];
      return [`${entry.type === 'vote' ? entry.vote : entry.type} by ${by}`];
    });
    const [operation] = mine;
    met.ends.add(approval.state);
    if (operation) met.operations++;
    seen[index] = {
      state: approval.state,
      voters: approval.votes.map(vote => vote.person).sort(),
      operation: operation !== undefined,
      stopped: operation?.stopped ?? false,
      log,
    };
  }
  return seen;
}
