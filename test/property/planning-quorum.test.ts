import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Fact, known, unknown } from '../../src/core/bmc.ts';
import type { EtcdFacts } from '../../src/core/cluster-facts.ts';
import { quorumAfter, quorumSentence } from '../../src/planning/quorum.ts';
import { etcdOf } from '../support/cluster-facts.ts';

const names = ['cp-1', 'cp-2', 'cp-3', 'cp-4', 'cp-5', 'cp-6', 'cp-7'];
const state: fc.Arbitrary<Fact<boolean>> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(known(true)) },
  { weight: 2, arbitrary: fc.constant(known(false)) },
  { weight: 1, arbitrary: fc.constant(unknown('no answer')) },
);
const states = fc.array(state, { maxLength: names.length });
const told = fc.array(fc.boolean().map(known), { minLength: 1, maxLength: names.length });
const target = fc.constantFrom(...names, 'w-1');
const facts = (list: Fact<boolean>[]): EtcdFacts =>
  etcdOf(Object.fromEntries(list.map((healthy, index) => [names[index] ?? '', healthy])));

const isHealthy = (member: Fact<boolean>) => 'value' in member && member.value;

describe('the quorum after a node leaves', () => {
  it('is never given up: whatever is allowed leaves a majority of all members healthy', () => {
    fc.assert(
      fc.property(states, target, (list, node) => {
        const { allowed } = quorumAfter(facts(list), node);
        const others = list.filter((member, index) => names[index] !== node && isHealthy(member));
        if (allowed) expect(others.length * 2).toBeGreaterThan(list.length);
      }),
    );
  });

  it('is allowed to be risked by nobody while the state of one member is unknown', () => {
    fc.assert(
      fc.property(states, target, (list, node) => {
        if (list.every(member => 'value' in member)) return;
        expect(quorumAfter(facts(list), node).allowed).toBe(false);
      }),
    );
  });

  it('is judged monotonously: a member that falls ill, or turns unknown, never makes a refusal an approval', () => {
    fc.assert(
      fc.property(told, target, fc.nat(), fc.boolean(), (list, node, which, silent) => {
        const worse = list.with(which % list.length, silent ? unknown('no answer') : known(false));
        if (!quorumAfter(facts(list), node).allowed) expect(quorumAfter(facts(worse), node).allowed).toBe(false);
      }),
    );
  });

  it('allows exactly what keeps it, where all members are known', () => {
    fc.assert(
      fc.property(told, target, (list, node) => {
        const present = names.slice(0, list.length).includes(node);
        const left = list.filter((member, index) => names[index] !== node && isHealthy(member)).length;
        const verdict = quorumAfter(facts(list), node);
        expect(verdict.allowed).toBe(present && left >= Math.floor(list.length / 2) + 1);
        expect(verdict).toMatchObject({ members: list.length, left });
      }),
    );
  });
});

describe('the verdict', () => {
  const three = etcdOf({ 'cp-1': known(true), 'cp-2': known(true), 'cp-3': known(true) });
  const refusals: [string, EtcdFacts, string, RegExp][] = [
    ['where no member can be found', etcdOf({}), 'cp-1', /^no etcd member can be found/],
    [
      'for a cluster of one',
      etcdOf({ 'cp-1': known(true) }),
      'cp-1',
      /without cp-1 0 would be left, fewer than the quorum of 1/,
    ],
    [
      'for a cluster of two',
      etcdOf({ 'cp-1': known(true), 'cp-2': known(true) }),
      'cp-1',
      /fewer than the quorum of 2/,
    ],
    [
      'for the second of three, when another is ill',
      etcdOf({ 'cp-1': known(false), 'cp-2': known(true), 'cp-3': known(true) }),
      'cp-2',
      /^2 of 3 etcd members are healthy; without cp-2 1 would be left, fewer than the quorum of 2/,
    ],
    ['for a node that holds no member', three, 'w-1', /^w-1 holds no etcd member/],
    [
      'for a node told twice',
      { ...three, members: [...three.members, ...three.members] },
      'cp-1',
      /cp-1 is told to hold/,
    ],
    ['with a control-plane node without member', { ...three, withoutMember: ['cp-4'] }, 'cp-1', /known for cp-4/],
    ['with a peer that is not looked at', { ...three, unlisted: ['a1b2'] }, 'cp-1', /not looked at: a1b2/],
    [
      'with an unknown member',
      etcdOf({ 'cp-1': known(true), 'cp-2': unknown('no answer') }),
      'cp-1',
      /cp-2: no answer/,
    ],
  ];
  it.each(refusals)('refuses %s, and says why', (_, given, node, why) => {
    const verdict = quorumAfter(given, node);
    expect(verdict.allowed).toBe(false);
    expect(verdict.why).toMatch(why);
  });

  it('allows one of three healthy members to leave, and says on what evidence', () => {
    expect(quorumAfter(three, 'cp-2')).toEqual({
      allowed: true,
      members: 3,
      healthy: 3,
      left: 2,
      quorum: 2,
      why:
        '3 of 3 etcd members are healthy; without cp-2 2 would be left, which keeps the quorum of 2 ' +
        "(read from members' own endpoints)",
    });
  });

  it('allows the ill member itself to leave while the others hold the quorum', () => {
    const ill = etcdOf({ 'cp-1': known(false), 'cp-2': known(true), 'cp-3': known(true) });
    expect(quorumAfter(ill, 'cp-1')).toMatchObject({ allowed: true, left: 2, healthy: 2 });
  });

  it('is said also where etcd cannot be read at all', () => {
    expect(quorumSentence(unknown('403'), 'cp-1')).toBe('etcd cannot be read: 403');
    expect(quorumSentence(known(three), 'cp-1')).toContain('3 of 3 etcd members');
  });
});
