/** Every field of a plan with values that people have to be able to tell apart on each card that they vote on. */
import fc from 'fast-check';
import { bootSources, type PlannedBmcChange } from '../../src/core/bmc-change.ts';
import type { HealthAct, Plan, PlanTarget, TaintChange } from '../../src/core/plan.ts';
import { examplePlan } from './example-plan.ts';

type Field = keyof Required<Plan>;

const word = fc.constantFrom('alpha', 'beta', 'gamma', 'delta');
const words = fc.uniqueArray(word, { maxLength: 3 });
const count = fc.integer({ min: 1, max: 9 });
const asked = fc.constantFrom<true | undefined>(true, undefined);
const time = fc.constantFrom('2026-11-26T10:00:00.000Z', '2026-11-26T11:00:00.000Z', '2026-11-26T12:00:00.000Z');

const [example] = examplePlan().plan.targets as [PlanTarget];
const [scope] = examplePlan().plan.scopes as [Plan['scopes'][number]];
const forecast = { evict: ['shop/a'], skip: [], block: [], warnings: [], pdbs: ['shop/api'] };
const target = (more: Partial<PlanTarget>): PlanTarget => ({ ...example, drain: forecast, ...more });

/** Two nodes in two waves, so that everything that a plan can say has something to say it of. */
const basePlan: Plan = {
  ...examplePlan().plan,
  id: 'plan-0123456789',
  targets: [target({}), target({ node: 'w-2' })],
  waves: [['w-1'], ['w-2']],
  createdAt: '2026-11-26T10:00:00.000Z',
  expiresAt: '2026-11-26T12:00:00.000Z',
};

const bmcChange: fc.Arbitrary<PlannedBmcChange | undefined> = fc.oneof(
  fc.constantFrom<PlannedBmcChange | undefined>(
    undefined,
    { act: 'reset-bmc' },
    { act: 'reset-bmc', recover: true },
    { act: 'identify', lit: true },
    { act: 'identify', lit: false },
  ),
  fc.record({ act: fc.constant('boot-once' as const), from: fc.constantFrom(...bootSources) }),
);
const taint: fc.Arbitrary<TaintChange> = fc.record({
  taint: fc.record({
    key: word,
    value: fc.option(word, { nil: undefined }),
    effect: fc.constantFrom('NoSchedule', 'PreferNoSchedule', 'NoExecute'),
  }),
  remove: fc.boolean(),
}) as fc.Arbitrary<TaintChange>;
const health: fc.Arbitrary<HealthAct> = fc.oneof(
  fc.record({
    act: fc.constant('cordon' as const),
    signals: fc.array(fc.record({ id: word, text: word }), { maxLength: 2 }),
    declined: words,
    mostCordoned: count,
    reason: word,
  }),
  fc.record({ act: fc.constant('release' as const), owner: word, healthyForMs: count, reason: word }),
  fc.record({ act: fc.constant('mark' as const), healthy: fc.boolean(), reason: word }),
  fc.record({ act: fc.constant('drain' as const), reason: word }),
);
const firmware = fc.record({
  kind: fc.constant('firmware' as const),
  component: fc.constantFrom('bios' as const, 'bmc' as const),
  image: fc.constant('image'),
  from: word,
  to: word,
  sha256: fc.constant('abc'),
  activation: fc.constant('reset-after' as const),
  downgrade: asked,
});

/** A field that is new has to be given values here, or its reason why nobody is told of it. */
export const planFields: { [Name in Field]: fc.Arbitrary<Plan[Name]> | 'told by the digest alone' } = {
  schema: 'told by the digest alone',
  policyDigest: 'told by the digest alone',
  nonce: 'told by the digest alone',
  id: word.map(each => `plan-${each}`),
  kind: fc.constantFrom('cordon', 'drain', 'restart', 'power-off', 'bmc-change'),
  action: word,
  author: word,
  scopes: fc
    .record({ peakUnavailable: count, maxUnavailable: count })
    .map(({ peakUnavailable, maxUnavailable }) => [
      { ...scope, budget: { ...scope.budget, maxUnavailable }, blast: { ...scope.blast, peakUnavailable } },
    ]),
  targets: fc
    .record({ node: word, serial: word, model: word, changes: fc.array(firmware, { minLength: 1, maxLength: 1 }) })
    .map(({ node, serial, model, changes }) => [
      target({ node, serial: { value: serial }, model: { value: model }, changes: changes as PlanTarget['changes'] }),
    ]),
  waves: fc.constantFrom([['w-1'], ['w-2']], [['w-2'], ['w-1']], [['w-1', 'w-2'], ['w-3']]),
  canaries: fc.constantFrom([], ['w-1'], ['w-1', 'w-2']),
  limits: fc.record({ maxSites: count, cohortFailures: count, failures: count, lostSites: count }),
  steps: fc.array(fc.record({ name: word, does: fc.constant(''), settling: fc.boolean() }), { maxLength: 2 }),
  excluded: fc.array(fc.record({ node: word, reason: word }), { maxLength: 2 }),
  declaredOutage: asked,
  waitForWindow: asked,
  canaryDrain: fc.option(fc.record({ verdict: fc.constant('waits' as const), says: word }), { nil: undefined }),
  drain: fc.record({ deleteEmptyDir: fc.boolean(), force: fc.boolean(), byPriority: fc.boolean() }),
  taint: fc.option(taint, { nil: undefined }),
  undrained: asked,
  bmcChange,
  health: fc.option(health, { nil: undefined }),
  warnings: words,
  irreversible: words,
  soakMs: count.map(seconds => seconds * 1_000),
  gates: fc.option(
    fc.record({
      hardware: fc.boolean(),
      own: fc.constantFrom<NonNullable<Plan['gates']>['own']>(
        [],
        [{ name: 'storage', after: 'node', site: 'boston' }],
        [{ name: 'storage', after: 'wave', site: 'boston' }],
      ),
    }),
    { nil: undefined },
  ),
  advance: fc.constantFrom('manual', undefined),
  createdAt: time,
  expiresAt: time,
};

/** Two plans that differ in that field and in nothing else. */
export function pairOf(field: Field): fc.Arbitrary<[Plan, Plan]> | undefined {
  const values = planFields[field] as fc.Arbitrary<unknown> | 'told by the digest alone';
  if (typeof values === 'string') return undefined;
  const plan = values.map((value): Plan => ({ ...basePlan, [field]: value }));
  return fc.tuple(plan, plan).filter(([one, other]) => JSON.stringify(one) !== JSON.stringify(other));
}
