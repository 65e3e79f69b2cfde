/** The program as a requester: on record by its own name, and never a voice in what people decide. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { servicePerson } from '../../src/core/fleet.ts';
import type { Caller } from '../../src/core/tool.ts';
import { type GuardScene, guardScene, present, refusal, storedPlan } from '../support/guard.ts';

let scene: GuardScene;
const watch: Caller = { person: servicePerson, channel: 'watch', scope: 'execute' };

beforeEach(async () => {
  scene = await guardScene();
  scene.people.set(servicePerson.name, servicePerson);
});
afterEach(() => scene.close());

it('starts at once what policy lets it do alone, in its own name', async () => {
  const stored = await storedPlan(scene, { action: 'cordonForHealth', author: servicePerson.name });
  const { status, operation = '' } = await scene.approvals.requestStart(stored, watch);
  expect(status).toBe('started');
  expect(await scene.records.operations.get(operation)).toMatchObject({
    requester: 'groundskeeper',
    channel: 'watch',
  });
  expect((await scene.entries()).map(({ type, actor, via }) => [type, actor.sub, via.channel])).toEqual([
    ['decision', 'groundskeeper', 'watch'],
    ['operation', 'groundskeeper', 'watch'],
  ]);
});

it('asks people for a drain, and cannot vote on it or on anything, whatever groups somebody gives it', async () => {
  const drain = await storedPlan(scene, { action: 'drainForHealth', author: servicePerson.name });
  const other = await storedPlan(scene);
  const own = await scene.approvals.requestStart(drain, watch);
  const theirs = await scene.approvals.requestStart(other, scene.caller('ask'));
  const operator = { name: servicePerson.name, groups: ['groundskeeper', 'operators'] };
  scene.people.set(operator.name, operator);
  for (const { approval = '' } of [own, theirs]) {
    const ballot = { approval, vote: 'approve', reason: 'because', presence: present } as const;
    const refused = await refusal(scene.approvals.vote(ballot, { ...watch, person: operator }));
    expect([refused.code, refused.message]).toEqual(['forbidden', 'the program itself never votes']);
  }
  expect(await scene.records.operations.list({ limit: 10 })).toEqual([]);
});

it('is not counted among voters even where a vote of it is on record', async () => {
  const stored = await storedPlan(scene);
  const { approval = '' } = await scene.approvals.requestStart(stored, scene.caller('ask'));
  scene.people.set(servicePerson.name, { ...servicePerson, groups: ['operators'] });
  const at = new Date().toISOString();
  await scene.records.approvals.addVote(approval, {
    digest: stored.digest,
    person: servicePerson.name,
    groups: ['operators'],
    channel: 'cli',
    strength: 'passphrase',
    vote: 'approve',
    reason: 'x',
    at,
  });
  const before = await scene.records.approvals.get(approval);
  const decided = scene.authority.decide({
    plan: stored.plan,
    requester: scene.caller('ask').person,
    via: 'cli',
    conditions: await scene.authority.conditions(stored.plan),
    approval: before,
  });
  expect([before.votes.length, decided.verdict]).toEqual([1, 'needs-approval']);
});
