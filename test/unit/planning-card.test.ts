/** What approvers read of a plan: each line where it applies, and nowhere else. */
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../src/core/plan.ts';
import { planCard, shortDigest } from '../../src/planning/plan-card.ts';
import { examplePlan } from '../support/example-plan.ts';

const [scope] = examplePlan().plan.scopes;
const [target] = examplePlan().plan.targets;
if (!scope || !target) throw new Error('the example has one target');

/** All words of the card, tones left out. */
function card(change: Partial<Plan> = {}): string {
  const { plan, digest } = examplePlan({ createdAt: 'then', expiresAt: 'later', ...change });
  return JSON.stringify(planCard(plan, digest));
}

/** A cell of what machines or other people chose. */
function othersWords(text: string, tone = 'plain'): string {
  return JSON.stringify({ text, tone, foreign: true });
}

describe('the card of a plan', () => {
  it('says what it does, to how many, and nothing of what does not apply', () => {
    const plain = card();
    expect(plain).toContain('"1 nodes in all, at most 1 unavailable at once, budget 2');
    expect(plain).toContain('ask, then; expires later');
    for (const absent of [
      'outage',
      'taint',
      'because',
      '"changes"',
      'Images',
      'drain of',
      'Warnings',
      'Cannot be undone',
      'Left out',
      'gate after',
      'first drain',
      'after a cancel',
    ])
      expect(plain).not.toContain(absent);
    expect(card({ soakMs: 90_000 })).toContain('90 s after each node');
    const two = [scope, { ...scope, cluster: 'other' }];
    expect(card({ scopes: two })).toContain('"2 nodes in all, in each cluster within its budget');
    expect(shortDigest(`sha256:${'0123456789abcdef'.repeat(4)}`)).toBe('0123456789ab');
  });

  it('says a declared outage with what is lost, and where when there are several clusters', () => {
    const lost = { ...scope, blast: { ...scope.blast, lastOf: ['the zone z1'] } };
    expect(card({ scopes: [lost] })).not.toContain('outage');
    expect(card({ scopes: [lost], declaredOutage: true })).toContain('declared by ask: leaves the zone z1 without any');
    expect(card({ declaredOutage: true })).toContain('leaves nothing without any node');
    const two = [lost, { ...scope, cluster: 'other' }];
    expect(card({ scopes: two, declaredOutage: true })).toContain('leaves the zone z1 of boston without any');
  });

  it('says a taint, what the BMC is told, and why the program asks', () => {
    const taint = { key: 'dedicated', value: 'db', effect: 'NoSchedule' };
    expect(card({ taint: { taint, remove: false } })).toContain(
      `["adds taint",${othersWords('dedicated=db:NoSchedule')}]`,
    );
    expect(card({ taint: { taint: { key: 'x', effect: 'NoExecute' }, remove: true } })).toContain(
      `["removes taint",${othersWords('x:NoExecute')}]`,
    );
    expect(card({ health: { act: 'drain', reason: 'a fan' } })).toContain(`["because",${othersWords('a fan')}]`);
    const told = (bmcChange: Plan['bmcChange']) => card(bmcChange ? { bmcChange } : {});
    expect(told({ act: 'reset-bmc' })).toContain('"restart of the BMC; the server runs on"');
    expect(told({ act: 'reset-bmc', recover: true })).toContain('although a task works on it');
    expect(told({ act: 'identify', lit: true })).toContain('locating light on');
    expect(told({ act: 'identify', lit: false })).toContain('locating light off');
    expect(told({ act: 'boot-once', from: 'none' })).toContain('no boot override any more');
    expect(told({ act: 'boot-once', from: 'pxe' })).toContain('next start from pxe, once');
  });

  it('says the images once each, and what goes back in another tone', () => {
    const change = {
      kind: 'firmware',
      component: 'bios',
      image: 'bios-2',
      from: '1.0',
      to: '2.0',
      sha256: 'abc',
      activation: 'reset-after',
    } as const;
    const of = (more: object) =>
      card({
        targets: [target, { ...target, node: 'w-2' }].map(one => ({ ...one, changes: [{ ...change, ...more }] })),
      });
    expect(of({})).toContain('"list":["bios-2: SHA-256 abc"]');
    expect(of({})).toContain('"tone":"good"');
    expect(of({ downgrade: true })).toContain('"tone":"bad"');
    const settings = [{ attribute: 'Turbo', from: 'On', to: 'Off' }];
    const changed = { kind: 'bios-settings', settings, activation: 'next-start' } as const;
    const set = card({ targets: [{ ...target, changes: [changed] }] });
    expect(set).toContain(othersWords('Turbo On → Off'));
    expect(set).not.toContain('"good"');
    expect(set).not.toContain('Images');
  });

  it('says what drains meet, and how that of the canary ends', () => {
    const drain = { evict: ['shop/a'], skip: [], block: [], warnings: [], pdbs: ['shop/api'] };
    expect(card({ targets: [{ ...target, drain }] })).toMatch(/drain of.*shop\/a.*shop\/api/);
    const first = (verdict: 'finishes' | 'waits') => card({ canaryDrain: { verdict, says: 'all fit' } });
    expect(first('finishes')).toContain(othersWords('all fit'));
    expect(first('waits')).toContain(othersWords('all fit', 'warn'));
  });

  it('says the gates, own checks where they stand, and that nobody watches the hardware', () => {
    const check = (name: string, after: 'node' | 'wave') => ({ name, after }) as never;
    const own = [check('storage', 'node'), check('storage', 'node'), check('probe', 'wave')];
    const gates = { hardware: true, own } as NonNullable<Plan['gates']>;
    const watched = card({ gates, soakMs: 60_000 });
    expect(watched).toContain('["gate after a node","Ready for 60 s, DaemonSets, hardware, storage"]');
    expect(watched).toContain('["gate after a wave","pending pods, volumes, probe"]');
    expect(watched).not.toContain('next wave');
    const blind = card({ gates: { ...gates, hardware: false, own: [] }, advance: 'manual' });
    expect(blind).toContain('DaemonSets (nobody watches the hardware)');
    expect(blind).toContain('begins when a person advances it');
  });

  it('says the waves, which of them are canaries, and names nodes where they are few', () => {
    const nodes = ['w-1', 'w-2', 'w-3', 'w-4', 'w-5'];
    const targets = nodes.map(node => ({ ...target, node }));
    const waves = (canaries: string[]) => card({ targets, waves: [['w-1'], nodes.slice(1)], canaries });
    expect(waves(['w-1'])).toContain('"wave 1 (canary)","wave 2"');
    expect(waves(['w-1'])).toContain('"w-1","4 nodes"');
    expect(waves([])).not.toContain('(canary)');
    expect(card({ targets, waves: [nodes.slice(0, 3)] })).toContain('"w-1, w-2, w-3"');
    expect(card()).not.toContain('(canary)');
  });

  it('says warnings, what cannot be undone, what is left out, and from where on a node settles', () => {
    const step = (name: string, settling: boolean) => ({ name, does: '', settling });
    const full = card({
      warnings: ['hot'],
      irreversible: ['gone'],
      excluded: [{ node: 'w-3', reason: 'lost' }],
      steps: [step('cordon', false), step('uncordon', true)],
    });
    expect(full).toMatch(/Warnings.*hot.*Cannot be undone.*gone.*Left out.*w-3: lost/);
    expect(full).toContain('cordon → uncordon');
    expect(full).toContain('still runs: uncordon');
  });
});
