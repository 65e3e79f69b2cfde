/** What came of an attempt: plans, requests, operations, freezes and effects that were not there before it. */
import type { Plan } from '../../src/core/plan.ts';
import { changes } from '../../test/support/audit.ts';
import { allEnded, personNames, type Scene } from './scene.ts';

type Request = { id: string; plan: string; state: string; requester: string };
type Running = { id: string; plan: string; ended: boolean; held?: Held };
type Held = 'paused' | 'cancelled';

export type State = {
  plans: Plan[];
  requests: Request[];
  operations: Running[];
  freezes: { id: string; site: string }[];
  /** Number of the last effect. */
  effects: number;
};

export type Outcome = {
  plans: Plan[];
  requests: Request[];
  operations: Running[];
  freezes: State['freezes'];
  /** Requests of before that stand otherwise now. */
  decided: string[];
  /** Operations of before that somebody holds or ended. */
  held: { operation: string; becomes: Held }[];
  /** What reached machines and clusters of which no operation of that time is. */
  strayEffects: string[];
};

/** Operations of the watch over servers are nobody's. */
export async function stateOf(scene: Scene): Promise<State> {
  const [plans, requests, operations, { freezes }] = await Promise.all([
    scene.rows<{ body: string }>('select body from plan order by created_at'),
    scene.rows<Request>('select id, plan, state, requester from approval'),
    scene.rows<Running>(
      `select id, plan, ended_at is not null as ended,
         case when cancel_requested_by is not null then 'cancelled' when paused_by is not null then 'paused' end as held
       from operation where requester <> 'groundskeeper'`,
    ),
    (await scene.client('approver')).notices(),
  ]);
  return {
    plans: plans.map(({ body }) => JSON.parse(body) as Plan),
    requests,
    operations,
    freezes,
    effects: scene.stack.lab.effects.since().length,
  };
}

/** Waits first for whatever was started or cancelled to end. */
export async function outcomeSince(scene: Scene, before: State): Promise<Outcome> {
  const known = new Set(before.operations.map(({ id }) => id));
  const { operations } = await stateOf(scene);
  const ending = operations.filter(({ id, ended, held }) => !ended && (held === 'cancelled' || !known.has(id)));
  await allEnded(
    scene,
    ending.map(({ id }) => id),
  );
  const after = await stateOf(scene);
  const heldBefore = new Map(before.operations.map(({ id, held }) => [id, held]));
  const states = new Map(after.requests.map(({ id, state }) => [id, state]));
  return {
    plans: added(before.plans, after.plans),
    requests: added(before.requests, after.requests),
    operations: added(before.operations, after.operations),
    freezes: added(before.freezes, after.freezes),
    decided: before.requests.flatMap(({ id, state }) =>
      states.get(id) === state ? [] : [`${id} was ${state} and is ${states.get(id)}`],
    ),
    held: after.operations.flatMap(({ id, held }) =>
      held && heldBefore.has(id) && heldBefore.get(id) !== held ? [{ operation: id, becomes: held }] : [],
    ),
    strayEffects: strayEffects(scene, before, after),
  };
}

function added<T extends { id: string }>(before: T[], after: T[]): T[] {
  const known = new Set(before.map(({ id }) => id));
  return after.filter(({ id }) => !known.has(id));
}

function strayEffects(scene: Scene, before: State, after: State): string[] {
  const over = new Set(before.operations.filter(({ ended }) => ended).map(({ id }) => id));
  const plans = new Set(after.operations.filter(({ id }) => !over.has(id)).map(({ plan }) => plan));
  const targets = after.plans.filter(({ id }) => plans.has(id)).flatMap(plan => plan.targets);
  const meant = new Set(targets.flatMap(({ node, cluster }) => [`bmc ${node}`, `cluster ${cluster}`]));
  return changes(scene.stack.lab.effects.since(before.effects))
    .filter(({ kind, name }) => !meant.has(`${kind} ${name}`))
    .map(({ method, path, name }) => `${method} ${path} reached ${name}`);
}

/** Takes back what an attempt, and the way to its beginning, asked for. */
export async function tidy(scene: Scene, before: State): Promise<void> {
  const { requests, freezes } = await stateOf(scene);
  const approver = await scene.client('approver');
  const reason = 'the attempt is over';
  for (const { id } of added(before.freezes, freezes))
    await approver.unfreeze(id, { reason, passphrase: scene.person('approver').passphrase });
  for (const { id, state, requester } of added(before.requests, requests)) {
    const who = personNames.find(each => scene.person(each).name === requester);
    if (state !== 'pending' || who === undefined) continue;
    await (await scene.client(who)).decide(id, 'revoke', { reason, passphrase: scene.person(who).passphrase });
  }
}
