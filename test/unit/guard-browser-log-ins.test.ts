/** Logging in through an issuer, of browsers and of terminals that wait for one, and what groups it tells: each at its edge. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Away, AwayStore, ClaimedGroups, Identity, LogInSecrets } from '../../src/core/identity.ts';
import type { Proof } from '../../src/core/records.ts';
import { type BrowserLogInsParts, browserLogIns, type LogInPurpose } from '../../src/guard/browser-log-ins.ts';
import { ClaimGroups } from '../../src/guard/claim-groups.ts';
import type { PageSession } from '../../src/guard/logins.ts';
import { terminalLogIns } from '../../src/guard/terminal-log-ins.ts';
import { refusal } from '../support/guard.ts';
import { at, minute, proof, start, unauthenticated } from '../support/log-in-times.ts';

let clock = start;
const now = () => clock;

beforeEach(() => {
  clock = start;
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
  const toPage: LogInPurpose = { returnTo: '/approvals' };
  const toVote: LogInPurpose = { returnTo: '/approvals/apr-1', deed: { act: 'vote', on: 'apr-1', digest: 'd' } };
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
    const linked = new Map([['sub-ann', 'ann']]);
    return browserLogIns({ provider, linked, logins, tickets: { give }, store: awayStore(), now, ...more });
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
    const { deed, returnTo } = await door.complete(back(), 'browser');
    expect(returnTo).toBe('/approvals/apr-1');
    expect([deed?.on, JSON.parse(deed?.ticket ?? '')]).toEqual([
      'apr-1',
      { person: 'ann', act: 'vote', on: 'apr-1', digest: 'd' },
    ]);
    await door.begin(toPage, 'browser');
    expect((await door.complete(back(), 'browser')).deed).toBeUndefined();
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

/** What the database promises of those who are away: each taken once, and the oldest forgotten. */
function awayStore(): AwayStore {
  const rows = new Map<string, Away>();
  return {
    async insert(hash, away, { oldest, most }) {
      for (const [key, { since }] of rows) {
        if (new Date(since) >= oldest && rows.size < most) break;
        rows.delete(key);
      }
      rows.set(hash, away);
    },
    async take(hash) {
      const found = rows.get(hash);
      rows.delete(hash);
      return found;
    },
  };
}

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
