/** Who may decide on a request, from where, until when: each rule alone, at its edge. */
import { describe, expect, it } from 'vitest';
import type { Approval, Vote } from '../../src/core/approval.ts';
import type { Caller } from '../../src/core/tool.ts';
import { checkOpen, checkVoter, decidingChannel, recordedReason } from '../../src/guard/approvals-eligibility.ts';
import { ordinary } from '../support/ordinary-votes.ts';

const ends = '2026-11-26T13:00:00.000Z';
const asked: Approval = {
  id: 'apr-1',
  plan: 'plan-1',
  digest: 'sha256:1',
  requester: 'ask',
  channel: 'cli',
  author: 'maker',
  state: 'pending',
  requirements: [ordinary],
  createdAt: '2026-11-26T12:00:00.000Z',
  expiresAt: ends,
  votes: [],
};
const cast: Vote = {
  digest: 'sha256:1',
  person: 'vote',
  groups: [],
  channel: 'cli',
  strength: 'passphrase',
  vote: 'approve',
  reason: '',
  at: asked.createdAt,
};

describe('a surface', () => {
  const from = (channel: Caller['channel']): Caller => {
    return { person: { name: 'vote', groups: [] }, channel, scope: 'execute' };
  };

  it.each(['cli', 'demo', 'page'] as const)('%s is one where people decide', channel => {
    expect(decidingChannel(from(channel))).toBe(channel);
  });

  it.each(['mcp', 'assistant', 'watch'] as const)('%s is one where a program could answer', channel => {
    expect(() => decidingChannel(from(channel))).toThrow(expect.objectContaining({ code: 'forbidden' }));
  });
});

describe('a reason', () => {
  it('is one plain line, and may be left out only where none is needed', () => {
    expect(recordedReason('a\nb\u202e', { needed: true })).toBe('a b');
    expect(recordedReason('', { needed: false })).toBe('');
    expect(recordedReason('fine', { needed: false })).toBe('fine');
    for (const nothing of ['', ' ', '\u200b\n'])
      expect(() => recordedReason(nothing, { needed: true })).toThrow(
        expect.objectContaining({ code: 'invalid_input', hint: expect.stringContaining('--reason') }),
      );
  });
});

describe('a request takes votes', () => {
  it('until the very moment at which it expires', () => {
    const at = (ms: number) => () => checkOpen(asked, new Date(Date.parse(ends) + ms));
    expect(at(-1)).not.toThrow();
    for (const ms of [0, 1]) expect(at(ms)).toThrow('request apr-1 is expired');
  });

  it.each(['approved', 'rejected', 'expired', 'revoked'] as const)('never once it is %s', state => {
    for (const now of ['2026-11-26T12:00:00Z', '2026-11-27T12:00:00Z'])
      expect(() => checkOpen({ ...asked, state }, new Date(now))).toThrow(
        expect.objectContaining({ code: 'conflict', message: `request apr-1 is ${state}; votes are closed` }),
      );
  });
});

describe('a vote', () => {
  type How = { name?: string; groups?: string[]; channel?: Vote['channel']; vote?: Vote['vote'] };
  const casting = (change: Partial<Approval>, how: How = {}) => {
    const { name = 'vote', groups = ['leads'], channel = 'cli', vote = 'approve' } = how;
    return () => checkVoter({ ...asked, ...change }, { person: { name, groups }, channel, vote });
  };
  const critical = { ...ordinary, tier: 'critical' as const };

  it('is one of a person of any group that any part of the request asks for', () => {
    expect(casting({})).not.toThrow();
    expect(casting({ requirements: [{ ...ordinary, from: ['others'] }, ordinary] })).not.toThrow();
    expect(casting({}, { groups: ['developers', 'operators'] })).not.toThrow();
    for (const groups of [[], ['developers']])
      expect(casting({}, { groups })).toThrow('vote is in none of the groups that may vote: operators, leads');
    expect(casting({ requirements: [] })).toThrow(expect.objectContaining({ code: 'forbidden' }));
  });

  it.each([
    ['of who asked', { name: 'ask' }, 'ask asked for this plan'],
    ['of who made the plan', { name: 'maker' }, 'maker made this plan'],
    ['of the program itself', { name: 'groundskeeper' }, 'the program itself never votes'],
    ['of what is named like it', { name: 'Groundskeeper' }, 'the program itself never votes'],
  ])('%s is refused, as a yes and as a no', (_, { name }, message) => {
    for (const vote of ['approve', 'reject'] as const)
      expect(casting({}, { name, vote })).toThrow(
        expect.objectContaining({ code: 'forbidden', message: expect.stringContaining(message) }),
      );
  });

  it('for a critical part counts from the approval page alone, and a no from anywhere', () => {
    const request = { requirements: [critical] };
    expect(casting(request, { channel: 'page' })).not.toThrow();
    for (const channel of ['cli', 'demo'] as const) {
      expect(casting(request, { channel })).toThrow(
        expect.objectContaining({ code: 'forbidden', hint: 'open /approvals/apr-1 of the service in a browser' }),
      );
      expect(casting(request, { channel, vote: 'reject' })).not.toThrow();
    }
  });

  it('is not spent where one part of several could not count it, and another part is none of the voter’s', () => {
    expect(casting({ requirements: [ordinary, critical] })).toThrow('is critical');
    expect(casting({ requirements: [ordinary, { ...critical, from: ['others'] }] })).not.toThrow();
  });

  it('is cast once by each person', () => {
    for (const vote of ['approve', 'reject'] as const)
      expect(casting({ votes: [cast] }, { vote })).toThrow(
        expect.objectContaining({ code: 'conflict', hint: expect.stringContaining('revoke apr-1') }),
      );
    expect(casting({ votes: [{ ...cast, person: 'also' }] })).not.toThrow();
  });
});
