/** What may begin, told from facts that each test changes one at a time; only the stores behind them are ours. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Approval } from '../../src/core/approval.ts';
import type { Freeze } from '../../src/core/freeze.ts';
import type { OperationHead, OperationNode } from '../../src/core/operation.ts';
import type { Plan, StoredPlan } from '../../src/core/plan.ts';
import type { Blast, Conditions, Decision, PolicyRequest, Requirement, WindowFacts } from '../../src/core/policy.ts';
import type { EffectRow, Stores } from '../../src/core/records.ts';
import { type Ask, createAuthority, reasonsOf } from '../../src/guard/authority.ts';
import { examplePlan, refusal } from '../support/guard.ts';

const now = Date.parse('2026-11-26T12:00:00Z');
const iso = (ms: number) => new Date(ms).toISOString();
const need: Requirement = {
  policy: 'needs-one',
  approvals: 1,
  from: ['operators'],
  distinctGroups: 1,
  tier: 'ordinary',
  ttlMs: 60_000,
  reason: 'why',
};
const other: Requirement = { ...need, policy: 'needs-lead', from: ['leads'] };
const blast: Blast = { peakUnavailable: 1, targets: 1, controlPlane: 0, quorumLost: false, lastOf: [] };
const anyTime: WindowFacts = { open: true, closesInMs: Number.MAX_SAFE_INTEGER, expectedMs: 0 };

let stored: StoredPlan;
let groups: Record<string, string[]>;
let asked: PolicyRequest[];
/** What policy says where these are cleared. */
let says: (cleared: string[]) => Decision;
let window: WindowFacts;
let freezes: Freeze[];
let approval: Approval | undefined;
let operation: OperationHead;
let part: OperationNode | undefined;
let held: boolean;
let effects: EffectRow[];
let learn: () => void;

/** One operation at work under one vote, as everything stands well. */
beforeEach(() => {
  place({});
  groups = { ask: ['operators'], vote: ['operators'], fire: ['firefighters'], groundskeeper: ['firefighters'] };
  asked = [];
  says = cleared =>
    cleared.includes(need.policy) ? { verdict: 'allow' } : { verdict: 'needs-approval', requirements: [need] };
  window = anyTime;
  freezes = [];
  part = { wave: 1 } as OperationNode;
  held = true;
  effects = [];
  learn = () => undefined;
});

function place(change: Partial<Plan>): void {
  stored = examplePlan(change);
  const { digest, plan } = stored;
  approval = {
    id: 'apr-1',
    plan: plan.id,
    digest,
    requester: 'ask',
    channel: 'cli',
    author: 'ask',
    state: 'approved',
    requirements: [need],
    votes: [
      {
        digest,
        person: 'vote',
        groups: [],
        channel: 'cli',
        strength: 'passphrase',
        vote: 'approve',
        reason: '',
        at: iso(now),
      },
    ],
    createdAt: iso(now),
    expiresAt: iso(now + 1),
  };
  operation = {
    id: 'op-1',
    plan: plan.id,
    digest,
    kind: plan.kind,
    site: 'boston',
    cluster: 'boston',
    state: 'running',
    reason: '',
    requester: 'ask',
    channel: 'mcp',
    revoked: false,
    executeUntil: iso(now + 1),
    createdAt: iso(now),
  };
}

function authority(breakGlassGroup: string | undefined = 'firefighters') {
  const records = {
    operations: { head: async () => operation, part: async () => part },
    plans: { get: async () => stored },
    leases: { holds: async () => held },
    approvals: { forOperation: async () => approval },
    freezes: { standing: async () => freezes },
    effects: {
      list: async (_: string, { prefix }: { prefix: string }) => effects.filter(({ step }) => step.startsWith(prefix)),
    },
  } as unknown as Stores;
  const find = (name: string) => groups[name] && { name, groups: groups[name] };
  const decide = (request: PolicyRequest) => {
    asked.push(request);
    return says(request.context.cleared);
  };
  return createAuthority({
    records,
    policy: { digest: 'sha256:p', decide },
    people: { find, read: async () => learn() },
    windowOf: async () => window,
    ...(breakGlassGroup && { breakGlassGroup }),
    now: () => new Date(now),
  });
}

const conditionsOf = (change: Partial<Conditions> = {}) => new Map([['boston', { frozen: false, window, ...change }]]);

function decided(change: Partial<Ask> = {}, breakGlassGroup?: string): Decision {
  const requester = { name: 'ask', groups: ['operators'] };
  return authority(breakGlassGroup).decide({
    plan: stored.plan,
    requester,
    via: 'cli',
    conditions: conditionsOf(),
    ...change,
  });
}

describe('policy is asked', () => {
  it('with the facts of each cluster of the plan and of this moment, and in whose name', () => {
    const calendar = { open: true, closesInMs: 5, expectedMs: 3, opensAt: 9, why: 'x' };
    decided({ conditions: conditionsOf({ frozen: true, window: calendar }) });
    expect(asked).toEqual([
      {
        principal: { name: 'ask', groups: ['operators'] },
        action: 'firmwareRollout',
        risk: 'disruptive',
        resource: { site: 'boston', cluster: 'boston' },
        context: {
          via: 'cli',
          blast,
          budget: { maxUnavailable: 2 },
          declaredOutage: false,
          frozen: true,
          window: { open: true, closesInMs: 5, expectedMs: 3 },
          cleared: [],
        },
      },
    ]);
    place({ declaredOutage: true });
    decided();
    expect(asked.at(-1)?.context.declaredOutage).toBe(true);
  });

  it('of the one cluster where an effect is, with what is down there now', () => {
    const [scope] = stored.plan.scopes;
    const [target] = stored.plan.targets;
    if (!scope || !target) throw new Error('the plan is empty');
    place({ scopes: [scope, { ...scope, cluster: 'other' }] });
    decided({ at: { target, blast: { ...blast, peakUnavailable: 2 } } });
    expect(asked.map(({ resource, context }) => [resource.cluster, context.blast?.peakUnavailable])).toEqual([
      ['boston', 2],
    ]);
    expect(() => decided(), 'nothing was read of the other cluster').toThrow('nothing was read of what holds in other');
  });
});

describe('votes', () => {
  const verdict = (change: Partial<Approval> = {}, more: Partial<Ask> = {}) =>
    decided({ approval: { ...(approval as Approval), ...change }, ...more }).verdict;

  it('clear what they suffice for while the request lives, and nothing after', () => {
    expect(decided().verdict).toBe('needs-approval');
    for (const state of ['pending', 'approved'] as const) expect(verdict({ state })).toBe('allow');
    for (const state of ['rejected', 'expired', 'revoked'] as const) expect(verdict({ state })).toBe('needs-approval');
    says = cleared =>
      cleared.length === 2 ? { verdict: 'allow' } : { verdict: 'needs-approval', requirements: [need, other] };
    expect(verdict()).toBe('needs-approval');
    expect(asked.at(-1)?.context.cleared).toEqual(['needs-one']);
    groups.vote = [];
    expect(verdict()).toBe('needs-approval');
    expect(asked.at(-1)?.context.cleared).toEqual([]);
  });

  it('are asked about only where policy wants some', () => {
    says = () => ({ verdict: 'allow' });
    expect(verdict()).toBe('allow');
    says = () => ({ verdict: 'deny', reasons: [] });
    expect(verdict()).toBe('deny');
    expect(asked).toHaveLength(2);
  });

  it('are as old as they were when the operation began, or else as they are now', () => {
    const votes = (approval as Approval).votes.map(vote => ({ ...vote, at: iso(now - 60_001) }));
    expect(verdict({ votes })).toBe('needs-approval');
    expect(verdict({ votes }, { asOf: new Date(now - 1) })).toBe('allow');
  });

  it('are stood for by who broke glass, as long as they are of the group, and never by the program', () => {
    const broke = (by: string, breakGlassGroup?: string) =>
      decided(
        { approval: { ...(approval as Approval), votes: [], breakGlass: { by, reason: '', at: '' } } },
        breakGlassGroup,
      ).verdict;
    expect(broke('fire')).toBe('allow');
    for (const by of ['vote', 'stranger', 'groundskeeper']) expect(broke(by)).toBe('needs-approval');
    expect(broke('fire', 'another group')).toBe('needs-approval');
    expect(authority().mayBreakGlass('fire')).toBe(true);
    expect(authority('').mayBreakGlass('fire'), 'no group is named').toBe(false);
    groups.fire = ['operators'];
    expect(broke('fire')).toBe('needs-approval');
  });
});

describe('a denial says when it fits', () => {
  const deny: Decision = { verdict: 'deny', reasons: [{ policy: 'outside', reason: 'closed' }] };
  const reasons = (change: Partial<WindowFacts>) => {
    says = () => deny;
    const answer = decided({
      conditions: conditionsOf({ window: { open: true, closesInMs: 10, expectedMs: 10, ...change } }),
    });
    return answer.verdict === 'deny' ? answer.reasons.slice(1).map(({ policy, reason }) => `${policy}: ${reason}`) : [];
  };

  it('only where the calendar may be why', () => {
    expect(reasons({})).toEqual([]);
    expect(reasons({ closesInMs: 11 })).toEqual([]);
    const none = 'host:window: no window in sight is long enough';
    expect(reasons({ closesInMs: 9 })).toEqual([none]);
    expect(reasons({ open: false })).toEqual([none]);
    expect(reasons({ open: false, opensAt: Date.UTC(2026, 11, 1, 3) })).toEqual([
      'host:window: it fits from 2026-12-01T03:00:00.000Z on',
    ]);
    expect(reasons({ open: false, why: 'year end' })).toEqual([
      'host:window: year end; no window in sight is long enough',
    ]);
    says = () => ({ verdict: 'allow' });
    expect(decided({ conditions: conditionsOf({ window: { open: false, closesInMs: 0, expectedMs: 1 } }) })).toEqual({
      verdict: 'allow',
    });
  });
});

it('reasons are told in words that name their policy', () => {
  expect(reasonsOf({ verdict: 'allow' })).toEqual([]);
  expect(reasonsOf({ verdict: 'deny', reasons: [{ policy: 'p', reason: 'r' }] })).toEqual(['r (p)']);
  expect(reasonsOf({ verdict: 'needs-approval', requirements: [need] })).toEqual([
    '1 approval from operators: why (needs-one)',
  ]);
});

describe('what holds for a start', () => {
  const freeze = { id: 'frz-1', site: 'boston', cluster: '*', reason: 'smoke', by: 'ask', at: iso(now) };
  const held = async () => (await authority().conditions(stored.plan)).get('boston');

  it('is whether it is frozen there, what the calendar says, and who people are by then', async () => {
    window = { open: false, closesInMs: 0, expectedMs: 1 };
    let read = 0;
    learn = () => read++;
    expect(await held()).toEqual({ frozen: false, window });
    freezes = [{ ...freeze, site: 'chicago' }];
    expect((await held())?.frozen).toBe(false);
    freezes = [freeze];
    expect([(await held())?.frozen, read]).toEqual([true, 3]);
  });

  it('is any time for what may wait for its window', async () => {
    window = { open: false, closesInMs: 0, expectedMs: 1 };
    place({ waitForWindow: true });
    expect((await held())?.window).toEqual(anyTime);
  });
});

describe('an effect', () => {
  const may = (settling = false, node = 'w-1') =>
    authority().allow({
      operation: 'op-1',
      node,
      action: 'flash',
      settling,
      leases: ['node:boston/w-1'],
      blast: async () => blast,
    });
  const why = async (settling = false) => {
    const { code, message } = await refusal(may(settling));
    return `${code}: ${message}`;
  };

  it('is allowed in the name of who asked, by the way they asked, with the votes of the start', async () => {
    approval = {
      ...(approval as Approval),
      votes: (approval as Approval).votes.map(vote => ({ ...vote, at: iso(now - 60_000) })),
    };
    expect(await may()).toEqual({ digest: stored.digest, actor: { sub: 'ask', groups: ['operators'] } });
    expect(asked.at(-1)).toMatchObject({ context: { via: 'mcp', frozen: false, cleared: ['needs-one'] } });
  });

  it.each<[string, () => unknown, string]>([
    [
      'its plan is another',
      () => (operation.digest = 'x'),
      'flash on w-1 is not allowed now: its plan is not the one that was started',
    ],
    ['its operation waits', () => (operation.state = 'queued'), 'operation op-1 is queued'],
    ['its operation ended', () => (operation.state = 'done'), 'operation op-1 is done'],
    ['its lease was lost', () => (held = false), 'the lease on the node was lost'],
    [
      'its approval is for another plan',
      () => Object.assign(approval ?? {}, { digest: 'x' }),
      'the approval is for another plan',
    ],
  ])('is refused, also one that settles, where %s', async (_, breaks, message) => {
    breaks();
    for (const settling of [true, false]) expect(await why(settling)).toMatch(new RegExp(`^forbidden: .*${message}$`));
  });

  it('on a node that is not in the plan is none', async () => {
    await expect(may(true, 'w-9')).rejects.toThrow('the plan has no target w-9');
  });

  const freeze = { id: 'frz-1', site: 'boston', cluster: 'boston', reason: 'smoke', by: 'vote', at: iso(now) };
  it.each<[string, () => unknown, string]>([
    [
      'somebody froze it there',
      () => freezes.push(freeze),
      'stopped: flash on w-1 was not begun: vote froze the cluster boston: smoke (frz-1)',
    ],
    [
      'its time is over',
      () => (operation.executeUntil = iso(now)),
      `stopped: flash on w-1 was not begun: its time to act ended at ${iso(now)}`,
    ],
    [
      'it was cancelled',
      () => (operation.cancelRequestedBy = 'vote'),
      'stopped: flash on w-1 was not begun: vote cancelled the operation',
    ],
    [
      'it halts',
      () => (operation.halting = 'too many failures'),
      'stopped: flash on w-1 was not begun: too many failures',
    ],
    [
      'the approval ended',
      () => Object.assign(approval ?? {}, { state: 'revoked' }),
      'stopped: flash on w-1 was not begun: request apr-1 is revoked',
    ],
    [
      'who asked is not known',
      () => delete groups.ask,
      'forbidden: flash on w-1 is not allowed now: ask, who asked for it, is not known any more',
    ],
    [
      'the vote does not count any more',
      () => delete groups.vote,
      'forbidden: flash on w-1 is not allowed now: 1 approval from operators: why (needs-one)',
    ],
    [
      'another process was told so',
      () => (learn = () => delete groups.vote),
      'forbidden: flash on w-1 is not allowed now: 1 approval from operators: why (needs-one)',
    ],
    [
      'there is no request and policy wants votes',
      () => (approval = undefined),
      'forbidden: flash on w-1 is not allowed now: 1 approval from operators: why (needs-one)',
    ],
  ])('is refused where %s, and goes on where it settles', async (_, breaks, message) => {
    breaks();
    expect(await why()).toBe(message);
    expect((await may(true)).digest).toBe(stored.digest);
  });

  it('of a wave that nobody let begin waits, where the plan wants that', async () => {
    part = { wave: 2 } as OperationNode;
    expect((await may()).digest).toBe(stored.digest);
    place({ advance: 'manual' });
    expect(await why()).toContain('wave 2 waits until a person advances it');
    operation.advancedTo = 2;
    expect((await may()).digest).toBe(stored.digest);
    operation.advancedTo = undefined;
    part = undefined;
    expect((await may()).digest, 'what has no part is of the first').toBe(stored.digest);
  });

  it('of a node that has begun need not fit into the window any more, but the window has to be open', async () => {
    const windows = async (...rows: string[]) => {
      effects = rows.map(step => ({ step }) as EffectRow);
      window = { open: true, closesInMs: 5, expectedMs: 9 };
      await may();
      return asked.at(-1)?.context.window;
    };
    expect(await windows()).toEqual({ open: true, closesInMs: 5, expectedMs: 9 });
    expect(await windows('w-10/cordon', 'w-2/cordon')).toMatchObject({ expectedMs: 9 });
    expect(await windows('w-1/cordon')).toEqual({ open: true, closesInMs: 5, expectedMs: 0 });
    window = { open: false, closesInMs: 0, expectedMs: 9 };
    await may();
    expect(asked.at(-1)?.context.window?.open).toBe(false);
  });

  it('is stamped with its node, and in the name of who asked as far as they are known', async () => {
    const stamp = await authority().stamp({ operation: 'op-1', node: 'w-1' });
    expect(stamp).toEqual({
      actor: { sub: 'ask', groups: ['operators'] },
      via: { channel: 'service' },
      resource: {
        site: 'boston',
        cluster: 'boston',
        node: 'w-1',
        serial: 'SERIAL',
        uuid: '11111111-2222-4333-8444-555555555555',
      },
    });
    delete groups.ask;
    expect((await authority().stamp({ operation: 'op-1', node: 'w-1' })).actor).toEqual({ sub: 'ask', groups: [] });
    const actor = { sub: 'x', groups: [] };
    const [target] = stored.plan.targets;
    place({ targets: [{ ...(target as NonNullable<typeof target>), serial: { unknown: 'not read' } as never }] });
    expect(await authority().stamp({ operation: 'op-1', node: 'w-1' }, actor)).toMatchObject({
      actor,
      resource: { node: 'w-1' },
    });
  });
});
