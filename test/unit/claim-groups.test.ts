/** What an issuer told is read while it changes: what a log-in took away must not come back with an answer that was late. */
import { expect, it } from 'vitest';
import type { ClaimedGroups } from '../../src/core/identity.ts';
import { ClaimGroups } from '../../src/guard/claim-groups.ts';

it('keeps what a later read saw, when an earlier one answers after it', async () => {
  const answers: PromiseWithResolvers<ClaimedGroups[]>[] = [];
  const told = (groups: string[]) => [
    { person: 'ben', issuer: 'i', subject: 's', groups, at: new Date().toISOString() },
  ];
  const list = () => {
    const answer = Promise.withResolvers<ClaimedGroups[]>();
    answers.push(answer);
    return answer.promise;
  };
  const opening = ClaimGroups.open({
    store: { list, put: async () => {} },
    issuer: 'i',
    subjects: new Map([['ben', 's']]),
    accept: ['operators'],
    maxAgeMs: 60_000,
  });
  answers[0]?.resolve([]);
  const groups = await opening;
  const [slow, quick] = [groups.read(), groups.read()];
  answers[2]?.resolve([]);
  await quick;
  answers[1]?.resolve(told(['operators']));
  await slow;
  expect(groups.of('ben')).toEqual([]);
  const last = groups.read();
  answers[3]?.resolve(told(['operators']));
  await last;
  expect(groups.of('ben')).toEqual(['operators']);
});
