/** Coming in by way of a real issuer: who gets in, who does not, and what a log-in is good for. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../src/core/secret.ts';
import { runCli } from '../../src/surfaces/cli/cli.ts';
import { connect } from '../../src/surfaces/cli/client.ts';
import { tokenStore } from '../../src/surfaces/cli/token-store.ts';
import { Browser } from '../support/browser.ts';
import { refusal } from '../support/guard.ts';
import { clientId, clientSecret, type Issuer, startIssuer } from '../support/issuer.ts';
import { type PageScene, pagePlace, pageScene } from '../support/page-scene.ts';

const { listen, home, host, callback, issuerHost } = pagePlace('127.62.0');
const people = [
  { name: 'ask', groups: ['operators'] },
  { name: 'ana', groups: ['operators'], subject: 'sub-ana' },
  { name: 'ben', groups: [], subject: 'sub-ben' },
];

let issuer: Issuer;
let scene: PageScene;
const settings = (change: { maxAgeMs?: number; accept?: string[]; ben?: string } = {}) => ({
  people: people.map(person => (person.name === 'ben' && change.ben ? { ...person, subject: change.ben } : person)),
  oidc: {
    issuer: issuer.url,
    clientId,
    clientSecret: new Secret(clientSecret),
    callback,
    groups: {
      claim: 'groups',
      accept: change.accept ?? ['operators', 'dc-ops'],
      maxAgeMs: change.maxAgeMs ?? 3600_000,
    },
  },
});

beforeAll(async () => {
  issuer = await startIssuer(issuerHost, 7421, callback);
  scene = await pageScene(listen, settings());
});
afterAll(async () => {
  await scene?.close();
  await issuer?.close();
});
beforeEach(() => {
  Object.assign(issuer, { subject: 'sub-ana', groups: [], foreignKey: false, twist: (claims: object) => claims });
  scene.clock.aheadMs = 0;
});

const atCallback = (url: URL) => url.pathname === '/auth/callback';
const session = (browser: Browser) => browser.cookie(host, 'gk-session');

/** A browser that comes back from the issuer, stopped before it tells the service. */
async function returning(browser: Browser, change: (authorize: URL) => void = () => {}): Promise<URL> {
  const { url: authorize } = await browser.open(`${home}/auth/login`, url => url.origin === issuer.url);
  change(authorize);
  return (await browser.open(authorize.href, atCallback)).url;
}

describe('a log-in', () => {
  it('brings a linked person to the page that was asked for, and a later one ends the session before it', async () => {
    const approval = await scene.request();
    const browser = new Browser();
    const shown = await browser.open(`${home}/approvals/${approval}`);
    expect([shown.status, shown.url.pathname]).toEqual([200, `/approvals/${approval}`]);
    expect(shown.html).toContain('ana · ');
    const first = session(browser) ?? '';
    await browser.open(`${home}/auth/login`);
    expect(session(browser)).not.toBe(first);
    expect((await refusal(scene.logins.session(first))).code).toBe('unauthenticated');
  });

  it('is refused to an identity that nobody linked', async () => {
    issuer.subject = 'sub-of-a-stranger';
    const browser = new Browser();
    const shown = await browser.open(`${home}/approvals`);
    expect([shown.status, session(browser)]).toEqual([401, undefined]);
    expect(shown.html).toContain('linked to nobody');
  });

  it('leads nowhere but to pages of this service', async () => {
    for (const to of ['https://evil.example/', '//evil.example/approvals', '/approvals/../v1/me', '/auth/logout']) {
      const shown = await new Browser().open(`${home}/auth/login?to=${encodeURIComponent(to)}`);
      expect(shown.url.href).toBe(`${home}/approvals`);
    }
  });
});

describe('a service that is another one when the browser comes back', () => {
  it('takes the answer, once, for what the person went away for, and found no secret of it in the database', async () => {
    const approval = await scene.request();
    const browser = new Browser();
    await browser.open(`${home}/approvals/${approval}`);
    const { url: authorize } = await browser.open(
      `${home}/auth/login?act=vote&on=${approval}`,
      url => url.origin === issuer.url,
    );
    const back = (await browser.open(authorize.href, atCallback)).url;
    const { rows } = await scene.admin.query('select * from log_in_away');
    for (const secret of ['state', 'nonce'])
      expect(JSON.stringify(rows)).not.toContain(authorize.searchParams.get(secret) ?? '');
    await scene.restart(settings());
    const shown = await browser.open(back.href);
    expect([shown.status, shown.url.pathname]).toEqual([200, `/approvals/${approval}`]);
    expect(browser.cookie(host, `gk-vote-${approval}`)).toBeDefined();
    await scene.restart(settings());
    expect((await browser.open(back.href)).status).toBe(401);
    expect((await scene.admin.query('select * from log_in_away')).rows).toEqual([]);
  });
});

describe('an answer of the issuer is refused', () => {
  it('with a state that was not given out, or a second time', async () => {
    const browser = new Browser();
    const back = await returning(browser);
    const wrong = new URL(back);
    wrong.searchParams.set('state', 'A'.repeat(43));
    expect((await browser.open(wrong.href)).status).toBe(401);
    expect((await browser.open(back.href)).status).toBe(200);
    const again = await browser.open(back.href);
    expect([again.status, again.html]).toEqual([401, expect.stringContaining('was not begun here')]);
  });

  it('in another browser than the one that left', async () => {
    const back = await returning(new Browser());
    const other = new Browser();
    await other.open(`${home}/auth/login`, url => url.origin === issuer.url);
    expect([(await other.open(back.href)).status, session(other)]).toEqual([401, undefined]);
  });

  it('after ten minutes', async () => {
    const browser = new Browser();
    const back = await returning(browser);
    scene.clock.aheadMs = 11 * 60_000;
    expect([(await browser.open(back.href)).status, session(browser)]).toEqual([401, undefined]);
  });

  it('to a code that another question got, or that was asked for without our proof key', async () => {
    const [mine, theirs] = [new Browser(), new Browser()];
    const [back, stolen] = [await returning(mine), await returning(theirs)];
    back.searchParams.set('code', stolen.searchParams.get('code') ?? '');
    expect([(await mine.open(back.href)).status, session(mine)]).toEqual([401, undefined]);
    const challenged = await returning(mine, url => url.searchParams.set('code_challenge', 'B'.repeat(43)));
    expect([(await mine.open(challenged.href)).status, session(mine)]).toEqual([401, undefined]);
  });

  it('with the nonce of another question', async () => {
    const browser = new Browser();
    const back = await returning(browser, url => url.searchParams.set('nonce', 'another'));
    expect([(await browser.open(back.href)).status, session(browser)]).toEqual([401, undefined]);
  });

  const seconds = () => Math.floor(Date.now() / 1000);
  it.each<[string, (claims: Record<string, unknown>) => Record<string, unknown>]>([
    ['for another audience', claims => ({ ...claims, aud: 'another-client' })],
    ['of another issuer', claims => ({ ...claims, iss: 'https://issuer.example' })],
    ['that has expired', claims => ({ ...claims, exp: seconds() - 120 })],
    ['without a time of log-in', ({ auth_time: _, ...claims }) => claims],
    ['with a log-in in the future', claims => ({ ...claims, auth_time: seconds() + 600 })],
  ])('with a token %s', async (_, twist) => {
    issuer.twist = twist;
    const browser = new Browser();
    expect([(await browser.open(`${home}/approvals`)).status, session(browser)]).toEqual([401, undefined]);
  });

  it('with a token that a foreign key signed', async () => {
    issuer.foreignKey = true;
    const browser = new Browser();
    expect([(await browser.open(`${home}/approvals`)).status, session(browser)]).toEqual([401, undefined]);
  });
});

describe('groups that the issuer tells', () => {
  const groupsOfBen = () => scene.people.find('ben')?.groups;

  async function benLogsIn(groups: unknown): Promise<void> {
    Object.assign(issuer, { subject: 'sub-ben', groups });
    expect((await new Browser().open(`${home}/approvals`)).status).toBe(200);
  }

  it('count when the configuration accepts them, for as long as it says, and no longer', async () => {
    await benLogsIn(['operators', 'root', 'groundskeeper', 7]);
    expect(groupsOfBen()).toEqual(['operators']);
    scene.clock.aheadMs = 3600_000 - 5000;
    expect(groupsOfBen()).toEqual(['operators']);
    scene.clock.aheadMs = 3600_000 + 5000;
    expect(groupsOfBen()).toEqual([]);
  });

  it('are taken away by the next log-in that does not tell them', async () => {
    await benLogsIn(['operators', 'dc-ops']);
    expect(groupsOfBen()).toEqual(['operators', 'dc-ops']);
    await benLogsIn('dc-ops');
    expect(groupsOfBen()).toEqual(['dc-ops']);
    await benLogsIn({ operators: true });
    expect(groupsOfBen()).toEqual([]);
  });

  it('are known to other processes over the database once they read again, and so is that they went', async () => {
    const elsewhere = await scene.peopleElsewhere(settings());
    for (const groups of [['operators'], ['dc-ops'], []]) {
      await benLogsIn(groups);
      await elsewhere.read?.();
      expect(elsewhere.find('ben')?.groups).toEqual(groups);
    }
  });

  it('outlive a restart, but not a shorter age, another subject, or the end of their acceptance', async () => {
    await benLogsIn(['operators']);
    await scene.restart(settings());
    expect(groupsOfBen()).toEqual(['operators']);
    for (const change of [{ maxAgeMs: 0 }, { ben: 'sub-of-another' }, { accept: ['dc-ops'] }]) {
      await scene.restart(settings(change));
      scene.clock.aheadMs = 10;
      expect(groupsOfBen()).toEqual([]);
    }
    await scene.restart(settings());
  });
});

describe('a terminal', () => {
  it('prints where to go, waits, and keeps the token that comes of it', async () => {
    const configDir = await mkdtemp(join(tmpdir(), 'oidc-terminal-'));
    const output = new PassThrough({ encoding: 'utf8' });
    const terminal = { input: Readable.from([]), output, errors: output, onInterrupt: () => () => undefined };
    const hashPassphrase = () => Promise.reject(new Error('nothing is hashed here'));
    const deps = { catalog: [], version: '0', settings: { configDir, url: home }, terminal, hashPassphrase };
    const running = runCli(deps, ['login', '--oidc']);
    let said = '';
    output.on('data', piece => {
      said += piece;
    });
    await expect.poll(() => said).toContain('the code');
    const [page = ''] = /http\S+/.exec(said) ?? [];
    const browser = new Browser();
    const shown = await browser.open(page);
    expect(said).toContain(/[A-Z]{4}-[A-Z]{4}/.exec(shown.html)?.[0]);
    await browser.submit(shown, new URL(page).pathname, {});
    expect(await running).toBe(0);
    expect((await tokenStore(configDir).get(home))?.person).toBe('ana');
    await rm(configDir, { recursive: true });
  });

  it('is logged in once the person says so on a page that shows its code, and only once', async () => {
    const terminal = connect({ url: home });
    const asked = await terminal.beginBrowserLogin();
    expect(await terminal.collectLogin(asked.secret)).toBeUndefined();
    const browser = new Browser();
    const shown = await browser.open(asked.url);
    expect(shown.html).toContain(asked.code);
    const action = new URL(asked.url).pathname;
    expect(await terminal.collectLogin(asked.secret)).toBeUndefined();
    expect((await browser.post(shown.url, new URLSearchParams({ csrf: 'x' }))).status).toBe(403);
    expect(await terminal.collectLogin(asked.secret)).toBeUndefined();
    await browser.submit(shown, action, {});
    const login = await terminal.collectLogin(asked.secret);
    expect(await connect({ url: home, token: login?.token }).me()).toMatchObject({ person: 'ana', channel: 'cli' });
    expect((await refusal(terminal.collectLogin(asked.secret))).code).toBe('unauthenticated');
  });

  it('cannot use its token as a session, nor a browser its session as a token', async () => {
    const terminal = connect({ url: home });
    const asked = await terminal.beginBrowserLogin();
    const browser = new Browser();
    await browser.submit(await browser.open(asked.url), new URL(asked.url).pathname, {});
    const { token = '' } = (await terminal.collectLogin(asked.secret)) ?? {};
    expect((await refusal(scene.logins.session(token))).code).toBe('unauthenticated');
    const stolen = connect({ url: home, token: session(browser) ?? '' });
    expect((await refusal(stolen.me())).code).toBe('unauthenticated');
  });
});
