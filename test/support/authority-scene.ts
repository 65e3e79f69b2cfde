/** The authority over facts that a test changes one at a time; only the stores behind it are ours. */
import type { Approval } from '../../src/core/approval.ts';
import type { Freeze } from '../../src/core/freeze.ts';
import type { OperationHead, OperationNode } from '../../src/core/operation.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { Blast, Conditions, Decision, PolicyRequest, Requirement, WindowFacts } from '../../src/core/policy.ts';
import type { EffectRow, Stores } from '../../src/core/records.ts';
import { type Ask, createAuthority } from '../../src/guard/authority.ts';
import { examplePlan } from './example-plan.ts';

export const now = Date.parse('2026-11-26T12:00:00Z');
export const iso = (ms: number) => new Date(ms).toISOString();
export const blast: Blast = { peakUnavailable: 1, targets: 1, controlPlane: 0, quorumLost: false, lastOf: [] };
export const anyTime: WindowFacts = { open: true, closesInMs: Number.MAX_SAFE_INTEGER, expectedMs: 0 };
export const need: Requirement = {
  policy: 'needs-one',
  approvals: 1,
  from: ['operators'],
  distinctGroups: 1,
  tier: 'ordinary',
  ttlMs: 60_000,
  reason: 'why',
};

/** One operation at work under one vote, as everything stands well. */
export function authorityScene() {
  const asked: PolicyRequest[] = [];
  const facts = {
    ...placed({}),
    /** What policy was asked. */
    asked,
    groups: {
      ask: ['operators'],
      vote: ['operators'],
      fire: ['firefighters'],
      groundskeeper: ['firefighters'],
    } as Record<string, string[]>,
    /** What policy says where these are cleared. */
    says: (cleared: string[]): Decision =>
      cleared.includes(need.policy) ? { verdict: 'allow' } : { verdict: 'needs-approval', requirements: [need] },
    window: anyTime,
    /** As configured today. */
    budget: { maxUnavailable: 100 },
    freezes: [] as Freeze[],
    part: { wave: 1 } as OperationNode | undefined,
    held: true,
    effects: [] as EffectRow[],
    /** What comes to pass when people are read again. */
    learn: () => {},
  };

  function authority(breakGlassGroup: string | undefined = 'firefighters') {
    const records = {
      operations: { head: async () => facts.operation, part: async () => facts.part },
      plans: { get: async () => facts.stored },
      leases: { holds: async () => facts.held },
      approvals: { forOperation: async () => facts.approval },
      freezes: { standing: async () => facts.freezes },
      effects: {
        list: async (_: string, { prefix }: { prefix: string }) =>
          facts.effects.filter(({ step }) => step.startsWith(prefix)),
      },
    } as unknown as Stores;
    const find = (name: string) => facts.groups[name] && { name, groups: facts.groups[name] };
    const decide = (request: PolicyRequest) => {
      facts.asked.push(request);
      return facts.says(request.context.cleared);
    };
    return createAuthority({
      records,
      policy: { digest: 'sha256:p', decide },
      people: { find, read: async () => facts.learn() },
      windowOf: async () => facts.window,
      budgetOf: () => facts.budget,
      ...(breakGlassGroup && { breakGlassGroup }),
      now: () => new Date(now),
    });
  }

  const conditionsOf = (change: Partial<Conditions> = {}) =>
    new Map([['boston', { frozen: false, window: facts.window, ...change }]]);

  function decided(change: Partial<Ask> = {}, breakGlassGroup?: string): Decision {
    const requester = { name: 'ask', groups: ['operators'] };
    return authority(breakGlassGroup).decide({
      plan: facts.stored.plan,
      requester,
      via: 'cli',
      conditions: conditionsOf(),
      ...change,
    });
  }

  return {
    facts,
    place: (change: Partial<Plan>) => void Object.assign(facts, placed(change)),
    authority,
    conditionsOf,
    decided,
  };
}

function placed(change: Partial<Plan>) {
  const stored = examplePlan(change);
  const { digest, plan } = stored;
  const how = { channel: 'cli', strength: 'passphrase', vote: 'approve', reason: '' } as const;
  const approval: Approval | undefined = {
    id: 'apr-1',
    plan: plan.id,
    digest,
    requester: 'ask',
    channel: 'cli',
    author: 'ask',
    state: 'approved',
    requirements: [need],
    votes: [{ digest, person: 'vote', groups: [], at: iso(now), ...how }],
    createdAt: iso(now),
    expiresAt: iso(now + 1),
  };
  const operation: OperationHead = {
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
  return { stored, approval: approval as Approval | undefined, operation };
}
