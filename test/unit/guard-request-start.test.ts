/** Asking to start a plan: until when, how often, and for how long what comes of it is good; over rows in memory. */
import { beforeEach, expect, it } from 'vitest';
import type { Approval } from '../../src/core/approval.ts';
import type { StoredPlan } from '../../src/core/plan.ts';
import type { Decision } from '../../src/core/policy.ts';
import type { Stores } from '../../src/core/records.ts';
import type { Caller } from '../../src/core/tool.ts';
import { createApprovals } from '../../src/guard/approvals.ts';
import type { Authority } from '../../src/guard/authority.ts';
import { examplePlan } from '../support/example-plan.ts';
import { refusal } from '../support/guard.ts';
import { memoryLog } from '../support/memory-custody.ts';

let scene: ReturnType<typeof memoryLog>;
let stored: StoredPlan;
const by = (name: string, channel: Caller['channel'] = 'cli'): Caller => {
  return { person: { name, groups: ['operators'] }, channel, scope: 'execute', client: 'shell' };
};
const entries = () => scene.kept.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()));

const now = Date.parse('2026-11-26T12:00:00.000Z');
const need = {
  policy: 'p',
  approvals: 1,
  from: ['leads'],
  distinctGroups: 1,
  tier: 'ordinary',
  reason: 'r',
} as const;
let decision: Decision;
let waiting: Approval[];
let made: unknown[];
let pending: number;

beforeEach(() => {
  scene = memoryLog();
  decision = { verdict: 'needs-approval', requirements: [{ ...need, from: ['leads'], ttlMs: 60_000 }] };
  waiting = [];
  made = [];
  pending = 1;
});

/** One person may have two requests waiting. */
function ask(expiresMs: number, caller = by('ask')) {
  const approvals: Partial<Stores['approvals']> = {
    overdue: async () => [],
    forPlan: async () => waiting[0],
    countPending: async () => pending,
    insert: async asked => waiting.push({ ...asked, votes: [] }) === 1,
  };
  const operations: Partial<Stores['operations']> = { insert: async (...given) => made.push(given) === 1 };
  const stores = { approvals, operations, custody: scene.store } as unknown as Stores;
  const launched: string[] = [];
  const { requestStart } = createApprovals({
    records: { ...stores, transaction: work => work(stores) },
    custody: scene.log,
    policy: { digest: 'sha256:p', decide: () => decision },
    authority: { conditions: async () => new Map(), decide: () => decision } as unknown as Authority,
    people: { find: () => undefined },
    limits: { maxPendingPerPerson: 2, executeForMs: 90_000 },
    provePresence: () => Promise.reject(new Error('nobody votes here')),
    launch: async id => void launched.push(id),
    announce: () => undefined,
    now: () => new Date(now),
  });
  stored = examplePlan({ expiresAt: new Date(now + expiresMs).toISOString() });
  return { answer: requestStart(stored, caller), launched };
}

it('is too late at the moment at which it expires', async () => {
  for (const ms of [0, -1]) expect((await refusal(ask(ms).answer)).code).toBe('precondition_failed');
  expect([waiting, entries()]).toEqual([[], []]);
  expect((await ask(1).answer).status).toBe('approval_required');
});

it.each([
  [59_999, 59_999],
  [60_001, 60_000],
  [3600_000, 60_000],
])('that lives for %i ms waits for its votes for %i ms, as its plan and a vote live no longer', async (plan, wait) => {
  const { approval, operation } = await ask(plan).answer;
  expect(waiting).toMatchObject([
    { id: approval, requester: 'ask', channel: 'cli', author: 'ask', state: 'pending', digest: stored.digest },
  ]);
  expect(waiting[0]?.expiresAt).toBe(new Date(now + wait).toISOString());
  expect([operation, made]).toEqual([undefined, []]);
  expect(entries()).toMatchObject([
    { type: 'decision', verdict: 'needs-approval', policy: 'sha256:p', reasons: ['1 approval from leads: r (p)'] },
    { type: 'approval', approval, state: 'pending', reason: '1 approval from leads: r (p)', actor: { sub: 'ask' } },
  ]);
});

it('is one more than may wait for a person, and not for the program, which has limits of its own', async () => {
  pending = 2;
  expect((await ask(1000).answer).status).toBe('approval_required');
  waiting = [];
  pending = 3;
  expect(await refusal(ask(1000).answer)).toMatchObject({ code: 'precondition_failed', retry: 'later' });
  waiting = [];
  expect((await ask(1000, by('groundskeeper', 'watch')).answer).status).toBe('approval_required');
});

it('is denied on record, and opens an operation for so long where policy allows it', async () => {
  decision = { verdict: 'deny', reasons: [{ policy: 'p', reason: 'never' }] };
  expect(await ask(1000).answer).toMatchObject({ status: 'denied', reasons: ['never (p)'] });
  expect(entries()).toMatchObject([{ type: 'decision', verdict: 'deny', reasons: ['never (p)'] }]);
  decision = { verdict: 'allow' };
  const { answer, launched } = ask(1000);
  const { status, operation, next } = await answer;
  expect([status, launched, waiting]).toEqual(['started', [operation], []]);
  expect(next).toContain(`get-operation ${operation}`);
  expect(made).toMatchObject([
    [
      {
        id: operation,
        state: 'queued',
        revoked: false,
        requester: 'ask',
        executeUntil: new Date(now + 90_000).toISOString(),
      },
      [{ node: 'w-1', site: 'boston', cluster: 'boston', wave: 1 }],
    ],
  ]);
  expect(entries().slice(1)).toMatchObject([{ type: 'decision' }, { type: 'operation', operation, state: 'queued' }]);
  const again = ask(1000);
  expect((await refusal(again.answer)).code, 'once').toBe('conflict');
  expect(again.launched).toEqual([]);
});

it('begins for a model only what its person asked for, and the person may start the rest', async () => {
  decision = { verdict: 'allow' };
  const agent = { model: 'm', conversation: 'talk-1', call: 'c', prompt: 'sha256:i' };
  const chosen: Caller = { ...by('ask', 'assistant'), agent };
  for (const caller of [chosen, { ...chosen, asked: false }]) {
    const { answer, launched } = ask(1000, caller);
    expect(await answer).toMatchObject({
      status: 'planned',
      next: expect.stringContaining(`start-plan ${stored.plan.id} ${stored.digest}`),
    });
    expect([launched, made, waiting]).toEqual([[], [], []]);
  }
  expect(entries().map(({ type, verdict }) => [type, verdict])).toEqual([
    ['decision', 'unasked'],
    ['decision', 'unasked'],
  ]);
  const { answer, launched } = ask(1000, { ...chosen, asked: true });
  const { status, operation } = await answer;
  expect([status, launched]).toEqual(['started', [operation]]);
});

it('of a model is voted on as any other where policy wants votes, asked for or not', async () => {
  const agent = { model: 'm', conversation: 'talk-1', call: 'c', prompt: 'sha256:i' };
  const { answer } = ask(1000, { ...by('ask', 'assistant'), agent });
  expect((await answer).status).toBe('approval_required');
});
