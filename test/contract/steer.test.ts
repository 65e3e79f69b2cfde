/** Holding an operation and letting it go on: on record with the change itself, and only a person lets go. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Plan } from '../../src/core/plan.ts';
import type { Stores } from '../../src/core/records.ts';
import { steering } from '../../src/guard/steer.ts';
import type { Parts } from '../../src/operations/job.ts';
import { nextTick } from '../../src/workflows/next-tick.ts';
import { examplePlan } from '../support/example-plan.ts';
import { approvedOperation, effectOf, type GuardScene, guardScene, present, refusal } from '../support/guard.ts';
import { eventually } from '../support/stack.ts';

let scene: GuardScene;
/** Holds the leases. */
let last: string | undefined;

beforeAll(async () => {
  scene = await guardScene();
});
afterAll(() => scene?.close());

const steer = () => scene.steer;
const proof = { reason: 'looked at it', presence: present };

/** Of two waves, the first with `w-1`. */
async function operationOf(change: Partial<Plan> = {}): Promise<string> {
  const [target] = examplePlan().plan.targets;
  if (!target) throw new Error('the plan has no target');
  if (last) await scene.records.leases.release(last);
  const targets = [target, { ...target, node: 'w-2' }];
  last = await approvedOperation(scene, { targets, waves: [['w-1'], ['w-2']], ...change });
  return last;
}

async function statesOf(operation: string): Promise<string[]> {
  const found = (await scene.entries()).filter(entry => entry.type === 'operation' && entry.operation === operation);
  return found.flatMap(entry => (entry.type === 'operation' ? [`${entry.state} by ${entry.actor.sub}`] : [])).slice(1);
}

const ended = (operation: string, node: string) =>
  scene.records.operations.setNode(operation, { node, state: 'done', step: 'done', message: '' });

/** What the operation does next before this wave, and whether it waits now. */
function hold(operation: string, wave: number, records: Stores = scene.records) {
  const parts = { records, timings: { pollMs: 20 } } as unknown as Parts;
  const seen = { over: false };
  const sofar = { started: new Set<string>(), settled: new Set<string>(), opened: wave - 1, closed: wave - 1 };
  const end = nextTick(parts, operation, sofar).finally(() => {
    seen.over = true;
  });
  return { end, seen };
}

async function toldHeld(operation: string, words: string): Promise<void> {
  await eventually(`to be told that ${words}`, async () =>
    (await scene.records.operations.events(operation, 0)).find(({ message }) => message.includes(words)),
  );
}

it('a pause and its end are each on record once, with who did it', async () => {
  const operation = await operationOf();
  expect((await steer().pause(operation, scene.caller('vote', 'mcp'))).pausedBy).toBe('vote');
  expect((await steer().pause(operation, scene.caller('also'))).pausedBy).toBe('vote');
  expect((await steer().resume(operation, proof, scene.caller('ask'))).pausedBy).toBeUndefined();
  await steer().resume(operation, proof, scene.caller('ask'));
  expect(await statesOf(operation)).toEqual(['paused by vote', 'resumed by ask']);
});

it('a pause that cannot be put on record is none', async () => {
  const operation = await operationOf();
  const custody = { append: () => Promise.reject(new Error('the log is away')) } as unknown as GuardScene['custody'];
  const { records, policy, provePresence } = scene;
  const deaf = steering({ records, custody, policy, provePresence });
  await expect(deaf.pause(operation, scene.caller('ask'))).rejects.toThrow('away');
  expect((await scene.records.operations.get(operation)).pausedBy).toBeUndefined();
});

it.each<[string, string, 'cli' | 'mcp', object, string]>([
  ['a model', 'ask', 'mcp', {}, 'forbidden'],
  ['a stored token', 'ask', 'cli', { presence: { by: 'passphrase', passphrase: 'wrong' } }, 'unauthenticated'],
  ['who may change nothing there', 'stranger', 'cli', {}, 'forbidden'],
])('%s lifts no pause and lets no wave begin', async (_, who, channel, more, code) => {
  const operation = await operationOf({ advance: 'manual' });
  await steer().pause(operation, scene.caller('ask'));
  await ended(operation, 'w-1');
  for (const act of ['resume', 'advance'] as const) {
    const going = steer()[act](operation, { ...proof, ...more }, scene.caller(who, channel));
    expect((await refusal(going)).code).toBe(code);
  }
  expect(await scene.records.operations.get(operation)).toMatchObject({ pausedBy: 'ask', advancedTo: undefined });
});

it('a wave that a person decides on is let begin once, after the one before, and nothing of it may happen earlier', async () => {
  const operation = await operationOf({ advance: 'manual' });
  const caller = scene.caller('ask');
  expect((await refusal(steer().advance(operation, proof, caller))).message).toContain('first wave needs nobody');
  await scene.records.operations.setNode(operation, { node: 'w-1', state: 'running', step: 'drain', message: '' });
  expect((await refusal(steer().advance(operation, proof, caller))).message).toContain(
    'w-1 of wave 1 is still at work',
  );
  await ended(operation, 'w-1');
  const early = effectOf(operation, { node: 'w-2', step: 'w-2/flash' });
  expect((await refusal(scene.perform(early.spec))).message).toContain('until a person advances it');
  expect(early.sent).toEqual([]);
  await Promise.all([
    steer().advance(operation, proof, caller),
    steer().advance(operation, proof, scene.caller('also')),
  ]);
  expect((await scene.records.operations.get(operation)).advancedTo).toBe(2);
  expect(await statesOf(operation)).toHaveLength(1);
  await scene.perform(early.spec);
  expect(early.sent).toHaveLength(1);
});

it('what goes on by itself needs no advance', async () => {
  const operation = await operationOf();
  await ended(operation, 'w-1');
  expect((await refusal(steer().advance(operation, proof, scene.caller('ask')))).code).toBe('precondition_failed');
});

it('a wave waits while it is held, goes on when it is let go, and a cancel ends the wait', async () => {
  const operation = await operationOf({ advance: 'manual' });
  await ended(operation, 'w-1');
  await steer().pause(operation, scene.caller('ask'));
  const second = hold(operation, 2);
  await toldHeld(operation, 'ask paused it');
  await steer().resume(operation, proof, scene.caller('ask'));
  await toldHeld(operation, 'wave 2 waits until a person advances it');
  expect(second.seen.over).toBe(false);
  await steer().advance(operation, proof, scene.caller('ask'));
  expect(await second.end).toEqual({ do: 'open', wave: 2 });

  await steer().pause(operation, scene.caller('ask'));
  const again = hold(operation, 2);
  await scene.records.operations.requestCancel(operation, 'also');
  expect(await again.end).toEqual({ do: 'end', end: { state: 'cancelled', reason: 'also cancelled the operation' } });
});

it('a wave that is held for longer than anything may begin never begins', async () => {
  const operation = await operationOf();
  await steer().pause(operation, scene.caller('ask'));
  await scene.admin.query('update operation set execute_until = now() where id = $1', [operation]);
  const reason = expect.stringMatching(/its time to act ended at/);
  expect(await hold(operation, 1).end).toMatchObject({ do: 'end', end: { state: 'halted', reason } });
});

it('what cannot be read holds the operation up, and says so, until it can be', async () => {
  const operation = await operationOf();
  let away = true;
  const { plans: kept } = scene.records;
  const get = (id: string) => (away ? Promise.reject(new Error('the plan cannot be read')) : kept.get(id));
  const plans = { ...kept, get };
  const next = hold(operation, 1, { ...scene.records, plans });
  await toldHeld(operation, 'the plan cannot be read');
  expect(next.seen.over).toBe(false);
  away = false;
  expect(await next.end).toEqual({ do: 'open', wave: 1 });
});
