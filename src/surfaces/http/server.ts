import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { z } from 'zod';
import { FleetError } from '../../core/errors.ts';
import { allNodes, type Fleet } from '../../core/fleet.ts';
import type { ServiceDoor } from '../../gateway/door.ts';
import type { McpHttpParts } from '../mcp/http.ts';
import type { McpEndpoint } from '../mcp/resource-server.ts';
import { pageRoutes } from '../page/routes.ts';
import type { BrowserLogin, Me, Names, Notices } from './api.ts';
import { askRoute } from './ask.ts';
import { custodyRoutes } from './custody-routes.ts';
import { decisionRoutes } from './decision-routes.ts';
import { news } from './news.ts';
import { body, callerOf, json, tokenOf } from './request.ts';
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
  const origin = () => publicUrl ?? listening;
  const app = routes(door, { fleet, origin, ...(mcp && { mcp: await mcpAt(mcp, door, origin) }) });
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

type Served = Pick<HttpOptions, 'fleet'> & { mcp?: McpEndpoint; origin: () => string };

/** Loaded where it is served alone: memory counts. */
async function mcpAt(mcp: McpHttpParts, door: ServiceDoor, origin: () => string): Promise<McpEndpoint> {
  const { mcpEndpoint } = await import('../mcp/http.ts');
  return mcpEndpoint(mcp, { ...door, news: (id, wait) => news(door, id, wait) }, origin);
}

function routes(door: ServiceDoor, { fleet, mcp, origin }: Served): Hono {
  const app = new Hono();
  const tooLarge = new FleetError({ code: 'invalid_input', message: 'a request has at most 1 MiB' });
  app.use(bodyLimit({ maxSize: 1024 * 1024, onError: context => context.json({ error: tooLarge }, 413) }));
  app.route('/', pageRoutes(door, origin));
  if (mcp) app.use(async (context, next) => (await mcp.fetch(context.req.raw)) ?? (await next()));
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
    const caller = await callerOf(context, door);
    const { name } = await body(context, digestNow);
    return context.json({ blocks: await door.digests.now(caller, name) });
  });
  app.get('/v1/operations/:id/events', async context => {
    const caller = await callerOf(context, door);
    const after = Number(context.req.query('after') ?? 0) || 0;
    const waitMs = Math.min(Number(context.req.query('waitMs') ?? 0) || 0, 25_000);
    return context.json(await news(door, context.req.param('id'), { after, waitMs, caller }));
  });

  app.route('/', decisionRoutes(door));
  app.route('/', custodyRoutes(door));
  return app;
}
