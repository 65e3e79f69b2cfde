/** Nothing that was decided earlier is trusted at the moment of an effect. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canonicalBytes } from '../../src/core/canonical.ts';
import { examplePlan } from '../support/example-plan.ts';
import {
  approvedOperation,
  effectOf,
  type GuardScene,
  guardScene,
  leases,
  refusal,
  shippedPolicies,
} from '../support/guard.ts';

let scene: GuardScene;
let operation: string;

beforeEach(async () => {
  scene = await guardScene();
  operation = await approvedOperation(scene);
});
afterEach(async () => {
  await scene.close();
  for (const dir of folders.splice(0)) rmSync(dir, { recursive: true });
});

const folders: string[] = [];

/** The shipped policies after somebody edited them. */
function policiesWith(edit: (approvals: string) => string): string {
  const dir = mkdtempSync(join(tmpdir(), 'guard-policy-'));
  folders.push(dir);
  cpSync(shippedPolicies, dir, { recursive: true });
  rmSync(join(dir, 'cases.yaml'), { force: true });
  const file = join(dir, 'approvals.cedar');
  writeFileSync(file, edit(readFileSync(file, 'utf8')));
  return dir;
}

const froze = (where: { site: string; cluster: string }) =>
  scene.freezes.freeze(where, 'smoke in hall 2', scene.caller('also'));

type Breaking = (at: { operation: string }) => Promise<unknown> | unknown;
const breaking: [what: string, breaks: Breaking, settles: boolean, why: RegExp][] = [
  ['the lease was lost', ({ operation: id }) => scene.records.leases.release(id, leases.slice(0, 1)), false, /lease/],
  ['somebody cancelled', ({ operation: id }) => scene.records.operations.requestCancel(id, 'vote'), true, /cancelled/],
  ['somebody froze the cluster', () => froze({ site: 'boston', cluster: 'boston' }), true, /froze/],
  ['somebody froze the site', () => froze({ site: 'boston', cluster: '*' }), true, /froze/],
  ['somebody froze the fleet', () => froze({ site: '*', cluster: '*' }), true, /froze/],
  ['the budget was lowered', () => (scene.budget.maxUnavailable = 0), true, /over-budget/],
  ['its time is over', () => (scene.clock.aheadMs = 2 * 3600_000), true, /time to act ended/],
  ['the approval is revoked', () => scene.admin.query(`update approval set state = 'revoked'`), true, /is revoked/],
  ['the approver lost the right to', () => scene.people.set('vote', { name: 'vote', groups: [] }), true, /approval/],
  ['the approver is not known any more', () => scene.people.delete('vote'), true, /approval/],
  [
    'another process was told that the approver lost the right to',
    () => scene.toldElsewhere.push(() => scene.people.set('vote', { name: 'vote', groups: [] })),
    true,
    /approval/,
  ],
  ['the requester lost the right to ask', () => scene.people.set('ask', { name: 'ask', groups: [] }), true, /permits/],
  ['the requester is not known any more', () => scene.people.delete('ask'), true, /not known/],
  [
    'the operation ended',
    ({ operation: id }) => scene.records.operations.transition(id, ['running'], 'halted', 'x'),
    false,
    /halted/,
  ],
  [
    'the approval was taken away',
    () => scene.admin.query('update approval set operation = null'),
    true,
    /1 approval from operators/,
  ],
  ['the votes are gone', () => scene.admin.query('delete from vote'), true, /1 approval from operators/],
];

it('counts a right that another process was told of meanwhile', async () => {
  const rightful = { name: 'vote', groups: ['operators'] };
  scene.people.set('vote', { name: 'vote', groups: [] });
  scene.toldElsewhere.push(() => scene.people.set('vote', rightful));
  const { spec, sent } = effectOf(operation);
  await scene.perform(spec);
  expect(sent).toHaveLength(1);
});

describe('an effect is refused, and nothing is sent, when', () => {
  it.each(breaking)('%s', async (_what, breaks, settles, why) => {
    await breaks({ operation });
    const { spec, sent } = effectOf(operation);
    const error = await refusal(scene.perform(spec));
    // What was stopped was not denied: whoever reads the outcome tells them apart.
    const code = /cancelled|froze|time|revoked/.test(why.source) ? 'stopped' : 'forbidden';
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(why)]);
    expect(sent).toEqual([]);
    // Only what the machine needs after its first irreversible step runs on, and only some of the reasons let it.
    const settling = effectOf(operation, { step: 'w-1/uncordon', settling: true });
    await scene.perform(settling.spec).catch(() => undefined);
    expect(settling.sent).toHaveLength(settles ? 1 : 0);
  });

  it.each(breaking)('%s while it was proved that the machine is ready', async (_what, breaks, _settles, why) => {
    let proofs = 0;
    const { spec, sent } = effectOf(operation, {
      async prove() {
        proofs += 1;
        await breaks({ operation });
      },
    });
    expect((await refusal(scene.perform(spec))).message).toMatch(why);
    expect([proofs, sent]).toEqual([1, []]);
    const { rows } = await scene.admin.query('select state, sent_at from effect');
    expect(rows).toEqual([{ state: 'failed', sent_at: null }]);
  });

  it('more nodes are down than the budget allows, whatever the votes say', async () => {
    const { spec, sent } = effectOf(operation, {
      blast: async () => ({ peakUnavailable: 3, targets: 1, controlPlane: 0, quorumLost: false, lastOf: [] }),
    });
    expect((await refusal(scene.perform(spec))).message).toContain('over-budget');
    expect(sent).toEqual([]);
  });

  it('no maintenance window is open, and it says when one is', async () => {
    Object.assign(scene.window, { open: false, closesInMs: 0, opensAt: Date.UTC(2026, 11, 1, 3), why: 'year end' });
    const { spec, sent } = effectOf(operation);
    expect((await refusal(scene.perform(spec))).message).toMatch(
      /no maintenance window is open .*year end; it fits from 2026-12-01T03:00:00\.000Z on/,
    );
    expect(sent).toEqual([]);
    // A node that is past its first irreversible step is brought to its end at any time.
    const settling = effectOf(operation, { step: 'w-1/uncordon', settling: true });
    await scene.perform(settling.spec);
    expect(settling.sent).toHaveLength(1);
  });

  it('what is left of the window is too short for the node, unless the node has begun', async () => {
    const cordon = effectOf(operation, { step: 'w-1/cordon' });
    Object.assign(scene.window, { closesInMs: 59_999 });
    expect((await refusal(scene.perform(cordon.spec))).message).toContain('outside-window');
    expect(cordon.sent).toEqual([]);
    Object.assign(scene.window, { closesInMs: 60_000 });
    await scene.perform(cordon.spec);
    Object.assign(scene.window, { closesInMs: 1 });
    const { spec, sent } = effectOf(operation);
    await scene.perform(spec);
    expect(sent).toHaveLength(1);
  });

  it('the facts that policy needs cannot be read', async () => {
    const { spec, sent } = effectOf(operation, { blast: () => Promise.reject(new Error('no API server')) });
    await expect(scene.perform(spec)).rejects.toThrow('no API server');
    expect(sent).toEqual([]);
  });

  it('policy wants two votes now, and there is one', async () => {
    const stricter = scene.under(policiesWith(text => text.replace('@approvals("1")', '@approvals("2")')));
    const { spec, sent } = effectOf(operation);
    expect((await refusal(stricter.perform(spec))).message).toContain('2 approvals');
    expect(sent).toEqual([]);
  });

  it('policy wants the vote of another group now', async () => {
    scene.people.set('also', { name: 'also', groups: ['operators', 'leads'] });
    const moved = scene.under(
      policiesWith(text => text.replace('@from("operators, site:operators")', '@from("leads")')),
    );
    const { spec, sent } = effectOf(operation);
    expect((await refusal(moved.perform(spec))).message).toContain('from leads');
    expect(sent).toEqual([]);
  });

  it('policy forbids it now', async () => {
    const forbid = '@id("freeze") @reason("frozen") forbid (principal, action, resource);';
    const frozen = scene.under(policiesWith(text => `${text}\n${forbid}`));
    const { spec, sent } = effectOf(operation);
    expect((await refusal(frozen.perform(spec))).message).toContain('frozen');
    expect(sent).toEqual([]);
  });

  it('the plan in the database is not the one that people voted on', async () => {
    const { plan: kept } = await scene.records.plans.get((await scene.records.operations.get(operation)).plan);
    const tampered = { ...kept, targets: kept.targets.map(target => ({ ...target, bmcUrl: 'https://127.0.0.66' })) };
    const { spec, sent } = effectOf(operation);
    await scene.admin.query('update plan set body = $1', [JSON.stringify(tampered)]);
    expect((await refusal(scene.perform(spec))).message).toContain('does not match its digest');

    const { digest } = examplePlan(tampered);
    const body = canonicalBytes(tampered).toString();
    await scene.admin.query('update plan set body = $1, digest = $2', [body, digest]);
    expect((await refusal(scene.perform(spec))).message).toContain('not the one that was started');

    await scene.admin.query('update operation set digest = $1', [digest]);
    expect((await refusal(scene.perform(spec))).message).toContain('the approval is for another plan');
    expect(sent).toEqual([]);
  });

  it('it is repeated under one intent and was forbidden meanwhile', async () => {
    let asked = 0;
    const { spec } = effectOf(operation, {
      async send(_grant, stillAllowed) {
        for (; asked < 3; asked++) {
          await stillAllowed();
          if (asked === 1) scene.people.delete('vote');
        }
        return 'went on';
      },
    });
    expect((await refusal(scene.perform(spec))).code).toBe('forbidden');
    expect(asked).toBe(2);
  });
});
