/** What people do on pages besides voting, who have no passphrase: take back, break glass, lift a freeze, let an operation go on. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Browser, type Shown } from '../support/browser.ts';
import { examplePlan } from '../support/example-plan.ts';
import { approvedOperation } from '../support/guard.ts';
import type { Issuer } from '../support/issuer.ts';
import { type PageScene, pagePlace, pagesWithIssuer } from '../support/page-scene.ts';

const place = pagePlace('127.62.2');
const { home, host } = place;
const people = [
  { name: 'ask', groups: ['operators'], subject: 'sub-ask' },
  { name: 'ana', groups: ['operators', 'firefighters'], subject: 'sub-ana' },
  { name: 'ben', groups: [], subject: 'sub-ben' },
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
beforeEach(() => {
  issuer.subject = 'sub-ana';
});

/** Of two waves, the first of which has ended, and paused. */
async function heldOperation(): Promise<string> {
  const [target] = examplePlan().plan.targets;
  if (!target) throw new Error('the plan has no target');
  const targets = [target, { ...target, node: 'w-2' }];
  const operation = await approvedOperation(scene.guard, { targets, waves: [['w-1'], ['w-2']], advance: 'manual' });
  await scene.records.leases.release(operation);
  await scene.records.operations.setNode(operation, { node: 'w-1', state: 'done', step: 'done', message: '' });
  await scene.records.operations.setPaused(operation, 'ask');
  return operation;
}

async function frozen(): Promise<string> {
  const where = { site: 'chicago', cluster: '*' };
  return (await scene.freezes.freeze(where, 'smoke', scene.caller('ask'))).id;
}

type Deed = { act: string; of: string; make(): Promise<string>; isDone(id: string): Promise<boolean> };

const deeds: Deed[] = [
  {
    act: 'break-glass',
    of: 'approvals',
    make: () => scene.request(),
    isDone: async id => (await scene.records.approvals.get(id)).breakGlass?.by === 'ana',
  },
  {
    act: 'unfreeze',
    of: 'freezes',
    make: frozen,
    isDone: async id => !(await scene.records.freezes.standing()).some(freeze => freeze.id === id),
  },
  {
    act: 'resume',
    of: 'operations',
    make: heldOperation,
    isDone: async id => (await scene.records.operations.get(id)).pausedBy === undefined,
  },
  {
    act: 'advance',
    of: 'operations',
    make: heldOperation,
    isDone: async id => (await scene.records.operations.get(id)).advancedTo === 2,
  },
];

const loggedInFor = async (browser: Browser, { act, of }: Deed, id: string): Promise<Shown> => {
  await browser.open(`${home}/${of}/${id}`);
  return browser.open(`${home}/auth/login?act=${act}&on=${id}`);
};
const form = ({ act, of }: Deed, id: string) => `/${of}/${id}/${act}`;

/** As the page's form would send it, where the page offers none. */
async function force(browser: Browser, deed: Deed, id: string): Promise<Shown> {
  const shown = await browser.open(`${home}/approvals`);
  const [, csrf = ''] = /name="csrf" value="([^"]*)"/.exec(shown.html) ?? [];
  const digest = deed.of === 'freezes' ? '' : await digestOf(deed, id);
  return browser.post(new URL(form(deed, id), home), new URLSearchParams({ csrf, digest, reason: 'because' }));
}

async function digestOf({ of }: Deed, id: string): Promise<string> {
  const { approvals, operations } = scene.records;
  return (of === 'approvals' ? await approvals.get(id) : await operations.get(id)).digest;
}

describe.each(deeds)('to $act', deed => {
  it('takes a log-in of its own, for this deed on this thing alone, and is on record', async () => {
    const [id, other] = [await deed.make(), await deed.make()];
    const browser = new Browser();
    const before = await browser.open(`${home}/${deed.of}/${id}`);
    expect([before.status, before.html.includes(`action="${form(deed, id)}"`)]).toEqual([200, false]);
    expect((await force(browser, deed, id)).status, 'a log-in of a moment ago').toBe(401);

    await loggedInFor(browser, deed, other);
    browser.setCookie(host, `gk-${deed.act}-${id}`, browser.cookie(host, `gk-${deed.act}-${other}`) ?? '');
    expect((await force(browser, deed, id)).status, 'a log-in for another one').toBe(401);

    const vote = await loggedInFor(browser, { ...deed, act: deed.of === 'approvals' ? 'vote' : 'unfreeze' }, id);
    if (deed.act !== 'unfreeze' && deed.of === 'approvals') {
      expect(vote.status).toBe(200);
      browser.setCookie(host, `gk-${deed.act}-${id}`, browser.cookie(host, `gk-vote-${id}`) ?? '');
      expect((await force(browser, deed, id)).status, 'a log-in for another deed').toBe(401);
    }
    expect(await deed.isDone(id)).toBe(false);

    const shown = await loggedInFor(browser, deed, id);
    const after = await browser.submit(shown, form(deed, id), { reason: 'because' });
    expect([after.status, await deed.isDone(id)]).toEqual([200, true]);
    expect((await scene.entries()).filter(entry => JSON.stringify(entry).includes('because'))).toMatchObject(
      expect.arrayContaining([expect.objectContaining({ actor: expect.objectContaining({ sub: 'ana' }) })]),
    );
  });

  it('is refused to who may not', async () => {
    const id = await deed.make();
    issuer.subject = 'sub-ben';
    const browser = new Browser();
    await loggedInFor(browser, deed, id);
    expect([(await force(browser, deed, id)).status, await deed.isDone(id)]).toEqual([403, false]);
  });
});

it('who asked takes it back with the log-in of a moment ago, and sees on the list what stands', async () => {
  const [id, freeze, operation] = [await scene.request(), await frozen(), await heldOperation()];
  issuer.subject = 'sub-ask';
  const browser = new Browser();
  const list = await browser.open(`${home}/approvals`);
  for (const path of [`/freezes/${freeze}`, `/operations/${operation}`]) expect(list.html).toContain(`href="${path}"`);
  const shown = await browser.open(`${home}/approvals/${id}`);
  await browser.submit(shown, `/approvals/${id}/revoke`, { reason: 'not today' });
  expect((await scene.records.approvals.get(id)).closing).toMatchObject({ by: 'ask', reason: 'not today' });
});
