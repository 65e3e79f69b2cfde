/** Voting in a browser: what has to be brought to it, what a page cannot be made to do or to show. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Config } from '../../src/config.ts';
import type { Vote } from '../../src/core/approval.ts';
import { Secret } from '../../src/core/secret.ts';
import { hashPassphrase } from '../../src/guard/passphrase.ts';
import { Browser, type Shown } from '../support/browser.ts';
import { examplePlan } from '../support/example-plan.ts';
import type { Issuer } from '../support/issuer.ts';
import { type PageScene, pagePlace, pagesWithIssuer } from '../support/page-scene.ts';

const place = pagePlace('127.62.1');
const { home, host } = place;
const passphrase = 'the right one';
const people: Config['people'] = [
  { name: 'ask', groups: ['operators'] },
  { name: 'ana', groups: ['operators'], subject: 'sub-ana' },
  { name: 'ben', groups: ['operators'], subject: 'sub-ben' },
];

let issuer: Issuer;
let scene: PageScene;
beforeAll(async () => {
  const passphraseHash = new Secret(await hashPassphrase(passphrase));
  for (const person of people) Object.assign(person, { passphraseHash });
  ({ issuer, scene } = await pagesWithIssuer(place, people));
});
afterAll(async () => {
  await scene?.close();
  await issuer?.close();
});
beforeEach(() => {
  Object.assign(issuer, { subject: 'sub-ana', twist: (claims: object) => claims });
  scene.clock.aheadMs = 0;
});

const address = (id: string) => `${home}/approvals/${id}`;
/** For the cluster whose changes need critical votes. */
const critical = () => {
  const { scopes, targets } = examplePlan().plan;
  const there = <T>(each: T) => ({ ...each, cluster: 'crown' });
  return scene.request({ scopes: scopes.map(there), targets: targets.map(there) });
};
const approve = { vote: 'approve', reason: 'seen' };

function cast(browser: Browser, shown: Shown, id: string, fields: Record<string, string> = {}) {
  return browser.submit(shown, `/approvals/${id}/vote`, { ...approve, ...fields });
}

async function stateOf(id: string) {
  const { state, votes } = await scene.records.approvals.get(id);
  return [state, ...votes.map(({ person, channel, strength }) => `${person} ${channel} ${strength}`)];
}

/** A browser whose person came back from a log-in for this very vote, and the page with the form. */
async function readyFor(id: string, browser = new Browser()): Promise<{ browser: Browser; shown: Shown }> {
  await browser.open(address(id));
  return { browser, shown: await browser.open(`${home}/auth/login?act=vote&on=${id}`) };
}

describe('an ordinary vote', () => {
  it('is taken from a person who logged in lately, with reason and digest', async () => {
    const id = await scene.request();
    const browser = new Browser();
    const after = await cast(browser, await browser.open(address(id)), id);
    expect([after.status, await stateOf(id)]).toEqual([200, ['approved', 'ana page oidc']]);
    expect(after.html).toContain('There is nothing to decide any more');
    const votes = (await scene.entries()).filter(entry => entry.type === 'vote' && entry.approval === id);
    expect(votes).toMatchObject([{ actor: { sub: 'ana' }, via: { channel: 'page' }, reason: 'seen', counted: true }]);
  });

  it('rejects for good', async () => {
    const id = await scene.request();
    const browser = new Browser();
    await cast(browser, await browser.open(address(id)), id, { vote: 'reject' });
    expect((await stateOf(id))[0]).toBe('rejected');
  });

  it('is refused after a quarter of an hour, and taken again after a fresh log-in', async () => {
    const id = await scene.request();
    const browser = new Browser();
    const shown = await browser.open(address(id));
    scene.clock.aheadMs = 16 * 60_000;
    expect((await cast(browser, shown, id)).status).toBe(401);
    expect((await browser.open(address(id))).html).toContain('Log in again to decide');
    expect(await stateOf(id)).toEqual(['pending']);
    scene.clock.aheadMs = 0;
    const fresh = await readyFor(id, browser);
    expect((await cast(browser, fresh.shown, id)).status).toBe(200);
  });

  it.each([
    ['without a reason', { reason: ' ' }, 400],
    ['for another digest than the one shown', { digest: 'sha256:0' }, 409],
    ['that is neither yes nor no', { vote: 'maybe' }, 400],
  ])('is refused %s', async (_, fields, status) => {
    const id = await scene.request();
    const browser = new Browser();
    expect((await cast(browser, await browser.open(address(id)), id, fields)).status).toBe(status);
    expect(await stateOf(id)).toEqual(['pending']);
  });
});

describe('a critical vote', () => {
  it('needs a log-in of its own, however fresh the session is', async () => {
    const id = await critical();
    const browser = new Browser();
    const shown = await browser.open(address(id));
    expect(shown.html).toContain('Log in again to decide');
    expect(shown.html).not.toContain('name="vote"');
    const ordinary = await browser.open(address(await scene.request()));
    const { csrf, digest } = fieldsOf(ordinary);
    const mine = (await scene.records.approvals.get(id)).digest;
    const body = new URLSearchParams({ csrf, digest: mine, ...approve });
    expect(mine).not.toBe(digest);
    expect((await browser.post(new URL(`${address(id)}/vote`), body)).status).toBe(401);
    body.set('passphrase', passphrase);
    expect((await browser.post(new URL(`${address(id)}/vote`), body)).status).toBe(401);
    expect(await stateOf(id)).toEqual(['pending']);
  });

  it('is taken after one, and the issuer was told to ask anew', async () => {
    const id = await critical();
    const { browser, shown } = await readyFor(id);
    const asked = new URL(browser.visited.findLast(url => url.startsWith(`${issuer.url}/auth?`)) ?? '').searchParams;
    expect([asked.get('prompt'), asked.get('max_age')]).toEqual(['login', '0']);
    expect((await cast(browser, shown, id)).status).toBe(200);
    expect(await stateOf(id)).toEqual(['approved', 'ana page oidc']);
  });

  it('is refused when the issuer did not ask anew', async () => {
    const id = await critical();
    issuer.twist = claims => ({ ...claims, auth_time: Math.floor(Date.now() / 1000) - 60 });
    const { browser, shown } = await readyFor(id);
    expect([shown.status, browser.cookie(host, `gk-vote-${id}`)]).toEqual([401, undefined]);
  });

  it('spends its log-in once, on this request, within two minutes, for this person', async () => {
    const [first, second] = [await critical(), await critical()];
    const { browser, shown } = await readyFor(first);
    const ticket = browser.cookie(host, `gk-vote-${first}`) ?? '';
    expect(ticket).not.toBe('');

    browser.setCookie(host, `gk-vote-${second}`, ticket);
    const digest = (await scene.records.approvals.get(second)).digest;
    const body = new URLSearchParams({ csrf: fieldsOf(shown).csrf, digest, ...approve });
    expect((await browser.post(new URL(`${address(second)}/vote`), body)).status).toBe(401);
    expect((await cast(browser, shown, first)).status).toBe(401); // the try above has spent it

    const late = await readyFor(first);
    scene.clock.aheadMs = 2 * 60_000 + 1000;
    expect((await cast(late.browser, late.shown, first)).status).toBe(401);
    scene.clock.aheadMs = 0;

    const mine = await readyFor(first);
    const anas = mine.browser.cookie(host, `gk-vote-${first}`) ?? '';
    issuer.subject = 'sub-ben';
    const ben = new Browser();
    await ben.open(address(first));
    ben.setCookie(host, `gk-vote-${first}`, anas);
    expect((await cast(ben, await ben.open(address(first)), first)).status).toBe(401);
    expect([await stateOf(first), await stateOf(second)]).toEqual([['pending'], ['pending']]);
    const rows = await scene.admin.query(`select token_hash from vote_ticket where token_hash = any($1)`, [
      [ticket, anas],
    ]);
    expect(rows.rows).toEqual([]);
  });

  it('is spent by the vote that it was for', async () => {
    const id = await critical();
    const { browser, shown } = await readyFor(id);
    const ticket = browser.cookie(host, `gk-vote-${id}`) ?? '';
    await cast(browser, shown, id);
    const { digest } = await scene.records.approvals.get(id);
    const again = scene.provePresence({
      person: 'ana',
      presence: { by: 'fresh-login', ticket },
      deed: { act: 'vote', on: id, digest, alone: true },
    });
    await expect(again).rejects.toThrow('used before');
  });
});

describe('a form is refused', () => {
  it.each<[string, { csrf?: string; headers?: Record<string, string> }]>([
    ['without its token', { csrf: '' }],
    ['with the token of another browser', { csrf: 'A'.repeat(43) }],
    ['from another origin', { headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' } }],
    ['from an origin that looks like ours', { headers: { origin: `${home}.evil.example` } }],
    ['from a sandboxed frame', { headers: { origin: 'null' } }],
    ['that another site sent', { headers: { 'sec-fetch-site': 'same-site' } }],
  ])('%s', async (_, { csrf, headers }) => {
    const id = await scene.request();
    const browser = new Browser();
    const fields = fieldsOf(await browser.open(address(id)));
    const body = new URLSearchParams({ ...fields, ...approve, ...(csrf === undefined ? {} : { csrf }) });
    expect((await browser.post(new URL(`${address(id)}/vote`), body, headers)).status).toBe(403);
    expect(await stateOf(id)).toEqual(['pending']);
    const good = new URLSearchParams({ ...fields, ...approve });
    expect((await browser.post(new URL(`${address(id)}/vote`), good)).status).toBe(200);
  });
});

describe('what a page shows', () => {
  const evil = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>\u202Etxet\u0007\u200B`;

  it('is text, whoever wrote it, and reads from left to right', async () => {
    const id = await scene.request({
      warnings: [evil],
      irreversible: [evil],
      excluded: [{ node: evil, reason: evil }],
      steps: [{ name: evil, does: evil, settling: true }],
      author: evil,
    });
    await scene.admin.query('update approval set requester = $1 where id = $2', [evil, id]);
    const vote: Vote = {
      digest: 'd',
      person: evil,
      groups: [],
      channel: 'cli',
      strength: 'oidc',
      vote: 'approve',
      reason: evil,
      at: new Date().toISOString(),
    };
    await scene.records.approvals.addVote(id, vote);
    for (const path of [`/approvals/${id}`, '/approvals']) {
      const { html, status } = await new Browser().open(`${home}${path}`);
      expect(status).toBe(200);
      expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&gt;&lt;img');
      for (const hidden of ['<script', '<img', '\u202E', '\u0007', '\u200B']) expect(html).not.toContain(hidden);
    }
  });

  it('is the whole plan, with what cannot be undone first', async () => {
    const id = await scene.request({
      irreversible: ['a new BMC cannot go back'],
      warnings: ['web-0 loses its data'],
      excluded: [{ node: 'w-9', reason: 'is not Ready' }],
      steps: [{ name: 'flash', does: 'gives the image to the BMC', settling: true }],
    });
    const { html } = await new Browser().open(address(id));
    const { digest } = await scene.records.approvals.get(id);
    const parts = [
      'a new BMC cannot go back',
      'web-0 loses its data',
      '0 of 1',
      digest,
      'w-9: is not Ready',
      'gives the image to the BMC',
      'runs on after a cancel',
      '11111111-2222-4333-8444-555555555555',
      'budget 2',
      'Approve',
    ];
    const places = parts.map(part => html.indexOf(part));
    expect(Math.min(...places), parts[places.indexOf(-1)]).toBeGreaterThan(0);
    expect(places[0]).toBe(Math.min(...places));
  });

  it('runs nothing, is framed by nobody, is kept by nothing, and tells no other site where one was', async () => {
    for (const path of ['/approvals', '/approvals/apr-0000000000', '/auth/callback?state=x']) {
      const { headers } = await new Browser().open(`${home}${path}`);
      expect(headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
      );
      expect([
        headers.get('cache-control'),
        headers.get('referrer-policy'),
        headers.get('x-content-type-options'),
      ]).toEqual(['no-store', 'same-origin', 'nosniff']);
    }
    const cookies = (await fetch(`${home}/approvals`, { redirect: 'manual' })).headers.getSetCookie();
    expect(cookies).toHaveLength(1);
    expect(cookies[0]).toMatch(/; HttpOnly; SameSite=Lax$/);
  });

  it('is nothing to who is not logged in, and no vote to who asked', async () => {
    const id = await scene.request({ author: 'ben' });
    const answer = await fetch(address(id), { redirect: 'manual' });
    expect([answer.status, await answer.text()]).toEqual([303, '']);
    issuer.subject = 'sub-ben';
    const { html } = await new Browser().open(address(id));
    expect(html).toContain('You made this plan');
    expect(html).not.toContain('name="vote"');
  });
});

describe('without an issuer', () => {
  it('a person logs in by passphrase, and brings it again to a critical vote', async () => {
    await scene.restart({ people: people.map(({ subject: _, ...person }) => person) });
    const [ordinary, crown] = [await scene.request(), await critical()];
    const browser = new Browser();
    const logIn = async (words: string) =>
      browser.submit(await browser.open(address(ordinary)), '/auth/passphrase', { name: 'ana', passphrase: words });
    expect((await logIn('wrong')).status).toBe(401);
    await cast(browser, await logIn(passphrase), ordinary);
    expect(await stateOf(ordinary)).toEqual(['approved', 'ana page passphrase']);
    const shown = await browser.open(address(crown));
    expect((await cast(browser, shown, crown)).status).toBe(401);
    expect((await cast(browser, shown, crown, { passphrase: 'wrong' })).status).toBe(401);
    expect(await stateOf(crown)).toEqual(['pending']);
    await cast(browser, shown, crown, { passphrase });
    expect(await stateOf(crown)).toEqual(['approved', 'ana page passphrase']);
  });
});

function fieldsOf({ html }: Shown): { csrf: string; digest: string } {
  const field = (name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? '';
  const [, form = ''] = html.split('class="decide"');
  return { csrf: field('csrf'), digest: /name="digest" value="([^"]*)"/.exec(form)?.[1] ?? '' };
}
