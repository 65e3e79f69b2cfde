/** The pages of the service: logging in by browser, and deciding. Transport alone; the guard says what counts. */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import { FleetError } from '../../core/errors.ts';
import type { Deed } from '../../core/identity.ts';
import { deedOn, type PresenceWanted, requestTools, type ServiceDoor } from '../../gateway/door.ts';
import { statuses } from '../http/statuses.ts';
import { approvalPage } from './approval-page.ts';
import { Cookies, checkForm, pageHeaders, visitOf } from './browser.ts';
import { addDeeds, deedAsked, deedOf, pageOf } from './deed-routes.ts';
import { freezePage, operationPage } from './held-pages.ts';
import { errorPage } from './layout.ts';
import { listPage } from './list-page.ts';
import { passphrasePage, terminalDonePage, terminalPage } from './log-in-pages.ts';
import { type Env, type PageContext, parsed, safeReturn, short, shown, toLogIn } from './page-context.ts';

const mostHeld = 200;
const passphraseForm = z.object({ name: short, passphrase: short, to: short });

export function pageRoutes(door: ServiceDoor, origin: () => string): Hono<Env> {
  const app = new Hono<Env>();
  app.onError((thrown, context) => {
    const error = FleetError.from(thrown);
    if (error.code === 'internal') door.log.error({ error: thrown }, 'a page failed');
    const visit = context.var.visit ?? { browser: '', csrf: '' };
    return context.html(errorPage(visit, error, backFrom(context.req.path)), statuses[error.code]);
  });
  for (const path of ['/approvals/*', '/freezes/*', '/operations/*', '/auth/*']) {
    app.use(path, bodyLimit({ maxSize: 16 * 1024 }), async (context, next) => {
      for (const [name, value] of Object.entries(pageHeaders)) context.header(name, value);
      const cookies = new Cookies(context, origin());
      const visit = await visitOf(cookies, door.logins);
      context.set('cookies', cookies);
      context.set('visit', visit);
      if (context.req.method === 'POST') {
        const form = await context.req.parseBody();
        checkForm(context, { origin: origin(), visit, csrf: String(form.csrf) });
        context.set('form', form);
      }
      await next();
    });
  }
  addLogIn(app, door, origin);
  addTerminal(app, door);
  addApprovals(app, door);
  addHeld(app, door);
  addDeeds(app, door);
  return app;
}

function addLogIn(app: Hono<Env>, door: ServiceDoor, origin: () => string): void {
  app.get('/auth/login', async context => {
    const { visit } = context.var;
    const asked = deedAsked(context.req.query());
    const returnTo = safeReturn(asked ? pageOf(asked) : context.req.query('to'));
    if (!door.browser) return shown(context, passphrasePage(visit, returnTo));
    if (!asked) return context.redirect(await door.browser.begin({ returnTo }, visit.browser), 303);
    const { act, on, digest } = await deedOf(door, asked.act, asked.on);
    return context.redirect(await door.browser.begin({ returnTo, deed: { act, on, digest } }, visit.browser), 303);
  });
  app.get('/auth/callback', async context => {
    if (!door.browser) throw new FleetError({ code: 'not_found', message: 'no issuer is configured here' });
    const { cookies, visit } = context.var;
    const { pathname, search } = new URL(context.req.url);
    const { session, deed, returnTo } = await door.browser.complete(
      new URL(pathname + search, origin()),
      visit.browser,
    );
    await begin(context, session.token);
    if (deed) cookies.set(`${deed.act}-${deed.on}`, deed.ticket, 120);
    return context.redirect(deed ? `${returnTo}#decide` : returnTo, 303);
  });
  app.post('/auth/passphrase', async context => {
    if (door.browser) throw new FleetError({ code: 'forbidden', message: 'log-in is by the issuer here' });
    const { name, passphrase, to } = parsed(passphraseForm, context);
    await begin(context, (await door.logins.logIn(name, passphrase, 'page')).token);
    return context.redirect(safeReturn(to), 303);
  });
  app.post('/auth/logout', async context => {
    const { cookies, visit } = context.var;
    if (visit.token !== undefined) await door.logins.logOut(visit.token);
    cookies.drop('session');
    return context.redirect('/approvals', 303);
  });

  /** The session before this one ends with it. */
  async function begin({ var: { cookies, visit } }: PageContext, token: string): Promise<void> {
    if (visit.token !== undefined) await door.logins.logOut(visit.token);
    cookies.set('session', token);
  }
}

function addTerminal(app: Hono<Env>, door: ServiceDoor): void {
  app.get('/auth/terminal/:id', context => {
    const { visit } = context.var;
    if (!visit.session) return toLogIn(context);
    const id = context.req.param('id');
    return shown(context, terminalPage(visit, { id, code: door.terminals.codeOf(id) }));
  });
  app.post('/auth/terminal/:id', context => {
    const { visit } = context.var;
    if (!visit.session) return toLogIn(context);
    door.terminals.grant(context.req.param('id'), visit.session);
    return shown(context, terminalDonePage(visit));
  });
}

function addApprovals(app: Hono<Env>, door: ServiceDoor): void {
  const { approvals, operations, plans } = door.records;
  app.get('/approvals', async context => {
    const { session } = context.var.visit;
    if (!session) return toLogIn(context);
    await door.approvals.expireDue();
    const pending = await door.reads.readable(await approvals.list('pending'), requestTools, session.caller);
    const waiting = await Promise.all(
      pending.map(async approval => ({ approval, plan: (await plans.get(approval.plan)).plan })),
    );
    const freezes = await door.records.freezes.standing();
    const open = await operations.list({ open: true, limit: mostHeld });
    const paused = open.filter(({ pausedBy }) => pausedBy !== undefined);
    const held = await door.reads.readable(paused, ['getOperation'], session.caller);
    return shown(context, listPage(context.var.visit, { waiting, freezes, held }, new Date()));
  });
  app.get('/approvals/:id', async context => {
    const { visit } = context.var;
    if (!visit.session) return toLogIn(context);
    await door.approvals.expireDue();
    const approval = await approvals.get(context.req.param('id'));
    await door.reads.check(approval, requestTools, visit.session.caller);
    const { plan, digest } = await plans.get(approval.plan);
    return shown(
      context,
      approvalPage({
        visit,
        approval,
        plan,
        digest,
        card: door.planCard(plan, digest),
        standing: door.standing(approval),
        wanted: wantedBy(context, door, approval),
        mayBreakGlass: door.mayBreakGlass(visit.session.caller.person.name),
        now: new Date(),
      }),
    );
  });
}

/** What somebody stopped, and who may let it go on. */
function addHeld(app: Hono<Env>, door: ServiceDoor): void {
  const { freezes, operations, plans } = door.records;
  app.get('/freezes/:id', async context => {
    const { visit } = context.var;
    if (!visit.session) return toLogIn(context);
    const freeze = (await freezes.standing()).find(({ id }) => id === context.req.param('id'));
    if (!freeze) throw new FleetError({ code: 'not_found', message: 'this freeze does not stand any more' });
    return shown(context, freezePage(freeze, { visit, wanted: wantedBy(context, door, freeze), now: new Date() }));
  });
  app.get('/operations/:id', async context => {
    const { visit } = context.var;
    if (!visit.session) return toLogIn(context);
    const operation = await operations.get(context.req.param('id'));
    await door.reads.check(operation, ['getOperation'], visit.session.caller);
    const { plan } = await plans.get(operation.plan);
    const wanted = wantedBy(context, door, operation);
    return shown(context, operationPage({ operation, plan }, { visit, wanted, now: new Date() }));
  });
}

/** What the person still has to bring to a deed on this thing. */
function wantedBy({ var: { cookies, visit } }: PageContext, door: ServiceDoor, thing: Parameters<typeof deedOn>[1]) {
  return (act: Deed['act']): PresenceWanted => {
    if (cookies.get(`${act}-${thing.id}`) || !visit.session) return 'nothing';
    return door.presenceWanted(deedOn(act, thing), visit.session);
  };
}

/** Where a person goes on from an error. */
function backFrom(path: string): string {
  return safeReturn(path.replace(/\/(vote|revoke|break-glass|unfreeze|resume|advance)$/, ''));
}
