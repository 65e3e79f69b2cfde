/** Who is there, and for how long that is believed: passphrases, tokens and tickets, each at its edge. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Person } from '../../src/core/fleet.ts';
import type { DeedTicket } from '../../src/core/identity.ts';
import type { Login } from '../../src/core/records.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Scope } from '../../src/core/tool.ts';
import { deedTickets } from '../../src/guard/deed-tickets.ts';
import { createLogins, type PageSession } from '../../src/guard/logins.ts';
import { hashPassphrase } from '../../src/guard/passphrase.ts';
import { deedOn, type Presence, presenceProver, presenceWanted } from '../../src/guard/presence.ts';
import { refusal } from '../support/guard.ts';
import { at, minute, proof, start, unauthenticated } from '../support/log-in-times.ts';

let clock = start;
const now = () => clock;

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

describe('a ticket for a deed', () => {
  const vote = { person: 'ann', act: 'vote', on: 'apr-1', digest: 'sha256:1' } as const;
  const ticketsOf = (rows = new Map<string, DeedTicket>()) => {
    const insert = async (hash: string, ticket: DeedTicket) => void rows.set(hash, ticket);
    const take = async (hash: string) => {
      const found = rows.get(hash);
      rows.delete(hash);
      return found;
    };
    return deedTickets({ insert, take }, now);
  };

  it('is good for two minutes, and once', async () => {
    const tickets = ticketsOf();
    const [one, late] = [await tickets.give(vote), await tickets.give(vote)];
    expect(one.expiresAt).toBe(at(start + 2 * minute));
    clock = start + 2 * minute - 1;
    await tickets.spend(one.ticket, vote);
    expect((await refusal(tickets.spend(one.ticket, vote))).message).toContain('used before');
    clock++;
    expect((await refusal(tickets.spend(late.ticket, vote))).message).toContain('older than two minutes');
  });

  it.each([{ person: 'bob' }, { act: 'revoke' as const }, { on: 'apr-2' }, { digest: 'sha256:2' }])(
    'is for no other deed: %j',
    async other => {
      const tickets = ticketsOf();
      const { ticket } = await tickets.give(vote);
      expect((await refusal(tickets.spend(ticket, { ...vote, ...other }))).message).toContain('something else');
      expect((await refusal(tickets.spend(ticket, vote))).message, 'the try has spent it').toContain('before');
    },
  );
});

describe('that a person is there', () => {
  const requirement = { policy: 'p', approvals: 1, from: [], distinctGroups: 1, ttlMs: 1, reason: '' };
  const asking = (tier: 'ordinary' | 'critical') => {
    const requirements = [
      { ...requirement, tier: 'ordinary' as const },
      { ...requirement, tier },
    ];
    return deedOn('vote', { id: 'apr-1', digest: 'd', requirements });
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
      members: new Map([['U-ANN', 'ann']]),
      now,
    });
    const by = (presence: Presence, person = 'ann', tier: 'ordinary' | 'critical' = 'ordinary') =>
      prove({ person, presence, deed: asking(tier) });
    expect(await by({ by: 'passphrase', passphrase: 'x' }, 'ann', 'critical')).toEqual({ strength: 'passphrase' });
    expect(await by({ by: 'fresh-login', ticket: 't' }, 'ann', 'critical')).toEqual({ strength: 'oidc' });
    expect(proved).toEqual([
      ['ann', 'x'],
      ['t', { person: 'ann', act: 'vote', on: 'apr-1', digest: 'd' }],
    ]);
    const session: Presence = { by: 'recent-login', session: 's' };
    clock = start + 15 * minute;
    expect(await by(session)).toEqual({ strength: 'passphrase' });
    expect(await refusal(by(session, 'bob'))).toMatchObject(unauthenticated);
    expect(await refusal(by(session, 'ann', 'critical'))).toMatchObject(unauthenticated);
    clock++;
    expect(await refusal(by(session))).toMatchObject(unauthenticated);
    const click: Presence = { by: 'chat-click', member: 'U-ANN' };
    expect(await by(click)).toEqual({ strength: 'chat-click' });
    expect(await refusal(by(click, 'bob')), 'the click of another').toMatchObject(unauthenticated);
    expect(await refusal(by({ ...click, member: 'U-GONE' })), 'linked no more').toMatchObject(unauthenticated);
    expect(await refusal(by(click, 'ann', 'critical')), 'not for what is critical').toMatchObject(unauthenticated);
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
