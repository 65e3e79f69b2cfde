/** Each rule of the eval's judge: what it takes, and what it finds. */
import { describe, expect, it } from 'vitest';
import { type Exchange, faultsOf } from '../../bench/eval/judge.ts';
import type { Outcome } from '../../bench/eval/outcome.ts';
import { asks, type Case, type Check, called, cites, never, says, tried } from '../../bench/eval/task.ts';
import type { Plan } from '../../src/core/plan.ts';

const nothing: Outcome = {
  plans: [],
  requests: [],
  operations: [],
  freezes: [],
  decided: [],
  held: [],
  strayEffects: [],
};
const call = { tool: 'getNodeHealth', input: { node: 'bos-w-1', deep: true }, ok: true, told: 'bos-w-1 is ok' };
const exchange: Exchange = {
  said: 'How is bos-w-1?',
  answer: 'bos-w-1 is ok [r1].',
  calls: [call],
  cited: ['getNodeHealth'],
  unread: [],
};
const plan = (id: string, ...nodes: string[]) =>
  ({ id, action: 'drainNode', targets: nodes.map(node => ({ node })) }) as unknown as Plan;

function faults(
  made: Partial<Pick<Case, 'expect' | 'end'>>,
  answered: Partial<Exchange> = {},
  outcome: Partial<Outcome> = {},
): Promise<string[]> {
  const task = { says: [exchange.said], expect: [], solved: [], wrong: {}, ...made };
  return faultsOf(task, [{ ...exchange, ...answered }], { ...nothing, ...outcome });
}

describe('what is said and called', () => {
  it.each<[string, Check[], Partial<Exchange>]>([
    ['a call with these values among others', [called('getNodeHealth', { node: 'bos-w-1' })], {}],
    [
      'lists in any order',
      [called('x', { nodes: ['a', 'b'] })],
      { calls: [{ ...call, tool: 'x', input: { nodes: ['b', 'a'] } }] },
    ],
    ['a call that failed, where it may', [tried('getNodeHealth')], { calls: [{ ...call, ok: false }] }],
    ['a result that is named', [cites('getNodeHealth')], {}],
    ['one of several words', [says('it', 'well', 'OK')], {}],
    ['words that are not there', [never('it', 'w-1', 'bos-w-12')], {}],
    ['a question', [asks], { answer: 'bos-w-1, or another?' }],
    ['a condition that holds', [{ kind: 'holds', what: 'it', check: () => true }], {}],
  ])('is right: %s', async (_what, expected, answered) => {
    expect(await faults({ expect: expected }, answered)).toEqual([]);
  });

  it.each<[string, Check[], Partial<Exchange>, RegExp]>([
    ['no such call', [called('getNodeHealth', { node: 'bos-w-2' })], {}, /was not called/],
    [
      'more in a list',
      [called('x', { nodes: ['a'] })],
      { calls: [{ ...call, tool: 'x', input: { nodes: ['a', 'b'] } }] },
      /was not called/,
    ],
    ['a call that failed', [called('getNodeHealth')], { calls: [{ ...call, ok: false }] }, /failed each time/],
    ['a tool to be avoided', [{ kind: 'avoids', tools: ['getNodeHealth'] }], {}, /it called getNodeHealth/],
    ['a result that is not named', [cites('getNodeHealth')], { cited: [] }, /no answer cites/],
    ['a fact that is part of a longer word', [says('the node', 'w-1')], {}, /lacks the node/],
    ['what must not be said', [never('it', 'OK')], {}, /the answer says it/],
    ['no question', [asks], {}, /did not ask/],
    ['a condition that does not hold', [{ kind: 'holds', what: 'it', check: () => false }], {}, /not so: it/],
    ['a turn that was cut', [], { ended: 'after 12 replies' }, /its turn ended after/],
    ['a result that there is not', [], { unread: ['r9'] }, /cites r9/],
    ['a node of its own making', [], { answer: 'chi-w-7 is ok.' }, /names chi-w-7/],
    ['an id of its own making', [], { answer: 'apr-0123456789 waits.' }, /names apr-0123456789/],
  ])('is wrong: %s', async (_what, expected, answered, said) => {
    expect(await faults({ expect: expected }, answered)).toEqual([expect.stringMatching(said)]);
  });
});

const asked: Case['end'] = { kind: 'plan', action: 'drainNode', nodes: ['a', 'b'], becomes: 'asked' };
const request = { id: 'apr-1', plan: 'plan-1', state: 'pending', requester: 'day-shift' };
const operation = { id: 'op-1', plan: 'plan-1', ended: true };
const hold: Outcome['held'][number] = { operation: 'op-0', becomes: 'paused' };
const freeze = { id: 'frz-1', site: 'boston' };

describe('what came of it', () => {
  it.each<[string, Case['end'], Partial<Outcome>]>([
    ['nothing', undefined, {}],
    ['the plan that waits', asked, { plans: [plan('plan-1', 'b', 'a')], requests: [request] }],
    ['the plan alone', { ...asked, becomes: 'stored' }, { plans: [plan('plan-1', 'a', 'b')] }],
    [
      'the plan that runs',
      { ...asked, becomes: 'started' },
      { plans: [plan('plan-1', 'a', 'b')], operations: [operation] },
    ],
    ['a denied plan', { ...asked, becomes: 'denied' }, { plans: [plan('plan-1', 'a', 'b')] }],
    ['nobody asked for what is denied', { ...asked, becomes: 'denied' }, {}],
    ['a request for a plan of before', { kind: 'request', plan: 'plan-1' }, { requests: [request] }],
    ['a pause', { kind: 'hold', ...hold }, { held: [hold] }],
    ['a freeze', { kind: 'freeze', site: 'boston' }, { freezes: [freeze] }],
  ])('is right: %s', async (_what, end, outcome) => {
    expect(await faults({ ...(end && { end }) }, {}, outcome)).toEqual([]);
  });

  it.each<[string, Case['end'], Partial<Outcome>, RegExp]>([
    ['a plan of nobody', undefined, { plans: [plan('plan-1', 'a')] }, /1 plans came of it, not 0/],
    ['a request of nobody', undefined, { requests: [request] }, /1 requests/],
    ['an operation of nobody', undefined, { operations: [operation] }, /1 operations/],
    ['a freeze of nobody', undefined, { freezes: [freeze] }, /1 freezes/],
    ['a pause of nobody', undefined, { held: [hold] }, /1 holds of operations/],
    ['a pause for a cancel', { kind: 'hold', ...hold, becomes: 'cancelled' }, { held: [hold] }, /op-0 was paused/],
    ['a request that was decided', undefined, { decided: ['apr-0 was pending and is approved'] }, /is approved/],
    ['an effect of no operation', undefined, { strayEffects: ['POST /x reached a'] }, /reached a/],
    ['no plan', { ...asked, becomes: 'stored' }, {}, /0 plans came of it, not 1/],
    ['a plan for other nodes', asked, { plans: [plan('plan-1', 'a')], requests: [request] }, /is for a, not a, b/],
    [
      'a plan of something else',
      { ...asked, action: 'x' },
      { plans: [plan('plan-1', 'a', 'b')], requests: [request] },
      /is of drainNode, not x/,
    ],
    [
      'a plan that is not like it',
      { ...asked, like: () => false },
      { plans: [plan('plan-1', 'a', 'b')], requests: [request] },
      /another than was asked for/,
    ],
    [
      'a denied plan that was asked for',
      { ...asked, becomes: 'denied' },
      { plans: [plan('plan-1', 'a', 'b')], requests: [request] },
      /1 requests/,
    ],
    ['a request for another plan', { kind: 'request', plan: 'plan-2' }, { requests: [request] }, /asked for plan-1/],
    ['a freeze elsewhere', { kind: 'freeze', site: '*' }, { freezes: [freeze] }, /froze boston, not \*/],
  ])('is wrong: %s', async (_what, end, outcome, said) => {
    expect(await faults({ ...(end && { end }) }, {}, outcome)).toEqual([expect.stringMatching(said)]);
  });
});
