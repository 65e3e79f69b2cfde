/** The service's door for its own clients; see api.ts for the wire form. Transport and identity only. */
import { setTimeout as delay } from 'node:timers/promises';
import { serve } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { z } from 'zod';
import { type Approval, type ApprovalState, type TrackedApproval, tracked } from '../../core/approval.ts';
import { FleetError } from '../../core/errors.ts';
import { allNodes, type Fleet } from '../../core/fleet.ts';
import { hasEnded } from '../../core/operation.ts';
import type { Caller } from '../../core/tool.ts';
import type { ServiceDoor } from '../../gateway/door.ts';
import { type McpHttpParts, mcpEndpoint } from '../mcp/http.ts';
import { pageRoutes } from '../page/routes.ts';
import type {
  ApprovalAnswer,
  BrowserLogin,
  CustodyHead,
  CustodyStatus,
  DecideRequest,
  Erased,
  EventsAnswer,
  Me,
  Names,
  Notices,
  Reconciled,
} from './api.ts';
import { askRoute } from './ask.ts';
import { statuses } from './statuses.ts';

const login = z.strictObject({
  name: z.string().max(200),
  passphrase: z.string().max(1000),
  channel: z.enum(['cli', 'demo']).default('cli'),
});
const ask = z.strictObject({ text: z.string().max(20_000), conversation: z.string().max(100).optional() });
const digestNow = z.strictObject({ name: z.string().max(100).optional() });
const collect = z.strictObject({ secret: z.string().max(100) });
const derive = z.strictObject({ channel: z.literal('mcp') });
const decide = z.strictObject({ reason: z.string().max(1000), passphrase: z.string().max(1000) });
const vote = decide.extend({ vote: z.enum(['approve', 'reject']) });
const present = decide.omit({ reason: true });
const reconcile = decide.extend({ reason: z.string().min(1).max(1000) });
const erase = reconcile.extend({ subject: z.string().min(1).max(300) });
const states = z.enum(['pending', 'approved', 'rejected', 'expired', 'revoked']).optional();

export type HttpOptions = {
  host: string;
  port: number;
  /** Origin under which browsers come, where it is another than the one listened on. */
  publicUrl?: string;
  door: ServiceDoor;
  fleet: Fleet;
  /** Where MCP over HTTP is configured. */
  mcp?: McpHttpParts;
};

/** Listens; throws `port_taken` naming the address. */
export async function openHttp({
  host,
  port,
  publicUrl,
  door,
  fleet,
  mcp,
}: HttpOptions): Promise<{ url: string; close(): Promise<void> }> {
  let listening = '';
  const app = routes(door, { fleet, mcp, origin: () => publicUrl ?? listening });
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: host, port }, info => {
      const shown = host.includes(':') ? `[${host}]` : host;
      listening = `http://${shown}:${info.port}`;
      resolve({
        url: listening,
        close: () =>
          new Promise(done => {
            server.close(() => done());
            if ('closeAllConnections' in server) server.closeAllConnections();
          }),
      });
    });
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new FleetError({
          code: error.code === 'EADDRINUSE' ? 'port_taken' : 'invalid_config',
          message: `the service cannot listen on ${host}:${port} (${error.code})`,
          hint: 'another service may run there; stop it, or change service.listen in groundskeeper.yaml',
          cause: error,
        }),
      ),
    );
  });
}

type Served = Pick<HttpOptions, 'fleet' | 'mcp'> & { origin: () => string };

function routes(door: ServiceDoor, { fleet, mcp, origin }: Served): Hono {
  const app = new Hono();
  const tooLarge = new FleetError({ code: 'invalid_input', message: 'a request has at most 1 MiB' });
  app.use(bodyLimit({ maxSize: 1024 * 1024, onError: context => context.json({ error: tooLarge }, 413) }));
  app.route('/', pageRoutes(door, origin));
  if (mcp) {
    const endpoint = mcpEndpoint(
      mcp,
      { ...door, news: (id, { after, waitMs }) => news(door, id, after, waitMs) },
      origin,
    );
    app.use(async (context, next) => (await endpoint.fetch(context.req.raw)) ?? (await next()));
  }
  // No page is a client of what follows: a browser that was led here by a foreign name sends an Origin.
  app.use(async (context, next) => {
    if (context.req.header('origin') !== undefined)
      throw new FleetError({ code: 'forbidden', message: 'this door is not for web pages' });
    await next();
  });
  app.onError((error, context) => {
    if (error instanceof HTTPException)
      return context.json({ error: new FleetError({ code: 'invalid_input', message: error.message }) }, error.status);
    const fleetError = FleetError.from(error);
    if (fleetError.code === 'internal') door.log.error({ error }, 'a request failed');
    return context.json({ error: fleetError }, statuses[fleetError.code]);
  });
  app.notFound(context =>
    context.json({ error: new FleetError({ code: 'not_found', message: 'there is nothing at this address' }) }, 404),
  );
  app.get('/healthz', context => context.json({ ok: true }));

  app.post('/v1/login', async context => {
    const { name, passphrase, channel } = await body(context, login);
    return context.json(await door.logins.logIn(name, passphrase, channel));
  });
  app.post('/v1/login/browser', async context => {
    const { id, code, secret, expiresAt } = door.terminals.ask();
    return context.json({ url: `${origin()}/auth/terminal/${id}`, code, secret, expiresAt } satisfies BrowserLogin);
  });
  app.post('/v1/login/browser/collect', async context => {
    const { secret } = await body(context, collect);
    return context.json((await door.terminals.collect(secret)) ?? { waiting: true });
  });
  app.post('/v1/token', async context => {
    await body(context, derive);
    return context.json(await door.logins.deriveForMcp(tokenOf(context)));
  });
  app.post('/v1/logout', async context => {
    await door.logins.logOut(tokenOf(context));
    return context.json({});
  });
  app.get('/v1/me', async context => {
    const { person, channel, scope } = await callerOf(context, door);
    return context.json({ person: person.name, groups: person.groups, channel, scope } satisfies Me);
  });
  app.get('/v1/notices', async context => {
    await callerOf(context, door);
    const freezes = await door.records.freezes.standing();
    const model = door.assistant?.model;
    return context.json({ policy: door.policyStanding(), freezes, ...(model && { model }) } satisfies Notices);
  });
  app.get('/v1/names', async context => {
    await callerOf(context, door);
    const clusters = fleet.sites.flatMap(site => site.clusters);
    const names: Names = {
      sites: fleet.sites.map(site => site.name),
      clusters: clusters.map(cluster => cluster.name),
      nodes: allNodes(fleet).map(node => node.name),
    };
    return context.json(names);
  });

  app.post('/v1/tools/:name', async context => {
    const caller = await callerOf(context, door);
    return context.json(
      await door.gateway.invoke({ tool: context.req.param('name'), input: await json(context), caller }),
    );
  });
  app.post('/v1/ask', async context => {
    const caller = await callerOf(context, door);
    return askRoute(door, context, { ...(await body(context, ask)), caller });
  });
  app.get('/v1/digests', async context => {
    await callerOf(context, door);
    return context.json({ digests: await door.digests.list() });
  });
  app.post('/v1/digests/now', async context => {
    await callerOf(context, door);
    const { name } = await body(context, digestNow);
    return context.json({ blocks: await door.digests.now(name) });
  });
  app.get('/v1/operations/:id/events', async context => {
    await callerOf(context, door);
    const after = Number(context.req.query('after') ?? 0) || 0;
    const waitMs = Math.min(Number(context.req.query('waitMs') ?? 0) || 0, 25_000);
    return context.json(await news(door, context.req.param('id'), after, waitMs));
  });

  app.get('/v1/approvals', async context => {
    await callerOf(context, door);
    const state: ApprovalState | undefined = check(states, context.req.query('state'));
    await door.approvals.expireDue();
    const approvals = await door.records.approvals.list(state);
    return context.json({ approvals: await Promise.all(approvals.map(approval => withOperation(door, approval))) });
  });
  app.get('/v1/approvals/:id', async context => {
    await callerOf(context, door);
    await door.approvals.expireDue();
    const approval = await withOperation(door, await door.records.approvals.get(context.req.param('id')));
    const { plan, digest } = await door.records.plans.get(approval.plan);
    return context.json({ approval, plan, digest, blocks: door.planCard(plan, digest) } satisfies ApprovalAnswer);
  });
  app.post('/v1/approvals/:id/vote', async context => {
    const caller = await callerOf(context, door);
    const { vote: cast, ...rest } = await body(context, vote);
    return context.json({ approval: await door.approvals.vote({ ...decision(context, rest), vote: cast }, caller) });
  });
  app.post('/v1/approvals/:id/revoke', async context => {
    const caller = await callerOf(context, door);
    const given = decision(context, await body(context, decide));
    return context.json({ approval: await door.approvals.revoke(given, caller) });
  });
  app.post('/v1/approvals/:id/break-glass', async context => {
    const caller = await callerOf(context, door);
    const given = decision(context, await body(context, decide));
    return context.json({ approval: await door.approvals.breakGlass(given, caller) });
  });

  app.post('/v1/freezes/:id/lift', async context => {
    const caller = await callerOf(context, door);
    const proof = proofOf(await body(context, decide));
    return context.json({ freeze: await door.freezes.lift(context.req.param('id'), proof, caller) });
  });
  for (const act of ['resume', 'advance'] as const)
    app.post(`/v1/operations/:id/${act}`, async context => {
      const caller = await callerOf(context, door);
      const proof = proofOf(await body(context, decide));
      return context.json({ operation: await door.steer[act](context.req.param('id'), proof, caller) });
    });

  app.get('/v1/custody/head', async context => {
    await callerOf(context, door);
    await door.custody.checkpoint();
    const head = await door.records.custody.head();
    const answer: CustodyHead = {
      size: head.size,
      root: Buffer.from(head.root).toString('base64'),
      peaks: head.peaks.map(peak => Buffer.from(peak).toString('base64')),
      checkpoints: await door.records.custody.checkpoints(),
      verifierKey: door.custody.verifierKey,
    };
    return context.json(answer);
  });
  app.get('/v1/custody/status', async context => {
    await callerOf(context, door);
    return context.json(door.custodyDesk.status() satisfies CustodyStatus);
  });
  app.post('/v1/custody/rotate-key', async context => {
    const caller = await callerOf(context, door);
    return context.json(await door.custodyDesk.rotateKey(await body(context, present), caller));
  });
  app.post('/v1/custody/reconcile', async context => {
    const caller = await callerOf(context, door);
    return context.json(
      (await door.custodyDesk.reconcile(await body(context, reconcile), caller)) satisfies Reconciled,
    );
  });
  app.get('/v1/custody/evidence/:id', async context => {
    const caller = await callerOf(context, door);
    return context.json(await door.custodyDesk.readEvidence(context.req.param('id'), caller));
  });
  app.post('/v1/custody/erase', async context => {
    const caller = await callerOf(context, door);
    return context.json((await door.custodyDesk.erase(await body(context, erase), caller)) satisfies Erased);
  });
  app.get('/v1/custody/entries', async context => {
    await callerOf(context, door);
    const from = Number(context.req.query('from') ?? 0) || 0;
    const limit = Math.min(Number(context.req.query('limit') ?? 200) || 200, 1000);
    const rows = await door.records.custody.rows(from, limit);
    const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
    return context.json({
      entries: rows.map(row => ({ seq: row.seq, bytes: base64(row.bytes), leaf: base64(row.leaf) })),
    });
  });
  return app;
}

function decision(context: Context, request: DecideRequest) {
  return { approval: context.req.param('id') ?? '', ...proofOf(request) };
}

function proofOf({ reason, passphrase }: DecideRequest) {
  return { reason, presence: { by: 'passphrase', passphrase } as const };
}

async function withOperation({ records }: ServiceDoor, approval: Approval): Promise<TrackedApproval> {
  return tracked(approval, approval.operation ? await records.operations.get(approval.operation) : undefined);
}

async function callerOf(context: Context, door: ServiceDoor): Promise<Caller> {
  const client = context.req
    .header('user-agent')
    ?.replace(/[^\x20-\x7e]/g, '')
    .slice(0, 100);
  return door.logins.caller(tokenOf(context), client);
}

function tokenOf(context: Context): string {
  const [, token] = /^Bearer ([A-Za-z0-9_-]{43})$/.exec(context.req.header('authorization') ?? '') ?? [];
  if (!token) throw new FleetError({ code: 'unauthenticated', message: 'not logged in', hint: 'groundskeeper login' });
  return token;
}

async function json(context: Context): Promise<unknown> {
  try {
    return await context.req.json();
  } catch (cause) {
    throw new FleetError({ code: 'invalid_input', message: 'the request body is not JSON', cause });
  }
}

async function body<T extends z.ZodType>(context: Context, schema: T): Promise<z.infer<T>> {
  return check(schema, await json(context));
}

function check<T extends z.ZodType>(schema: T, value: unknown): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(issue => `${issue.path.join('.') || 'body'}: ${issue.message}`);
  throw new FleetError({ code: 'invalid_input', message: problems.join('; ') });
}

/** Events after `after`; with nothing new, waits until there is, the operation ends, or the time is over. */
async function news({ records }: ServiceDoor, id: string, after: number, waitMs: number): Promise<EventsAnswer> {
  const until = Date.now() + waitMs;
  for (;;) {
    const [operation, events] = [await records.operations.get(id), await records.operations.events(id, after)];
    if (events.length > 0 || hasEnded(operation.state) || Date.now() >= until) return { operation, events };
    await delay(200);
  }
}
