/** Holding, letting go, freezing, ending, planning: each act and its record are one, and who may do it is asked first. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Freeze } from '../../src/core/freeze.ts';
import type { Operation, OperationNode, OperationState } from '../../src/core/operation.ts';
import { type PlanDraft, planDigest, type StoredPlan } from '../../src/core/plan.ts';
import type { Decision, Policy, PolicyRequest } from '../../src/core/policy.ts';
import type { Records, Stores } from '../../src/core/records.ts';
import type { Caller } from '../../src/core/tool.ts';
import { concluder } from '../../src/guard/conclude.ts';
import { closeOpen } from '../../src/guard/custody/close-open.ts';
import { createFreezes } from '../../src/guard/freezes.ts';
import type { ProvePresence } from '../../src/guard/presence.ts';
import { steering } from '../../src/guard/steer.ts';
import { planStorer } from '../../src/guard/store-plan.ts';
import { examplePlan } from '../support/example-plan.ts';
import { refusal } from '../support/guard.ts';
import { memoryLog } from '../support/memory-custody.ts';

let scene: ReturnType<typeof memoryLog>;
let stored: StoredPlan;
let operation: Operation;
let events: unknown[];
let released: string[];
let freezes: Freeze[];

beforeEach(() => {
  scene = memoryLog();
  stored = examplePlan({ advance: 'manual' });
  events = [];
  released = [];
  freezes = [];
  operation = {
    id: 'op-1',
    plan: stored.plan.id,
    digest: stored.digest,
    kind: 'firmware-rollout',
    site: 'boston',
    cluster: 'prod',
    state: 'running',
    reason: '',
    requester: 'ask',
    channel: 'cli',
    revoked: false,
    executeUntil: '',
    createdAt: '',
    nodes: [],
  };
});

/** What the stores of Postgres promise of one operation, of plans and of freezes. */
function records(): Records {
  const operations: Partial<Records['operations']> = {
    get: async () => operation,
    head: async () => operation,
    async setPaused(_, by) {
      if (operation.pausedBy === (by ?? undefined)) return false;
      operation = { ...operation, pausedBy: by ?? undefined };
      return true;
    },
    async advance(_, wave) {
      if ((operation.advancedTo ?? 1) >= wave) return false;
      operation = { ...operation, advancedTo: wave };
      return true;
    },
    async transition(_, from, to, reason) {
      if (!from.includes(operation.state)) return false;
      operation = { ...operation, state: to, reason };
      return true;
    },
    addEvent: async (...given) => void events.push(given),
  };
  const stores = {
    operations,
    custody: scene.store,
    plans: { get: async () => stored, insert: async (plan: StoredPlan) => void Object.assign(stored, plan) },
    effects: { list: async () => [] },
    leases: { release: async (holder: string) => void released.push(holder) },
    freezes: {
      insert: async (freeze: Freeze) => void freezes.push(freeze),
      standing: async () => [...freezes],
      async lift(id: string) {
        const before = freezes.length;
        freezes = freezes.filter(each => each.id !== id);
        return freezes.length < before;
      },
    },
  } as unknown as Stores;
  return { ...stores, transaction: work => work(stores) };
}

const by = (name: string, channel: Caller['channel'] = 'cli'): Caller => {
  return { person: { name, groups: ['operators'] }, channel, scope: 'execute', client: 'shell' };
};
const given = { reason: 'it is over', presence: { by: 'passphrase', passphrase: 'right' } as const };
const provePresence: ProvePresence = async ({ presence }) => {
  if (presence.by !== 'passphrase' || presence.passphrase !== 'right') throw new Error('wrong');
  return { strength: 'passphrase' };
};
const entries = () => scene.kept.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()));

describe('an operation', () => {
  const policy: Policy = { digest: '', decide: () => ({ verdict: 'allow' }) };
  const steer = () => steering({ records: records(), custody: scene.log, policy, provePresence });
  const node = (name: string, wave: number, state: OperationNode['state']) =>
    ({ node: name, wave, state }) as OperationNode;

  it('is held by anybody who may start one, and let go by a person', async () => {
    expect((await steer().pause('op-1', by('groundskeeper', 'mcp'))).pausedBy).toBe('groundskeeper');
    await steer().pause('op-1', by('groundskeeper'));
    for (const caller of [
      by('ask', 'mcp'),
      by('ask', 'assistant'),
      by('Groundskeeper'),
      by('groundskeeper', 'watch'),
    ]) {
      expect((await refusal(steer().resume('op-1', given, caller))).message).toBe('only a person resumes an operation');
      expect((await refusal(steer().advance('op-1', given, caller))).message).toBe(
        'only a person advances an operation',
      );
    }
    expect((await steer().resume('op-1', given, by('vote'))).pausedBy).toBeUndefined();
    await steer().resume('op-1', given, by('vote'));
    expect((await refusal(steer().resume('op-1', { ...given, reason: ' \u202e' }, by('vote')))).code).toBe(
      'invalid_input',
    );
    expect(entries()).toMatchObject([
      {
        type: 'operation',
        operation: 'op-1',
        digest: stored.digest,
        state: 'paused',
        reason: 'groundskeeper paused it',
      },
      {
        state: 'resumed',
        reason: 'vote resumed it: it is over',
        actor: { sub: 'vote', groups: ['operators'] },
        via: { channel: 'cli', client: 'shell' },
        resource: { site: 'boston', cluster: 'prod' },
      },
    ]);
    const told = (message: string) => ({ step: 'operation', status: 'progress', message });
    expect(events).toEqual([
      ['op-1', 'paused/0', told('groundskeeper paused it')],
      ['op-1', 'resumed/1', told('vote resumed it: it is over')],
    ]);
  });

  it.each<[string, OperationNode[], string]>([
    ['its first wave', [node('a', 1, 'waiting')], 'its first wave needs nobody'],
    ['a wave after one at work', [node('a', 1, 'running'), node('b', 2, 'waiting')], 'a of wave 1 is still at work'],
    ['a wave that began itself', [node('a', 2, 'running'), node('b', 2, 'waiting')], 'a of wave 2 is still at work'],
    ['a wave where none is left', [node('a', 1, 'done'), node('b', 2, 'running')], 'has no wave that has not begun'],
  ])('does not let %s begin', async (_, nodes, message) => {
    operation = { ...operation, nodes };
    expect(await refusal(steer().advance('op-1', given, by('ask')))).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(message),
    });
    expect(operation.advancedTo).toBeUndefined();
  });

  it('lets the earliest wave begin that waits, whatever a later one does, once and only where a person decides on it', async () => {
    const nodes = [node('a', 1, 'failed'), node('c', 3, 'waiting'), node('b', 2, 'waiting'), node('d', 4, 'running')];
    operation = { ...operation, nodes };
    for (const name of ['ask', 'vote']) expect((await steer().advance('op-1', given, by(name))).advancedTo).toBe(2);
    expect(entries()).toMatchObject([{ state: 'advanced', reason: 'ask lets wave 2 begin: it is over' }]);
    stored = examplePlan();
    expect((await refusal(steer().advance('op-1', given, by('ask')))).code).toBe('precondition_failed');
  });

  it.each<[OperationState, string]>([
    ['done', 'ok'],
    ['halted', 'failed'],
    ['cancelled', 'failed'],
  ])('that ends as %s gives its leases back, and is on record under a checkpoint', async (state, status) => {
    const people = { find: (name: string) => (name === 'ask' ? { name, groups: ['operators'] } : undefined) };
    const conclude = concluder({ records: records(), custody: scene.log, people });
    await conclude('op-1', state, 'so it is');
    expect([operation.state, operation.reason, released]).toEqual([state, 'so it is', ['op-1']]);
    expect(events).toEqual([['op-1', 'end', { step: 'operation', status, message: `${state}: so it is` }]]);
    expect(entries()).toMatchObject([
      {
        type: 'operation',
        state,
        reason: 'so it is',
        digest: stored.digest,
        actor: { sub: 'ask', groups: ['operators'] },
      },
    ]);
    expect([...scene.notes.keys()]).toEqual([1]);
    await conclude('op-1', 'halted', 'a second time');
    expect([operation.state, released.length, events.length, entries().length]).toEqual([state, 1, 1, 1]);
    operation = { ...operation, state: 'queued', requester: 'gone' };
    await conclude('op-1', state, 'never began');
    expect(entries()[1]).toMatchObject({
      actor: { sub: 'gone', groups: [] },
      resource: { site: 'boston', cluster: 'prod' },
    });
  });
});

describe('a freeze', () => {
  let asked: PolicyRequest[];
  let verdict: Decision['verdict'];
  function frozen() {
    asked = [];
    verdict = 'allow';
    const decide = (request: PolicyRequest) => {
      asked.push(request);
      return { verdict, reasons: [], requirements: [] } as Decision;
    };
    const now = () => new Date('2026-11-26T12:00:00Z');
    return createFreezes({
      records: records(),
      custody: scene.log,
      policy: { digest: '', decide },
      provePresence,
      now,
    });
  }

  it('stands, and is lifted, each with its record', async () => {
    const { freeze, lift } = frozen();
    const made = await freeze({ site: 'boston', cluster: '*' }, 'smoke', by('ask', 'mcp'));
    expect(freezes).toEqual([made]);
    expect(made).toMatchObject({
      site: 'boston',
      cluster: '*',
      reason: 'smoke',
      by: 'ask',
      at: '2026-11-26T12:00:00.000Z',
    });
    expect(await lift(made.id, given, by('vote'))).toEqual(made);
    expect(freezes).toEqual([]);
    expect(asked).toEqual([
      {
        principal: { name: 'vote', groups: ['operators'] },
        action: 'unfreezeChanges',
        risk: 'control',
        resource: { site: 'boston', cluster: '*' },
        context: { via: 'cli', cleared: [] },
      },
    ]);
    const where = {
      type: 'freeze',
      freeze: made.id,
      where: 'the site boston',
      resource: { site: 'boston', cluster: '*' },
    };
    expect(entries()).toMatchObject([
      { ...where, action: 'frozen', reason: 'smoke', actor: { sub: 'ask' }, via: { channel: 'mcp', client: 'shell' } },
      { ...where, action: 'lifted', reason: 'it is over', actor: { sub: 'vote' }, via: { channel: 'cli' } },
    ]);
  });

  it('stays where it is not a person who may, who is there, and who names it', async () => {
    const { freeze, lift } = frozen();
    const { id } = await freeze({ site: '*', cluster: '*' }, 'smoke', by('ask'));
    for (const caller of [by('vote', 'mcp'), by('vote', 'assistant'), by('vote', 'slack'), by('groundskeeper')])
      expect(await refusal(lift(id, given, caller))).toMatchObject({
        code: 'forbidden',
        hint: expect.stringContaining(id),
      });
    await expect(lift(id, { ...given, presence: { by: 'passphrase', passphrase: 'x' } }, by('vote'))).rejects.toThrow(
      'wrong',
    );
    expect((await refusal(lift('frz-9', given, by('vote')))).code).toBe('not_found');
    expect(asked).toEqual([]);
    for (verdict of ['deny', 'needs-approval'] as const)
      expect((await refusal(lift(id, given, by('vote')))).code).toBe('forbidden');
    expect([freezes.length, entries().length]).toEqual([1, 1]);
  });

  it('is lifted once, though two do it at the same moment', async () => {
    const { freeze, lift } = frozen();
    const { id } = await freeze({ site: '*', cluster: '*' }, 'smoke', by('ask'));
    const both = await Promise.allSettled([lift(id, given, by('ask')), lift(id, given, by('vote'))]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(both.find(each => each.status === 'rejected')?.reason).toMatchObject({ code: 'not_found' });
    expect(entries().map(({ action }) => action)).toEqual(['frozen', 'lifted']);
  });
});

it('what was concluded by another at the same moment is not put on record as ambiguous', async () => {
  const [mine, theirs] = [1, 2].map(intent => ({ intent }));
  const close = async ({ intent }: { intent: number }) => intent === mine?.intent;
  const stores = { ...records(), effects: { list: async () => [mine, theirs], close } } as unknown as Stores;
  const by = { actor: { sub: 'ask', groups: [] }, via: { channel: 'service' as const } };
  expect(await closeOpen(stores, scene.log, { id: 'op-1', why: 'over', by })).toBe(1);
  expect(entries().map(({ intent, finding }) => [intent, finding])).toEqual([[1, 'ambiguous']]);
});

it('a plan is completed, kept and put on record with one digest', async () => {
  const {
    id: _,
    author: __,
    policyDigest: ___,
    createdAt: ____,
    expiresAt: _____,
    nonce: ______,
    ...draft
  } = stored.plan;
  const store = planStorer({
    records: records(),
    custody: scene.log,
    policy: { digest: 'sha256:p', decide: () => ({ verdict: 'allow' }) },
    planTtlMs: 60_000,
  });
  const made = await store({ ...draft, advance: undefined } as PlanDraft, by('ask'));
  const { plan, digest } = made;
  expect(plan).toMatchObject({ author: 'ask', policyDigest: 'sha256:p', schema: 1 });
  expect(Object.hasOwn(plan, 'advance'), 'nothing undefined').toBe(false);
  expect(Date.parse(plan.expiresAt) - Date.parse(plan.createdAt)).toBe(60_000);
  expect([digest, stored]).toEqual([planDigest(plan), made]);
  expect(entries()).toMatchObject([
    {
      type: 'plan',
      action: plan.action,
      plan: plan.id,
      digest,
      actor: { sub: 'ask' },
      via: { client: 'shell' },
      resource: { site: 'boston' },
    },
  ]);
});
