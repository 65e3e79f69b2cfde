/** The pages of the service: logging in by browser, and deciding. Transport alone; the guard says what counts. */
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import { FleetError } from '../../core/errors.ts';
import type { Presence, ServiceDoor } from '../../gateway/door.ts';
import { statuses } from '../http/statuses.ts';
import { approvalPage } from './approval-page.ts';
import { Cookies, checkForm, pageHeaders, type Visit, visitOf } from './browser.ts';
import { errorPage } from './layout.ts';
import { listPage } from './list-page.ts';
import { passphrasePage, terminalDonePage, terminalPage } from './log-in-pages.ts';
import type { Markup } from './markup.ts';

type Env = { Variables: { cookies: Cookies; visit: Visit; form: Record<string, unknown> } };
type PageContext = Context<Env>;

const short = z.string().max(1000);
const voteForm = z.object({
  vote: z.enum(['approve', 'reject']),
  reason: short.trim().min(1),
  digest: short,
  passphrase: short.optional(),
});
const passphraseForm = z.object({ name: short, passphrase: short, to: short });

const approvalPath = /^\/approvals(\/apr-[0-9a-z]{10})?$/;
const terminalPath = /^\/auth\/terminal\/[\w-]{43}$/;

export function pageRoutes(door: ServiceDoor, origin: () => string): Hono<Env> {
  const app = new Hono<Env>();
  app.onError((thrown, context) => {
    const error = FleetError.from(thrown);
    if (error.code === 'internal') door.log.error({ error: thrown }, 'a page failed');
    const visit = context.var.visit ?? { browser: '', csrf: '' };
    return context.html(errorPage(visit, error, backFrom(context.req.path)), statuses[error.code]);
  });
  for (const path of ['/approvals/*', '/auth/*']) {
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
  return app;
}

function addLogIn(app: Hono<Env>, door: ServiceDoor, origin: () => string): void {
  app.get('/auth/login', async context => {
    const { visit } = context.var;
    const { vote, to } = context.req.query();
    if (!door.browser)
      return shown(context, passphrasePage(visit, safeReturn(vote === undefined ? to : `/approvals/${vote}`)));
    if (vote === undefined)
      return context.redirect(
        await door.browser.begin({ for: 'session', returnTo: safeReturn(to) }, visit.browser),
        303,
      );
    const { id, digest } = await door.records.approvals.get(vote);
    const purpose = { for: 'vote', returnTo: safeReturn(`/approvals/${id}`), approval: id, digest } as const;
    return context.redirect(await door.browser.begin(purpose, visit.browser), 303);
  });
  app.get('/auth/callback', async context => {
    if (!door.browser) throw new FleetError({ code: 'not_found', message: 'no issuer is configured here' });
    const { cookies, visit } = context.var;
    const { pathname, search } = new URL(context.req.url);
    const { session, vote, returnTo } = await door.browser.complete(
      new URL(pathname + search, origin()),
      visit.browser,
    );
    await begin(context, session.token);
    if (vote) cookies.set(`vote-${vote.approval}`, vote.ticket, 120);
    return context.redirect(vote ? `${returnTo}#decide` : returnTo, 303);
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
  const { approvals, plans } = door.records;
  app.get('/approvals', async context => {
    if (!context.var.visit.session) return toLogIn(context);
    await door.approvals.expireDue();
    const pending = await approvals.list('pending');
    const waiting = await Promise.all(
      pending.map(async approval => ({ approval, plan: (await plans.get(approval.plan)).plan })),
    );
    return shown(context, listPage(context.var.visit, waiting, new Date()));
  });
  app.get('/approvals/:id', async context => {
    const { cookies, visit } = context.var;
    if (!visit.session) return toLogIn(context);
    await door.approvals.expireDue();
    const approval = await approvals.get(context.req.param('id'));
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
        wanted: cookies.get(`vote-${approval.id}`) ? 'nothing' : door.presenceWanted(approval, visit.session),
        now: new Date(),
      }),
    );
  });
  app.post('/approvals/:id/vote', async context => {
    const { cookies, visit } = context.var;
    if (!visit.session || visit.token === undefined) return toLogIn(context);
    const { vote, reason, digest, passphrase } = parsed(voteForm, context);
    const approval = await approvals.get(context.req.param('id'));
    if (approval.digest !== digest)
      throw new FleetError({
        code: 'conflict',
        message: 'the plan that you were shown is not the one that waits here',
      });
    const ticket = cookies.get(`vote-${approval.id}`);
    cookies.drop(`vote-${approval.id}`);
    const presence = presenceOf({ ticket, passphrase: door.browser ? undefined : passphrase, session: visit.token });
    await door.approvals.vote({ approval: approval.id, vote, reason, presence }, visit.session.caller);
    return context.redirect(`/approvals/${approval.id}`, 303);
  });
}

/** A passphrase is no way around the issuer, where there is one. */
function presenceOf(brought: { ticket?: string; passphrase?: string; session: string }): Presence {
  if (brought.ticket) return { by: 'fresh-login', ticket: brought.ticket };
  if (brought.passphrase) return { by: 'passphrase', passphrase: brought.passphrase };
  return { by: 'recent-login', session: brought.session };
}

function shown(context: PageContext, markup: Markup) {
  return context.html(markup);
}

function toLogIn(context: PageContext) {
  return context.redirect(`/auth/login?to=${encodeURIComponent(context.req.path)}`, 303);
}

/** A page of ours and nothing else: whatever else the address said leads to the list. */
function safeReturn(path: string | undefined): string {
  return path !== undefined && (approvalPath.test(path) || terminalPath.test(path)) ? path : '/approvals';
}

/** Where a person goes on from an error. */
function backFrom(path: string): string {
  return safeReturn(path.replace(/\/vote$/, ''));
}

function parsed<T extends z.ZodType>(schema: T, context: PageContext): z.infer<T> {
  const result = schema.safeParse(context.var.form);
  if (result.success) return result.data;
  const fields = result.error.issues.map(issue => issue.path.join('.'));
  throw new FleetError({ code: 'invalid_input', message: `the form lacks: ${[...new Set(fields)].join(', ')}` });
}
