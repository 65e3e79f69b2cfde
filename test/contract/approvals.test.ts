/** Who may say yes, and to what: one approval, other people, one operation. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canonicalBytes } from '../../src/core/canonical.ts';
import type { StoredPlan } from '../../src/core/plan.ts';
import type { Caller } from '../../src/core/tool.ts';
import { examplePlan } from '../support/example-plan.ts';
import { type GuardScene, guardScene, present, refusal, shippedPolicies, storedPlan } from '../support/guard.ts';

let scene: GuardScene;
let stored: StoredPlan;

beforeEach(async () => {
  scene = await guardScene();
  stored = await storedPlan(scene);
});
afterEach(() => scene.close());

async function asked(): Promise<string> {
  return (await scene.approvals.requestStart(stored, scene.caller('ask'))).approval ?? '';
}

type Vote = { passphrase?: string; channel?: Caller['channel']; vote?: 'approve' | 'reject' };

function vote(approval: string, who: string, { passphrase = 'right', channel, vote: cast = 'approve' }: Vote = {}) {
  return scene.approvals.vote(
    { approval, vote: cast, reason: 'because', presence: { by: 'passphrase', passphrase } },
    scene.caller(who, channel),
  );
}

async function operations(): Promise<number> {
  return (await scene.records.operations.list({ limit: 100 })).length;
}

async function countedVotes(): Promise<string[]> {
  const entries = await scene.entries();
  return entries.flatMap(entry =>
    entry.type === 'vote' ? [`${entry.actor.sub} ${entry.vote} ${entry.counted ? 'counted' : 'not counted'}`] : [],
  );
}

describe('asking to start a plan', () => {
  it('gives one request, however often and by however many at once it is asked', async () => {
    const ask = () => scene.approvals.requestStart(stored, scene.caller('ask'));
    const answers = [...(await Promise.all([ask(), ask(), ask(), ask()])), await ask()];
    expect(new Set(answers.map(answer => answer.status))).toEqual(new Set(['approval_required']));
    expect(new Set(answers.map(answer => answer.approval)).size).toBe(1);
    expect(await scene.records.approvals.list()).toHaveLength(1);
    expect((await scene.entries()).filter(entry => entry.type === 'decision')).toHaveLength(1);
    expect(await operations()).toBe(0);
  });

  it('opens one operation where policy allows it outright', async () => {
    stored = await storedPlan(scene, { kind: 'uncordon', action: 'uncordonNode' });
    const ask = () => scene.approvals.requestStart(stored, scene.caller('ask'));
    const answers = await Promise.allSettled([ask(), ask(), ask()]);
    expect(answers.filter(answer => answer.status === 'fulfilled')).toHaveLength(1);
    expect([await operations(), scene.launched.length]).toEqual([1, 1]);
  });

  it('is refused for a plan that expired', async () => {
    scene.clock.aheadMs = 2 * 3600_000;
    expect((await refusal(asked())).code).toBe('precondition_failed');
    expect(await scene.records.approvals.list()).toEqual([]);
  });
});

describe('a vote is refused', () => {
  it('from the requester and from the author, even with their passphrase', async () => {
    stored = await storedPlan(scene, { author: 'also' });
    const approval = await asked();
    expect((await refusal(vote(approval, 'ask'))).message).toContain('asked for this plan');
    expect((await refusal(vote(approval, 'also'))).message).toContain('made this plan');
    expect(await countedVotes()).toEqual(['ask approve not counted', 'also approve not counted']);
    expect(await operations()).toBe(0);
  });

  it('over MCP, whoever it is and whatever passphrase it brings', async () => {
    const approval = await asked();
    expect((await refusal(vote(approval, 'vote', { channel: 'mcp' }))).code).toBe('forbidden');
    expect((await scene.records.approvals.get(approval)).votes).toEqual([]);
  });

  it('without the right passphrase, and from people outside the voting groups', async () => {
    const approval = await asked();
    expect((await refusal(vote(approval, 'vote', { passphrase: 'wrong' }))).code).toBe('unauthenticated');
    scene.people.set('vote', { name: 'vote', groups: ['developers'] });
    expect((await refusal(vote(approval, 'vote'))).code).toBe('forbidden');
    expect([await operations(), (await scene.records.approvals.get(approval)).votes]).toEqual([0, []]);
  });

  it.each([
    ['approved', (id: string) => vote(id, 'vote')],
    ['rejected', (id: string) => vote(id, 'vote', { vote: 'reject' })],
    [
      'expired',
      async () => {
        scene.clock.aheadMs = 2 * 3600_000;
      },
    ],
  ])('on a request that is %s', async (state, end) => {
    const approval = await asked();
    await end(approval);
    const before = await operations();
    expect((await refusal(vote(approval, 'also'))).message).toContain(`is ${state}`);
    expect([(await scene.records.approvals.get(approval)).state, await operations()]).toEqual([state, before]);
  });

  it('when policy has come to forbid the plan', async () => {
    const approval = await asked();
    scene.people.set('ask', { name: 'ask', groups: [] });
    expect((await refusal(vote(approval, 'vote'))).code).toBe('forbidden');
    expect([await operations(), (await scene.records.approvals.get(approval)).votes]).toEqual([0, []]);
  });

  it('when the stored plan is not the one that was asked for', async () => {
    const approval = await asked();
    const { plan, digest } = examplePlan({
      ...stored.plan,
      drain: { deleteEmptyDir: true, force: true, byPriority: false },
    });
    await scene.admin.query('update plan set body = $1', [canonicalBytes(plan).toString()]);
    expect((await refusal(vote(approval, 'vote'))).message).toContain('does not match its digest');
    await scene.admin.query('update plan set digest = $1', [digest]);
    expect((await refusal(vote(approval, 'vote'))).message).toContain('another plan');
    expect(await operations()).toBe(0);
  });
});

describe('one approval', () => {
  it('counts where the engine is away when it is cast: the operation is there, and is launched later', async () => {
    scene.engine.isAway = true;
    const { state, operation = '' } = await vote(await asked(), 'vote');
    expect([state, await operations(), scene.launched, scene.notLaunched]).toEqual(['approved', 1, [], [operation]]);
    expect(await scene.records.operations.queued()).toEqual([operation]);
  });

  it('leads to one operation when two people vote at the same moment, again and again', async () => {
    for (let round = 0; round < 5; round++) {
      stored = await storedPlan(scene);
      const approval = await asked();
      await Promise.allSettled([vote(approval, 'vote'), vote(approval, 'also'), vote(approval, 'vote')]);
      const { state, operation } = await scene.records.approvals.get(approval);
      expect([state, await operations(), scene.launched.length]).toEqual(['approved', round + 1, round + 1]);
      expect(scene.launched.at(-1)).toBe(operation);
    }
  });

  it('is either given or rejected, never both, when both come at the same moment', async () => {
    for (let round = 0; round < 5; round++) {
      stored = await storedPlan(scene);
      const before = await operations();
      const approval = await asked();
      const ballots = [vote(approval, 'vote'), vote(approval, 'also', { vote: 'reject' })];
      const outcomes = await Promise.allSettled(round % 2 === 0 ? ballots : ballots.reverse());
      expect(outcomes.filter(outcome => outcome.status === 'fulfilled')).toHaveLength(1);
      const { state, votes } = await scene.records.approvals.get(approval);
      expect([state, votes.length, (await operations()) - before]).toEqual(
        state === 'approved' ? ['approved', 1, 1] : ['rejected', 1, 0],
      );
    }
  });

  it('of two people is not given by one who votes twice', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'approvals-policy-'));
    try {
      cpSync(shippedPolicies, dir, { recursive: true });
      rmSync(join(dir, 'cases.yaml'), { force: true });
      const file = join(dir, 'approvals.cedar');
      writeFileSync(file, readFileSync(file, 'utf8').replace('@approvals("1")', '@approvals("2")'));
      const { approvals } = scene.under(dir);
      const { approval = '' } = await approvals.requestStart(stored, scene.caller('ask'));
      const ballot = { approval, vote: 'approve', reason: 'go', presence: present } as const;
      const twice = [approvals.vote(ballot, scene.caller('vote')), approvals.vote(ballot, scene.caller('vote'))];
      expect((await Promise.allSettled(twice)).filter(outcome => outcome.status === 'fulfilled')).toHaveLength(1);
      expect((await refusal(approvals.vote(ballot, scene.caller('vote')))).code).toBe('conflict');
      expect(await operations()).toBe(0);
      await approvals.vote(ballot, scene.caller('also'));
      expect(await operations()).toBe(1);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
