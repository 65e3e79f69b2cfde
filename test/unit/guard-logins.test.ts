/** Who is there, and for how long that is believed: passphrases, tokens, tickets, terminals and browsers, each at its edge. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Person } from '../../src/core/fleet.ts';
import type { ClaimedGroups, Identity, LogInSecrets, VoteTicket } from '../../src/core/identity.ts';
import type { Login, Proof } from '../../src/core/records.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Scope } from '../../src/core/tool.ts';
import { type BrowserLogInsParts, browserLogIns, type LogInPurpose } from '../../src/guard/browser-log-ins.ts';
import { ClaimGroups } from '../../src/guard/claim-groups.ts';
import { createLogins, type PageSession } from '../../src/guard/logins.ts';
import { hashPassphrase } from '../../src/guard/passphrase.ts';
import { type Presence, presenceProver, presenceWanted } from '../../src/guard/presence.ts';
import { terminalLogIns } from '../../src/guard/terminal-log-ins.ts';
import { voteTickets } from '../../src/guard/vote-tickets.ts';
import { refusal } from '../support/guard.ts';

const minute = 60_000;
const start = Date.parse('2026-11-26T12:00:00Z');
let clock = start;
const now = () => clock;
const at = (ms: number) => new Date(ms).toISOString();
const proof = (ms = start): Proof => ({ at: at(ms), strength: 'oidc' });
const unauthenticated = { code: 'unauthenticated' };

let kept: Map<string, Login>;
let directory: Map<string, Person>;
beforeEach(() => {
  clock = start;
  kept = new Map();
  directory = new Map(['ann', 'bob', 'new'].map(name => [name, { name, groups: ['operators'] }]));
});

const store = {
  insert: async (hash: string, login: Login) => void kept.set(hash, login),
  get: async (hash: string) => kept.get(hash),
  remove: async (hash: string) => void kept.delete(hash),
};

/** Of `ann`, `bob` without a passphrase, so that every guess at his is wrong, and nobody else. */
function doorOf({
  mcpScope = 'read' as Scope,
  passphraseHash = undefined as Secret | undefined,
  read = async () => {},
} = {}) {
  const people = [{ name: 'ann', ...(passphraseHash && { passphraseHash }) }, { name: 'bob' }];
  return createLogins({ people, directory: { find: name => directory.get(name), read }, store, mcpScope, now });
}

describe('guesses at a passphrase', () => {
  const guess = (door: ReturnType<typeof doorOf>, name: string) => refusal(door.provePresence(name, 'x'));
  const isClosed = async (door: ReturnType<typeof doorOf>, name: string) => {
    const error = await guess(door, name);
    expect(error.code).toBe('unauthenticated');
    expect(error.retry).toBe(error.message.includes('closed') ? 'later' : 'never');
    return error.message.includes('closed');
  };

  it('are five in ten minutes, each counted until it is ten minutes old, and closed ones not at all', async () => {
    const door = doorOf();
    for (let second = 0; second < 5; second++) {
      clock = start + second * 1000;
      expect(await isClosed(door, 'bob')).toBe(false);
    }
    for (const ms of [4000, 9 * minute, 10 * minute - 1]) {
      clock = start + ms;
      expect(await isClosed(door, 'bob')).toBe(true);
    }
    clock = start + 10 * minute;
    expect(await isClosed(door, 'bob')).toBe(false);
    expect(await isClosed(door, 'bob')).toBe(true);
  });

  it('at one name close no other, and names that nobody has are not counted', async () => {
    const door = doorOf();
    for (let tries = 0; tries < 6; tries++) await guess(door, 'bob');
    expect([await isClosed(door, 'bob'), await isClosed(door, 'ann')]).toEqual([true, false]);
    for (let tries = 0; tries < 6; tries++) expect(await isClosed(door, 'stranger')).toBe(false);
  });

  it('let in nobody but whose passphrase it is', async () => {
    const passphraseHash = new Secret(await hashPassphrase('right'));
    const door = doorOf({ passphraseHash });
    await door.provePresence('ann', 'right');
    expect(await refusal(door.provePresence('bob', 'right'))).toMatchObject(unauthenticated);
    expect(await refusal(door.logIn('bob', 'right', 'cli'))).toMatchObject(unauthenticated);
    expect(kept.size).toBe(0);
    const given = await door.logIn('ann', 'right', 'cli');
    expect(given).toMatchObject({ person: 'ann', scope: 'execute', expiresAt: at(start + 480 * minute) });
    expect([...kept.values()]).toMatchObject([{ channel: 'cli', proof: { at: at(start), strength: 'passphrase' } }]);
    expect([...kept.keys()].join()).not.toContain(given.token);
  });
});

describe('a token', () => {
  it('is good until the moment it expires, for a person who is still known', async () => {
    const door = doorOf();
    const { token } = await door.admit('ann', 'cli', proof());
    clock = start + 480 * minute - 1;
    expect(await door.caller(token, 'shell')).toEqual({
      person: { name: 'ann', groups: ['operators'] },
      channel: 'cli',
      scope: 'execute',
      client: 'shell',
    });
    clock++;
    expect(await refusal(door.caller(token))).toMatchObject(unauthenticated);
    clock = start;
    expect(await refusal(door.caller('guessed'))).toMatchObject(unauthenticated);
    directory.delete('ann');
    expect(await refusal(door.caller(token))).toMatchObject(unauthenticated);
  });

  it('shows what other processes were told of its person meanwhile', async () => {
    const read = async () => void directory.set('ann', { name: 'ann', groups: ['told'] });
    const door = doorOf({ read });
    const { token } = await door.admit('ann', 'cli', proof());
    expect((await door.caller(token)).person.groups).toEqual(['told']);
  });

  it('of a browser is a session and no token, and the other way round', async () => {
    const door = doorOf();
    const [cli, page] = [await door.admit('ann', 'cli', proof()), await door.admit('ann', 'page', proof())];
    expect(await door.session(page.token)).toMatchObject({
      caller: { channel: 'page', scope: 'execute' },
      proof: proof(),
    });
    expect(await refusal(door.caller(page.token))).toMatchObject(unauthenticated);
    expect(await refusal(door.session(cli.token))).toMatchObject(unauthenticated);
    for (const [hash, { proof: _, ...login }] of kept) kept.set(hash, login);
    expect(await refusal(door.session(page.token)), 'without a proof').toMatchObject(unauthenticated);
    await door.logOut(cli.token);
    expect(await refusal(door.caller(cli.token))).toMatchObject(unauthenticated);
  });

  it('for MCP may do what the configuration says today, lives as long as its source, and makes no other', async () => {
    const { token } = await doorOf().admit('ann', 'cli', proof());
    clock = start + minute;
    const given = await doorOf().deriveForMcp(token);
    expect(given).toMatchObject({ person: 'ann', scope: 'read', expiresAt: at(start + 480 * minute) });
    for (const mcpScope of ['read', 'plan', 'execute'] as const)
      expect(await doorOf({ mcpScope }).caller(given.token)).toMatchObject({ channel: 'mcp', scope: mcpScope });
    expect(await doorOf({ mcpScope: 'read' }).caller(token)).toMatchObject({ channel: 'cli', scope: 'execute' });
    expect((await refusal(doorOf().deriveForMcp(given.token))).code).toBe('forbidden');
    expect(await refusal(doorOf().deriveForMcp('guessed'))).toMatchObject(unauthenticated);
  });
});

describe('a ticket for a vote', () => {
  const vote = { person: 'ann', approval: 'apr-1', digest: 'sha256:1' };
  const ticketsOf = (rows = new Map<string, VoteTicket>()) => {
    const insert = async (hash: string, ticket: VoteTicket) => void rows.set(hash, ticket);
    const take = async (hash: string) => {
      const found = rows.get(hash);
      rows.delete(hash);
      return found;
    };
    return voteTickets({ insert, take }, now);
  };

  it('is good for two minutes, and once', async () => {
    const tickets = ticketsOf();
    const [one, late] = [await tickets.give(vote), await tickets.give(vote)];
    expect(one.expiresAt).toBe(at(start + 2 * minute));
    clock = start + 2 * minute - 1;
    await tickets.spend(one.ticket, vote);
    expect((await refusal(tickets.spend(one.ticket, vote))).message).toContain('used for a vote before');
    clock++;
    expect((await refusal(tickets.spend(late.ticket, vote))).message).toContain('older than two minutes');
  });

  it.each([{ person: 'bob' }, { approval: 'apr-2' }, { digest: 'sha256:2' }])(
    'is for no other vote: %j',
    async other => {
      const tickets = ticketsOf();
      const { ticket } = await tickets.give(vote);
      expect((await refusal(tickets.spend(ticket, { ...vote, ...other }))).message).toContain('another vote');
      expect((await refusal(tickets.spend(ticket, vote))).message, 'the try has spent it').toContain('before');
    },
  );
});

describe('that a person is there', () => {
  const requirement = { policy: 'p', approvals: 1, from: [], distinctGroups: 1, ttlMs: 1, reason: '' };
  const asking = (tier: 'ordinary' | 'critical') => {
    return {
      id: 'apr-1',
      digest: 'd',
      requirements: [
        { ...requirement, tier: 'ordinary' as const },
        { ...requirement, tier },
      ],
    };
  };
  const sessionOf = (name: string, of = proof()): PageSession => {
    return { caller: { person: { name, groups: [] }, channel: 'page', scope: 'execute' }, proof: of };
  };

  it('is proved by a passphrase, by a ticket of this very vote, or by a session whose person logged in lately', async () => {
    const proved: unknown[] = [];
    const prove = presenceProver({
      provePassphrase: async (...given) => void proved.push(given),
      tickets: { spend: async (...given) => void proved.push(given) },
      session: async () => sessionOf('ann', { ...proof(), strength: 'passphrase' }),
      now,
    });
    const by = (presence: Presence, person = 'ann', tier: 'ordinary' | 'critical' = 'ordinary') =>
      prove({ person, presence, approval: asking(tier) });
    expect(await by({ by: 'passphrase', passphrase: 'x' }, 'ann', 'critical')).toEqual({ strength: 'passphrase' });
    expect(await by({ by: 'fresh-login', ticket: 't' }, 'ann', 'critical')).toEqual({ strength: 'oidc' });
    expect(proved).toEqual([
      ['ann', 'x'],
      ['t', { person: 'ann', approval: 'apr-1', digest: 'd' }],
    ]);
    const session: Presence = { by: 'recent-login', session: 's' };
    clock = start + 15 * minute;
    expect(await by(session)).toEqual({ strength: 'passphrase' });
    expect(await refusal(by(session, 'bob'))).toMatchObject(unauthenticated);
    expect(await refusal(by(session, 'ann', 'critical'))).toMatchObject(unauthenticated);
    clock++;
    expect(await refusal(by(session))).toMatchObject(unauthenticated);
  });

  it('is asked of a browser again where its log-in is a quarter of an hour old, or the vote is critical', () => {
    const wanted = (tier: 'ordinary' | 'critical', ageMs: number, issuer: boolean) =>
      presenceWanted(asking(tier), sessionOf('ann'), { issuer, now: start + ageMs });
    expect(wanted('ordinary', 15 * minute, true)).toBe('nothing');
    expect([wanted('ordinary', 15 * minute + 1, true), wanted('ordinary', 15 * minute + 1, false)]).toEqual([
      'fresh-login',
      'passphrase',
    ]);
    expect([wanted('critical', 0, true), wanted('critical', 0, false)]).toEqual(['fresh-login', 'passphrase']);
  });
});

/** Whom a log-in let in, as whom. */
function admitting() {
  const admitted: unknown[] = [];
  const admit = async (person: string, channel: 'cli' | 'page', of: Proof) => {
    admitted.push([person, channel, of]);
    return { token: 'given', person, scope: 'execute' as const, expiresAt: at(start) };
  };
  return { admitted, admit };
}

describe('a terminal that waits for a browser', () => {
  const session = (of = proof()): PageSession => {
    return { caller: { person: { name: 'ann', groups: [] }, channel: 'page', scope: 'execute' }, proof: of };
  };

  it('gets its token once, after its person said so', async () => {
    const { admitted, admit } = admitting();
    const terminals = terminalLogIns({ admit }, now);
    const [asked, other] = [terminals.ask(), terminals.ask()];
    expect(asked.code).toMatch(/^[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}$/);
    expect([terminals.codeOf(asked.id), asked.expiresAt]).toEqual([asked.code, at(start + 10 * minute)]);
    expect(await terminals.collect(asked.secret)).toBeUndefined();
    terminals.grant(asked.id, session());
    expect(await terminals.collect(other.secret)).toBeUndefined();
    expect(await terminals.collect(asked.secret)).toMatchObject({ token: 'given' });
    expect(admitted).toEqual([['ann', 'cli', proof()]]);
    expect(await refusal(terminals.collect(asked.secret))).toMatchObject(unauthenticated);
    expect(() => terminals.codeOf(asked.id)).toThrow(expect.objectContaining({ code: 'not_found' }));
    expect(await refusal(terminals.collect('guessed'))).toMatchObject(unauthenticated);
  });

  it('waits for ten minutes', async () => {
    const terminals = terminalLogIns(admitting(), now);
    const asked = terminals.ask();
    clock = start + 10 * minute - 1;
    terminals.grant(asked.id, session(proof(clock)));
    clock++;
    expect(await refusal(terminals.collect(asked.secret))).toMatchObject(unauthenticated);
    expect(() => terminals.codeOf(asked.id)).toThrow('no terminal waits');
    expect(() => terminals.grant(asked.id, session(proof(clock)))).toThrow('no terminal waits');
  });

  it('is let in by nobody who logged in more than a quarter of an hour ago', async () => {
    const terminals = terminalLogIns(admitting(), now);
    const asked = terminals.ask();
    expect(() => terminals.grant(asked.id, session(proof(start - 15 * minute - 1)))).toThrow('too long ago');
    expect(await terminals.collect(asked.secret)).toBeUndefined();
    terminals.grant(asked.id, session(proof(start - 15 * minute)));
    expect(await terminals.collect(asked.secret)).toBeDefined();
  });

  it('is one of a thousand: one more, and the one that waits longest is forgotten', () => {
    const terminals = terminalLogIns(admitting(), now);
    const all = Array.from({ length: 1000 }, () => terminals.ask().id);
    expect(() => terminals.codeOf(all[0] ?? '')).not.toThrow();
    all.push(terminals.ask().id);
    expect(() => terminals.codeOf(all[0] ?? '')).toThrow('no terminal waits');
    for (const id of all.slice(1)) expect(() => terminals.codeOf(id)).not.toThrow();
  });
});

describe('a browser that logs in at an issuer', () => {
  const toPage: LogInPurpose = { for: 'session', returnTo: '/approvals' };
  const toVote: LogInPurpose = { for: 'vote', returnTo: '/approvals/apr-1', approval: 'apr-1', digest: 'd' };
  let asked: { secrets: LogInSecrets; maxAgeS: number }[];
  let admitted: unknown[];
  let identity: Identity;

  function doors(more: Partial<BrowserLogInsParts> = {}) {
    asked = [];
    const logins = admitting();
    admitted = logins.admitted;
    identity = { subject: 'sub-ann', authenticatedAt: new Date(start), groups: ['told'] };
    const provider = {
      logInAddress: async (secrets: LogInSecrets, maxAgeS: number) => {
        asked.push({ secrets, maxAgeS });
        return 'https://issuer.test/';
      },
      identify: async () => identity,
    };
    const give = async (vote: object) => ({ ticket: JSON.stringify(vote), expiresAt: at(start) });
    return browserLogIns({ provider, linked: new Map([['sub-ann', 'ann']]), logins, tickets: { give }, now, ...more });
  }
  const back = (state = asked.at(-1)?.secrets.state ?? '') => new URL(`https://here.test/auth/callback?state=${state}`);

  it('comes back to where it left, as the person that its identity is linked to', async () => {
    const door = doors();
    expect(await door.begin(toPage, 'browser')).toBe('https://issuer.test/');
    expect(asked[0]?.maxAgeS).toBe(900);
    expect(await door.complete(back(), 'browser')).toMatchObject({
      session: { token: 'given' },
      returnTo: '/approvals',
    });
    expect(admitted).toEqual([['ann', 'page', proof()]]);
    await door.begin(toPage, 'browser');
    identity.subject = 'sub-of-a-stranger';
    expect((await refusal(door.complete(back(), 'browser'))).message).toContain('linked to nobody');
    expect(admitted).toHaveLength(1);
  });

  it('for a vote is asked anew, and gets a ticket for this vote and no other', async () => {
    const door = doors();
    await door.begin(toVote, 'browser');
    expect(asked[0]?.maxAgeS).toBe(0);
    const { vote, returnTo } = await door.complete(back(), 'browser');
    expect(returnTo).toBe('/approvals/apr-1');
    expect([vote?.approval, JSON.parse(vote?.ticket ?? '')]).toEqual([
      'apr-1',
      { person: 'ann', approval: 'apr-1', digest: 'd' },
    ]);
    await door.begin(toPage, 'browser');
    expect((await door.complete(back(), 'browser')).vote).toBeUndefined();
  });

  it('comes back once, in the same browser, within ten minutes', async () => {
    const door = doors();
    await door.begin(toPage, 'browser');
    clock = start + 10 * minute;
    identity.authenticatedAt = new Date(clock);
    await door.complete(back(), 'browser');
    expect(await refusal(door.complete(back(), 'browser'))).toMatchObject(unauthenticated);
    await door.begin(toPage, 'browser');
    clock += 10 * minute + 1;
    expect((await refusal(door.complete(back(), 'browser'))).message).toContain('ten minutes');
    await door.begin(toPage, 'browser');
    expect(await refusal(door.complete(back(), 'another'))).toMatchObject(unauthenticated);
    expect(await refusal(door.complete(back(), 'browser')), 'the try has spent it').toMatchObject(unauthenticated);
    expect(await refusal(door.complete(back('guessed'), 'browser'))).toMatchObject(unauthenticated);
  });

  it('is believed by five seconds of what the issuer’s clock may differ', async () => {
    const door = doors();
    const dated = async (purpose: LogInPurpose, ms: number) => {
      await door.begin(purpose, 'browser');
      identity.authenticatedAt = new Date(start + ms);
      return door.complete(back(), 'browser').then(
        () => 'in',
        (error: Error) => error.message,
      );
    };
    expect(await dated(toPage, 5000)).toBe('in');
    expect(await dated(toPage, 5001)).toContain('future');
    expect(await dated(toPage, Number.NaN)).toContain('future');
    expect(await dated(toPage, -3600_000), 'the issuer holds to max_age').toBe('in');
    expect(await dated(toVote, -5000)).toBe('in');
    expect(await dated(toVote, -5001)).toContain('did not ask you to log in again');
  });

  it('is one of ten thousand that are away: one more, and the oldest has to begin again', async () => {
    const door = doors();
    for (let count = 0; count < 10_000; count++) await door.begin(toPage, 'browser');
    await door.complete(back(asked[0]?.secrets.state), 'browser');
    for (let count = 0; count < 2; count++) await door.begin(toPage, 'browser');
    expect(await refusal(door.complete(back(asked[1]?.secrets.state), 'browser'))).toMatchObject(unauthenticated);
    await door.complete(back(asked[2]?.secrets.state), 'browser');
  });

  it('tells what groups the issuer says, before it is let in', async () => {
    const claims = await ClaimGroups.open({ ...told(), now });
    const door = doors({ claims });
    identity.groups = ['operators'];
    await door.begin(toPage, 'browser');
    await door.complete(back(), 'browser');
    expect(claims.of('ann')).toEqual(['operators']);
  });
});

/** What a process knows of claimed groups, over rows that others may write. */
function told(rows = new Map<string, ClaimedGroups>()) {
  const put = async (each: ClaimedGroups) => void rows.set(each.person, each);
  return {
    store: { put, list: async () => [...rows.values()] },
    issuer: 'https://issuer.test',
    subjects: new Map([['ann', 'sub-ann']]),
    accept: ['operators', 'leads'],
    maxAgeMs: 60 * minute,
  };
}

describe('groups that an issuer told', () => {
  it('count as long as the configuration says, to the millisecond', async () => {
    const groups = await ClaimGroups.open({ ...told(), now });
    await groups.tell('ann', ['operators', 'root']);
    clock = start + 60 * minute;
    expect(groups.of('ann')).toEqual(['operators']);
    clock++;
    expect(groups.of('ann')).toEqual([]);
    expect(groups.of('bob')).toEqual([]);
  });

  it('are kept with whose, of whom, and when, and only where they are accepted', async () => {
    const rows = new Map<string, ClaimedGroups>();
    const groups = await ClaimGroups.open({ ...told(rows), now });
    await groups.tell('ann', ['root', 'leads', 'operators']);
    expect(rows.get('ann')).toEqual({
      person: 'ann',
      issuer: 'https://issuer.test',
      subject: 'sub-ann',
      groups: ['leads', 'operators'],
      at: at(start),
    });
  });

  it.each([
    ['another issuer', { issuer: 'https://other.test' }, []],
    ['another subject', { subjects: new Map([['ann', 'sub-other']]) }, []],
    ['nobody linked any more', { subjects: new Map<string, string>() }, []],
    ['fewer accepted', { accept: ['leads'] }, ['leads']],
  ])('count for %s as the configuration of today has it', async (_, change, groups) => {
    const rows = new Map<string, ClaimedGroups>();
    await (await ClaimGroups.open({ ...told(rows), now })).tell('ann', ['operators', 'leads']);
    expect((await ClaimGroups.open({ ...told(rows), ...change, now })).of('ann')).toEqual(groups);
  });
});
