/** How a request ends: by votes that count, by its time, by being taken back, or in an emergency. */
import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Person } from '../../src/core/fleet.ts';
import type { StoredPlan } from '../../src/core/plan.ts';
import type { Caller } from '../../src/core/tool.ts';
import { policiesAsking } from '../support/edited-policies.ts';
import {
  approvedOperation,
  effectOf,
  type GuardScene,
  guardScene,
  present,
  refusal,
  shippedPolicies,
  storedPlan,
} from '../support/guard.ts';

let scene: GuardScene;
let stored: StoredPlan;
const folders: string[] = [];

beforeEach(async () => {
  scene = await guardScene();
  stored = await storedPlan(scene);
});
afterEach(async () => {
  await scene.close();
  for (const dir of folders.splice(0)) rmSync(dir, { recursive: true });
});

/** The guard under policies that ask for other votes. */
function asking(annotations: string): Pick<GuardScene, 'approvals'> {
  const dir = policiesAsking(annotations);
  folders.push(dir);
  return scene.under(dir);
}

function joins(name: string, ...groups: string[]): Person {
  const person = { name, groups };
  scene.people.set(name, person);
  return person;
}

async function asked({ approvals }: Pick<GuardScene, 'approvals'> = scene): Promise<string> {
  return (await approvals.requestStart(stored, scene.caller('ask'))).approval ?? '';
}

type How = {
  channel?: Caller['channel'];
  vote?: 'approve' | 'reject';
  reason?: string;
  under?: Pick<GuardScene, 'approvals'>;
};

function vote(
  approval: string,
  who: string,
  { channel, vote: cast = 'approve', reason = 'fine', under = scene }: How = {},
) {
  const ballot = { approval, vote: cast, reason, presence: present };
  return under.approvals.vote(ballot, scene.caller(who, channel));
}

function revoke(approval: string, who: string, channel?: Caller['channel']) {
  return scene.approvals.revoke({ approval, reason: 'changed my mind', presence: present }, scene.caller(who, channel));
}

function breakGlass(approval: string, who: string, channel?: Caller['channel']) {
  return scene.approvals.breakGlass({ approval, reason: 'fire', presence: present }, scene.caller(who, channel));
}

/** What the log tells of requests, as `state by whom`. */
async function moves(): Promise<string[]> {
  return (await scene.entries()).flatMap(entry =>
    entry.type === 'approval' ? [`${entry.state} by ${entry.actor.sub}`] : [],
  );
}

const operations = async () => (await scene.records.operations.list({ limit: 100 })).length;

describe('votes count', () => {
  it('for a critical request only from the approval page, and a no from anywhere', async () => {
    const under = asking('@approvals("1")\n@from("operators")\n@tier("critical")');
    const approval = await asked(under);
    const refused = await refusal(vote(approval, 'vote', { under }));
    expect([refused.code, refused.hint]).toEqual(['forbidden', expect.stringContaining(`/approvals/${approval}`)]);
    expect((await vote(approval, 'vote', { under, channel: 'page' })).state).toBe('approved');
    stored = await storedPlan(scene);
    expect((await vote(await asked(under), 'vote', { under, vote: 'reject' })).state).toBe('rejected');
    expect(await operations()).toBe(1);
  });

  it('for different groups once each, whoever came first', async () => {
    const under = asking('@approvals("2")\n@from("operators,leads")\n@distinct_groups("2")');
    joins('both', 'operators', 'leads');
    const approval = await asked(under);
    expect((await vote(approval, 'vote', { under })).state).toBe('pending');
    expect((await vote(approval, 'also', { under })).state).toBe('pending');
    expect((await vote(approval, 'both', { under })).state).toBe('approved');
    expect((await scene.records.approvals.get(approval)).votes.at(-1)).toMatchObject({
      digest: stored.digest,
      groups: ['operators', 'leads'],
      channel: 'cli',
      strength: 'passphrase',
    });
  });
});

describe('a request', () => {
  it('expires once, with its entry, whoever looks', async () => {
    const approval = await asked();
    scene.clock.aheadMs = 2 * 3600_000;
    await Promise.all([scene.approvals.expireDue(), scene.under(shippedPolicies).approvals.expireDue()]);
    expect(await moves()).toEqual(['pending by ask', 'expired by groundskeeper']);
    expect((await scene.records.approvals.get(approval)).closing?.reason).toContain('nobody decided');
  });

  it('is rejected with a reason on record, in one line that shows what it holds', async () => {
    const approval = await asked();
    expect((await refusal(vote(approval, 'vote', { vote: 'reject', reason: ' \u202e\n' }))).code).toBe('invalid_input');
    await vote(approval, 'vote', { vote: 'reject', reason: `no\u202e\u0007 \n${'x'.repeat(900)}` });
    const [cast] = (await scene.records.approvals.get(approval)).votes;
    expect(cast?.reason).toMatch(/^no x{490,}…$/);
    expect(cast?.reason).toHaveLength(500);
    expect(await moves()).toEqual(['pending by ask', 'rejected by vote']);
    expect((await refusal(revoke(approval, 'vote'))).message).toContain('nothing of theirs');
  });

  it('is one of so many that may wait, also when all are made at the same moment', async () => {
    scene.limits.maxPendingPerPerson = 2;
    const plans = await Promise.all([1, 2, 3, 4, 5].map(() => storedPlan(scene)));
    const answers = await Promise.allSettled(
      plans.map(plan => scene.approvals.requestStart(plan, scene.caller('ask'))),
    );
    expect(answers.filter(answer => answer.status === 'fulfilled')).toHaveLength(2);
    const refused = await refusal(asked());
    expect([refused.code, refused.hint]).toEqual(['precondition_failed', expect.stringContaining('revoke')]);
    expect(await scene.records.approvals.list('pending')).toHaveLength(2);
    expect(await moves()).toHaveLength(2);
    await scene.approvals.requestStart(stored, scene.caller('also'));
  });
});

describe('taken back', () => {
  it('by who asked, a request takes no more votes', async () => {
    const approval = await asked();
    const { closing, state } = await revoke(approval, 'ask');
    expect([state, closing?.by, closing?.reason]).toEqual(['revoked', 'ask', 'changed my mind']);
    expect((await refusal(vote(approval, 'vote'))).message).toContain('is revoked');
    expect([await moves(), await operations()]).toEqual([['pending by ask', 'revoked by ask'], 0]);
  });

  it('a vote counts no more, and may be cast again', async () => {
    const under = asking('@approvals("2")\n@from("operators,leads")');
    joins('third', 'leads');
    const approval = await asked(under);
    await vote(approval, 'vote', { under });
    expect((await revoke(approval, 'vote')).votes).toEqual([]);
    expect((await vote(approval, 'also', { under })).state).toBe('pending');
    expect((await vote(approval, 'vote', { under })).state).toBe('approved');
    const votes = (await scene.entries()).flatMap(entry =>
      entry.type === 'vote' ? [`${entry.actor.sub} ${entry.vote}`] : [],
    );
    expect(votes).toEqual(['vote approve', 'vote revoke', 'also approve', 'vote approve']);
  });

  it.each(['ask', 'vote'])('by %s while it runs, an approval covers only steps that settle', async who => {
    const operation = await approvedOperation(scene);
    const approval = (await scene.records.operations.get(operation)).approval ?? '';
    expect((await revoke(approval, who)).state).toBe('revoked');
    expect(await scene.records.operations.get(operation)).toMatchObject({ cancelRequestedBy: who, revoked: true });
    const begins = effectOf(operation);
    expect((await refusal(scene.perform(begins.spec))).code).toBe('stopped');
    const settles = effectOf(operation, { step: 'w-1/uncordon', settling: true });
    await scene.perform(settles.spec);
    expect([begins.sent.length, settles.sent.length]).toEqual([0, 1]);
  });

  it('nothing is by others, by a machine, or when nothing is left', async () => {
    const operation = await approvedOperation(scene);
    const approval = (await scene.records.operations.get(operation)).approval ?? '';
    expect((await refusal(revoke(approval, 'also'))).message).toContain('nothing of theirs');
    expect((await refusal(revoke(approval, 'vote', 'mcp'))).code).toBe('forbidden');
    const absent = { approval, reason: 'x', presence: { by: 'fresh-login', ticket: 'guessed' } } as const;
    expect((await refusal(scene.approvals.revoke(absent, scene.caller('vote')))).code).toBe('unauthenticated');
    await scene.records.operations.transition(operation, ['running'], 'done', 'over');
    expect((await refusal(revoke(approval, 'vote'))).message).toContain('nothing left');
    expect(await moves()).toEqual(['pending by ask', 'approved by vote']);
  });
});

describe('glass is broken', () => {
  beforeEach(() => joins('fire', 'firefighters'));

  it('by a person of the named group: one plan begins without votes, for minutes, and everybody is told', async () => {
    const approval = await asked();
    const { operation = '', state, breakGlass: broken } = await breakGlass(approval, 'fire');
    expect([state, broken?.by, scene.launched]).toEqual(['approved', 'fire', [operation]]);
    expect(scene.announced).toMatchObject([{ approval, operation, person: 'fire', reason: 'fire' }]);
    expect((await scene.records.operations.events(operation, 0)).map(event => event.step)).toEqual(['break-glass']);
    expect((await scene.entries()).map(entry => entry.type)).toEqual([
      'decision',
      'approval',
      'break-glass',
      'operation',
      'approval',
    ]);
    await scene.records.operations.transition(operation, ['queued'], 'running', 'begins');
    await scene.records.leases.take(['node:boston/w-1', 'bmc:https://127.0.0.9'], operation);
    await scene.perform(effectOf(operation, { step: 'w-1/cordon' }).spec);
    joins('fire', 'operators');
    expect((await refusal(scene.perform(effectOf(operation).spec))).code).toBe('forbidden');
    joins('fire', 'firefighters');
    scene.clock.aheadMs = 15 * 60_000;
    expect((await refusal(scene.perform(effectOf(operation).spec))).message).toContain('time to act ended');
    expect((await revoke(approval, 'fire')).state).toBe('revoked');
  });

  it('by nobody else, and from no surface where a program could answer', async () => {
    const approval = await asked();
    expect((await refusal(breakGlass(approval, 'vote'))).hint).toContain('breakGlassGroup');
    for (const channel of ['mcp', 'demo', 'watch'] as const)
      expect((await refusal(breakGlass(approval, 'fire', channel))).code).toBe('forbidden');
    const attempts = (await scene.entries()).filter(entry => entry.type === 'break-glass');
    expect(attempts).toMatchObject([{ counted: false, actor: { sub: 'vote' } }]);
    expect([await operations(), scene.announced]).toEqual([0, []]);
  });

  it('against nothing that policy forbids', async () => {
    const approval = await asked();
    joins('ask');
    expect((await refusal(breakGlass(approval, 'fire'))).message).toContain('no emergency changes that');
    expect([(await scene.records.approvals.get(approval)).state, await operations()]).toEqual(['pending', 0]);
  });
});
