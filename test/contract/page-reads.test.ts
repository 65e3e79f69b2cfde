/** Pages of what policy does not let a person read: refused with the policy that says so, and left out of the list. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadPolicy } from '../../src/guard/policy/load-policy.ts';
import { recordReads } from '../../src/guard/record-reads.ts';
import { Browser } from '../support/browser.ts';
import { examplePlan } from '../support/example-plan.ts';
import { approvedOperation, shippedPolicies } from '../support/guard.ts';
import type { Issuer } from '../support/issuer.ts';
import { type PageScene, pagePlace, pagesWithIssuer } from '../support/page-scene.ts';

const place = pagePlace('127.62.3');
const { home } = place;
const people = [
  { name: 'ask', groups: ['operators'], subject: 'sub-ask' },
  { name: 'ana', groups: ['operators'], subject: 'sub-ana' },
  { name: 'ben', groups: ['operators', 'firefighters'], subject: 'sub-ben' },
];

let issuer: Issuer;
let scene: PageScene;
beforeAll(async () => {
  ({ issuer, scene } = await pagesWithIssuer(place, people));
});
afterAll(async () => {
  await scene?.close();
  await issuer?.close();
});

/** Of the cluster of which ben may read nothing. */
function inVault() {
  const { scopes, targets } = examplePlan().plan;
  const there = <T>(each: T) => ({ ...each, cluster: 'vault' });
  return { scopes: scopes.map(there), targets: targets.map(there) };
}

async function paused(change = {}): Promise<string> {
  const operation = await approvedOperation(scene.guard, change);
  await scene.records.leases.release(operation);
  await scene.records.operations.setPaused(operation, 'ask');
  return operation;
}

async function browserOf(name: string): Promise<Browser> {
  issuer.subject = `sub-${name}`;
  const browser = new Browser();
  await browser.open(`${home}/approvals`);
  return browser;
}

it('a request, an operation, and their lines in the list are for those who may read them', async () => {
  const [closed, open] = [await scene.request(inVault()), await scene.request()];
  const [held, other] = [await paused(inVault()), await paused()];
  const [ana, ben] = [await browserOf('ana'), await browserOf('ben')];
  for (const path of [`/approvals/${closed}`, `/operations/${held}`]) {
    expect((await ana.open(`${home}${path}`)).status).toBe(200);
    const { status, html } = await ben.open(`${home}${path}`);
    expect([status, html]).toEqual([403, expect.stringMatching(/only ana looks into the vault \(vault-is-closed\)/)]);
    for (const word of ['w-1', 'vault</', 'Approve', 'Resume']) expect(html).not.toContain(word);
  }
  for (const path of [`/approvals/${open}`, `/operations/${other}`])
    expect((await ben.open(`${home}${path}`)).status).toBe(200);
  const all = (await ana.open(`${home}/approvals`)).html;
  const some = (await ben.open(`${home}/approvals`)).html;
  for (const id of [closed, open, held, other]) expect(all).toContain(id);
  for (const id of [open, other]) expect(some).toContain(id);
  for (const id of [closed, held]) expect(some).not.toContain(id);
});

it('nobody votes on what they may not read, or breaks glass for it, whatever form they send', async () => {
  const [closed, open] = [await scene.request(inVault()), await scene.request()];
  const ben = await browserOf('ben');
  const { digest } = await scene.records.approvals.get(closed);
  for (const act of ['vote', 'break-glass']) {
    await ben.open(`${home}/auth/login?act=${act}&on=${closed}`);
    const shown = await ben.open(`${home}/approvals/${open}`);
    const body = new URLSearchParams({ vote: 'approve', reason: 'blind', digest });
    // The form of another request, sent to this one.
    body.set('csrf', /name="csrf" value="([^"]*)"/.exec(shown.html)?.[1] ?? '');
    const { status, html } = await ben.post(new URL(`${home}/approvals/${closed}/${act}`), body);
    expect([status, html]).toEqual([403, expect.stringContaining('vault-is-closed')]);
  }
  expect(await scene.records.approvals.get(closed)).toMatchObject({ state: 'pending', votes: [] });
});

it('a list goes on where a plan was changed in the database, and tells of it to who may read all sites', async () => {
  const [changed, whole] = [await scene.request(), await scene.request()];
  const { plan } = await scene.records.approvals.get(changed);
  await scene.admin.query(`update plan set body = replace(body, '"boston"', '"oslo"') where id = $1`, [plan]);
  const reads = recordReads({ policy: loadPolicy(shippedPolicies), plans: scene.records.plans });
  const listed = await reads.readable(await scene.records.approvals.list(), ['getApproval'], scene.guard.caller('ana'));
  expect(listed.map(({ id }) => id)).toEqual(expect.arrayContaining([changed, whole]));
  await expect(reads.check({ plan }, ['getPlan'], scene.guard.caller('ana'))).rejects.toMatchObject({
    code: 'database',
  });
});
