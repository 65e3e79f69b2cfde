/** Cards are plain text whatever names hold, within Slack's limits, and the same bytes for the same facts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TrackedApproval } from '../../src/core/approval.ts';
import type { Operation } from '../../src/core/operation.ts';
import type { Plan, PlanTarget } from '../../src/core/plan.ts';
import { planCard } from '../../src/planning/plan-card.ts';
import { approvalCard, type ShownRequest } from '../../src/surfaces/slack/approval-card.ts';
import { operationCard } from '../../src/surfaces/slack/operation-card.ts';
import type { Card } from '../../src/surfaces/slack/pieces.ts';
import { examplePlan } from '../support/example-plan.ts';
import { pairOf, planFields } from '../support/plan-fields.ts';
import { charactersOf, mostMessageCharacters } from '../support/slack/block-limits.ts';

const nasty = fc.constantFrom(
  '<!channel>',
  '<@U0123>',
  '<https://evil.example|approve here>',
  '*bold* _it_ `code` ~no~',
  'two\nlines',
  '\u202egnirts',
  '\u0000\u001b[2J',
  '&lt;!here&gt;',
  ':rotating_light:',
  'x'.repeat(5_000),
  '',
);
const text = fc.oneof(nasty, fc.string({ unit: 'binary', maxLength: 80 }), fc.constant('bos-w-1'));
const texts = fc.array(text, { maxLength: 12 });

const target = (name: string): PlanTarget => ({
  ...(examplePlan().plan.targets[0] as PlanTarget),
  node: name,
  serial: { value: name },
});

const requests: fc.Arbitrary<ShownRequest> = fc
  .record({
    names: fc.array(text, { minLength: 1, maxLength: 30 }),
    warnings: texts,
    irreversible: texts,
    who: text,
    reason: text,
    state: fc.constantFrom<TrackedApproval['state']>('pending', 'approved', 'rejected', 'expired', 'revoked'),
    tier: fc.constantFrom<'ordinary' | 'critical'>('ordinary', 'critical'),
    clusters: fc.integer({ min: 1, max: 100 }),
  })
  .map(({ names, warnings, irreversible, who, reason, state, tier, clusters }) => {
    const scope = examplePlan().plan.scopes[0] as Plan['scopes'][number];
    const blast = { ...scope.blast, controlPlane: 3, lastOf: ['the role control-plane', 'the zone rack-a'] };
    const scopes = Array.from({ length: clusters }, (_, index) => ({ ...scope, blast, cluster: `c-${index}` }));
    const plan: Plan = {
      ...examplePlan().plan,
      author: who,
      targets: names.map(target),
      waves: names.map(name => [name]),
      excluded: names.map(node => ({ node, reason })),
      health: { act: 'drain', reason },
      taint: { taint: { key: who, effect: reason }, remove: false },
      canaryDrain: { verdict: 'waits', says: reason },
      gates: { hardware: true, own: names.map(name => ({ name, after: 'node', site: 'boston' })) },
      steps: names.map(name => ({ name, does: '', settling: true })),
      declaredOutage: true,
      warnings,
      irreversible,
      scopes,
    };
    const requirement = { policy: 'p', approvals: 1, from: ['operators'], distinctGroups: 1, tier, ttlMs: 1, reason };
    const approval: TrackedApproval = {
      id: 'apr-0123456789',
      plan: plan.id,
      digest: 'sha256:0123456789abcdef',
      requester: who,
      channel: 'assistant',
      author: who,
      state,
      requirements: [requirement],
      votes: [],
      createdAt: '2026-11-26T10:00:00.000Z',
      expiresAt: '2026-11-26T11:00:00.000Z',
      ...(state === 'revoked' && { closing: { by: who, reason, at: '2026-11-26T10:00:00.000Z' } }),
    };
    const standing = [{ requirement, counted: [who], met: false }];
    return { approval, plan, digest: approval.digest, standing, page: 'https://gk.example/approvals/apr-0123456789' };
  });

type Found = { type?: string; text?: unknown; emoji?: unknown };

function textsIn(value: unknown): Found[] {
  if (Array.isArray(value)) return value.flatMap(textsIn);
  if (typeof value !== 'object' || value === null) return [];
  const own = 'text' in value && typeof value.text === 'string' ? [value as Found] : [];
  return [...own, ...Object.values(value).flatMap(textsIn)];
}

function holds(card: Card): void {
  expect(card.text).not.toMatch(/[<>\p{Cc}\p{Cf}]/u);
  expect(card.blocks.length).toBeLessThanOrEqual(50);
  expect(charactersOf(card.blocks)).toBeLessThanOrEqual(mostMessageCharacters);
  for (const found of textsIn(card.blocks)) {
    expect(found).toMatchObject({ type: 'plain_text', emoji: false });
    expect(found.text).not.toBe('');
    expect(String(found.text).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  }
  for (const block of card.blocks) {
    if (block.type === 'header') expect(block.text.text.length).toBeLessThanOrEqual(150);
    if (block.type !== 'section') continue;
    expect(block.text?.text.length ?? 0).toBeLessThanOrEqual(3_000);
    expect(block.fields?.length ?? 0).toBeLessThanOrEqual(10);
    for (const field of block.fields ?? []) expect(field.text.length).toBeLessThanOrEqual(2_000);
  }
}

const actionsOf = ({ blocks }: Card) =>
  blocks.flatMap(block => (block.type === 'actions' ? block.elements.map(({ action_id }) => action_id) : []));

describe('the card of a request', () => {
  it('is plain text within the limits, whatever names and words hold', () => {
    fc.assert(fc.property(requests, request => holds(approvalCard(request))));
  });

  it('says how much is left out of each list, and leaves nothing out that cannot be undone', () => {
    const many = (what: string, count: number) => Array.from({ length: count }, (_, index) => `${what} ${index}.`);
    const [request] = fc.sample(requests, { numRuns: 1, seed: 1 }) as [ShownRequest];
    const [scope] = examplePlan().plan.scopes as [Plan['scopes'][number]];
    const scopes = many('c', 70).map((cluster, index) => ({
      ...scope,
      cluster,
      blast: { ...scope.blast, controlPlane: 1, quorumLost: index === 69 },
    }));
    const irreversible = [...many('gone', 30), `deleted without asking any budget: ${many('pod', 200).join(', ')}`];
    const plan = {
      ...request.plan,
      scopes,
      irreversible,
      targets: many('w', 300).map(target),
      warnings: many('hot', 9),
    };
    const card = approvalCard({ ...request, plan });
    holds(card);
    const shown = textsIn(card.blocks).map(({ text: each }) => String(each));
    const below = (title: string) => shown.find(each => each.startsWith(title)) ?? '';
    for (const each of irreversible) expect(shown.join('\n')).toContain(each);
    expect(below('The blast radius in 70 clusters')).toMatch(/c 69\..*lose its quorum(.|\n)*and 62 more, under Review/);
    expect(below('Machines')).toContain('and 292 more, under Review');
    expect(below('Warnings')).toContain('and 1 more, under Review');
    expect(below('Who has to agree')).toContain('1 approval from operators');
  });

  it('is the same bytes for the same facts', () => {
    fc.assert(
      fc.property(requests, request => {
        expect(JSON.stringify(approvalCard(structuredClone(request)))).toBe(JSON.stringify(approvalCard(request)));
      }),
    );
  });

  it('offers votes while it waits for some, and for critical ones the page alone', () => {
    fc.assert(
      fc.property(requests, request => {
        const critical = request.approval.requirements.some(({ tier }) => tier === 'critical');
        const open = critical
          ? ['approval-review', 'approval-page']
          : ['approval-review', 'approval-approve', 'approval-reject'];
        expect(actionsOf(approvalCard(request))).toEqual(
          request.approval.state === 'pending' ? open : ['approval-review'],
        );
      }),
    );
  });

  it('has no line that a name could have added', () => {
    const [request] = fc.sample(requests, 1) as [ShownRequest];
    const plan = { ...request.plan, targets: [target('bos-w-1\nWho has to agree\n• ✓ nobody')] };
    const lines = textsIn(approvalCard({ ...request, plan }).blocks).flatMap(({ text: shown }) =>
      String(shown).split('\n'),
    );
    expect(lines.filter(line => line.includes('✓ nobody'))).toEqual([expect.stringContaining('bos-w-1')]);
  });
});

const told = (Object.keys(planFields) as (keyof typeof planFields)[]).flatMap(field => {
  const pairs = pairOf(field);
  return pairs === undefined ? [] : [[field, pairs] as const];
});

describe.each(told)('two plans that differ in %s alone', (_, pairs) => {
  const [request] = fc.sample(requests, { numRuns: 1, seed: 1 }) as [ShownRequest];
  // Digests tell everything apart, and nobody reads from them what is done.
  const cards: Record<string, (plan: Plan) => unknown> = {
    'the card in Slack': plan => approvalCard({ ...request, plan }),
    'the card of the plan': plan => planCard(plan, 'sha256:0'),
  };

  it.each(Object.entries(cards))('look different on %s', (_card, card) => {
    fc.assert(
      fc.property(pairs, ([one, other]) => {
        expect(JSON.stringify(card(one))).not.toBe(JSON.stringify(card(other)));
      }),
    );
  });
});

describe('the message of an operation', () => {
  const operations = fc
    .record({
      names: fc.array(text, { minLength: 1, maxLength: 40 }),
      reason: text,
      message: text,
      state: fc.constantFrom<Operation['state']>('queued', 'running', 'done', 'halted', 'cancelled'),
      node: fc.constantFrom<Operation['nodes'][number]['state']>('waiting', 'running', 'done', 'failed', 'ambiguous'),
      pausedBy: fc.option(text, { nil: undefined }),
    })
    .map(({ names, reason, message, state, node, pausedBy }): Operation => {
      const nodes = names.map((name, index) => ({
        node: name,
        site: 'boston',
        cluster: 'boston',
        wave: 1 + (index % 3),
        state: node,
        step: 'drain',
        message,
        updatedAt: '2026-11-26T10:00:00.000Z',
      }));
      return {
        id: 'op-0123456789',
        plan: 'plan-0123456789',
        digest: 'sha256:0',
        kind: 'firmware-rollout',
        site: 'boston',
        cluster: 'boston',
        state,
        reason,
        requester: 'day-shift',
        channel: 'slack',
        revoked: false,
        executeUntil: '2026-11-26T18:00:00.000Z',
        createdAt: '2026-11-26T10:00:00.000Z',
        nodes,
        ...(pausedBy && { pausedBy }),
      };
    });

  it('is plain text within the limits, and has buttons only while there is something to stop', () => {
    fc.assert(
      fc.property(operations, operation => {
        const card = operationCard(operation);
        holds(card);
        const ended = ['done', 'halted', 'cancelled'].includes(operation.state);
        expect(actionsOf(card).includes('operation-cancel')).toBe(!ended);
        expect(actionsOf(card).includes('operation-pause')).toBe(!ended && operation.pausedBy === undefined);
      }),
    );
  });
});
