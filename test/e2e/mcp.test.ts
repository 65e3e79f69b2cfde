import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { getDefaultEnvironment, StdioClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ChangeAnswer } from '../../src/core/change.ts';
import { toolsWithin } from '../../src/core/tool.ts';
import { type Client, connect } from '../../src/surfaces/cli/client.ts';
import { tokenStore } from '../../src/surfaces/cli/token-store.ts';
import { catalog } from '../../tools/index.ts';
import { changes } from '../support/audit.ts';
import { connectNew, connectOld, type McpClient, type Server } from '../support/mcp-clients.ts';
import { nodeArgs } from '../support/program.ts';
import { openRecordingProxy, type RecordingProxy } from '../support/recording-proxy.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let proxy: RecordingProxy;
let db: pg.Client;
let asker: Client;
let token: string;
const open: McpClient[] = [];

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.41', mcpScope: 'execute' });
  proxy = await openRecordingProxy(() => stack.service().ready.url);
  db = new pg.Client({ connectionString: stack.databaseUrl });
  await db.connect();
});
afterAll(async () => {
  await db?.end();
  await proxy?.close();
  await stack?.close();
});

beforeEach(async () => {
  proxy.seen.length = 0;
  const { url } = stack.service().ready;
  ({ token } = await connect({ url }).login({ ...stack.config.people[0], channel: 'cli' }));
  asker = connect({ url, token });
});
afterEach(async () => {
  proxy.before = undefined;
  for (const client of open.splice(0)) await client.close();
});

/** How an editor starts the program: its own environment, and the two variables that name the service and the user. */
function server(): Server {
  const env = { ...getDefaultEnvironment(), GROUNDSKEEPER_URL: proxy.url, GROUNDSKEEPER_TOKEN: token };
  return { command: process.execPath, args: [...nodeArgs, 'mcp'], env, stderr: 'ignore' };
}

async function kept(connecting: Promise<McpClient>): Promise<McpClient> {
  const client = await connecting;
  open.push(client);
  return client;
}

const generations: [string, () => Promise<McpClient>][] = [
  ['the client of the first SDK', () => kept(connectOld(server()))],
  ['the client of the second SDK', () => kept(connectNew(server(), 'legacy'))],
  ['the client of the second SDK that negotiates', () => kept(connectNew(server(), 'modern'))],
];

/** The tokens that the running MCP process was seen to use: not the user's. */
function derivedToken(): string {
  const own = proxy.seen.filter(({ path }) => path.startsWith('/v1/tools/')).map(({ token: used }) => used);
  expect(new Set(own).size).toBe(1);
  expect(own[0]).not.toBe(token);
  return own[0] ?? '';
}

async function mcpLogins(): Promise<number> {
  return (await db.query("select from login where channel = 'mcp'")).rows.length;
}

async function rowsOf(table: 'plan' | 'approval' | 'operation' | 'vote'): Promise<number> {
  return (await db.query(`select from ${table}`)).rows.length;
}

function effects(): number {
  return changes(stack.lab.effects.since()).length;
}

async function post(
  path: string,
  bearer: string,
  body: object,
): Promise<{ status: number; code?: string; message?: string }> {
  const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' };
  const answer = await fetch(`${stack.service().ready.url}${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  const { error } = (await answer.json()) as { error?: { code: string; message: string } };
  return { status: answer.status, ...error };
}

const dellImage = () => stack.lab.images.find(image => image.vendor === 'dell')?.id ?? '';
const flash = () => ({ node: 'bos-w-3', image: dellImage(), deleteEmptyDir: true });

describe.each(generations)('MCP with all scopes, for %s', (_name, connectClient) => {
  it('lists the whole catalog with schemas and hints, and answers what the schema says', async () => {
    const client = await connectClient();
    const tools = await client.tools();
    expect(tools.map(tool => tool.name)).toEqual([...catalog.map(tool => tool.name), 'waitOperation']);
    for (const tool of tools) {
      expect(tool.inputSchema, tool.name).toMatchObject({ type: 'object', additionalProperties: false });
      expect(tool.outputSchema, tool.name).toMatchObject({ type: 'object' });
      expect(Object.keys(tool.annotations ?? {}), tool.name).toEqual(
        expect.arrayContaining(['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint']),
      );
    }
    expect(tools.filter(tool => /approve|reject|vote/i.test(tool.name))).toEqual([]);
    expect(client.instructions).toContain('cannot approve');

    const answer = await client.call('getNodeHealth', { node: 'bos-w-1' });
    expect(answer.isError).toBeFalsy();
    expect(answer.structuredContent).toMatchObject({ node: 'bos-w-1', site: 'boston', kubernetes: { ready: true } });
    const { outputSchema = {} } = tools.find(tool => tool.name === 'getNodeHealth') ?? {};
    const listed = z.fromJSONSchema(outputSchema as Parameters<typeof z.fromJSONSchema>[0]);
    expect(listed.safeParse(answer.structuredContent).error?.issues).toBeUndefined();
    expect(listed.safeParse({ ...answer.structuredContent, health: 'splendid' }).success).toBe(false);
    expect(answer.content[0]?.text).toContain('bos-w-1');
  });

  it('asks for a flash, and however willing its user is, nobody has voted and nothing has moved', async () => {
    const [before, votes] = [effects(), await rowsOf('vote')];
    const client = await connectClient();
    await client.tools();
    const answer = await client.call('flashFirmware', flash());
    const change = answer.structuredContent as ChangeAnswer;
    expect(change.status).toBe('approval_required');
    const id = change.approval ?? '';

    for (const reason of ['approve it', 'yes, do it']) {
      const again = await client.call('startPlan', { plan: change.plan, digest: change.digest });
      expect((again.structuredContent as ChangeAnswer).status, reason).toBe('approval_required');
    }
    const invented = await client.call('approvePlan', { approval: id }).then(
      result => result.isError === true,
      () => true,
    );
    expect(invented).toBe(true);

    const voice = derivedToken();
    const approver = await stack.client('approver');
    const { token: theirVoice } = await approver.deriveToken({ channel: 'mcp' });
    for (const [bearer, who] of [
      [voice, 'requester'],
      [voice, 'approver'],
      [theirVoice, 'approver'],
    ] as const) {
      const ballot = { vote: 'approve', reason: 'go', passphrase: stack.passphrase(who) };
      const answer = await post(`/v1/approvals/${id}/vote`, bearer, ballot);
      expect(answer, who).toMatchObject({ status: 403, code: 'forbidden' });
      expect(answer.message, who).toMatch(/mcp/i);
    }
    expect((await post('/v1/token', voice, { channel: 'cli' })).status).toBe(400);
    expect(await post('/v1/token', voice, { channel: 'mcp' })).toMatchObject({ status: 403, code: 'forbidden' });

    const { approval } = await asker.approval(id);
    expect(approval).toMatchObject({ state: 'pending', votes: [], channel: 'mcp' });
    expect(approval.operation).toBeUndefined();
    expect(await rowsOf('vote')).toBe(votes);
    expect(await rowsOf('operation')).toBe(0);
    expect(effects()).toBe(before);
    expect(client.asked()).toBe(0);
    expect(proxy.seen.filter(({ path }) => path.includes('vote'))).toEqual([]);

    // It was the channel alone that stood in the way: the same person and passphrase decide from the command line.
    const passphrase = stack.passphrase('approver');
    expect(await approver.vote(id, { vote: 'reject', reason: 'not now', passphrase })).toMatchObject({
      state: 'rejected',
    });
    await connect({ url: approver.url, token: theirVoice }).logout();
  });

  it('answers a mistake as a result that a model can read', async () => {
    const client = await connectClient();
    await client.tools();
    const wrong = await client.call('getNodeHealth', { node: 'bos-w-9' });
    expect(wrong.isError).toBe(true);
    expect(wrong.content[0]?.text).toMatch(/not_found[\s\S]*bos-w-1/);
    const plans = await rowsOf('plan');
    const typed = await client.call('drainNode', { node: 7, surprise: true }).then(
      result => result.isError === true,
      () => true,
    );
    expect(typed).toBe(true);
    expect(await rowsOf('plan')).toBe(plans);
  });

  it('gives its token back when it ends, and the token is worth nothing then', async () => {
    const before = await mcpLogins();
    const client = await connectClient();
    await client.call('listOperations', {});
    const voice = derivedToken();
    expect((await post('/v1/tools/listOperations', voice, {})).status).toBe(200);
    expect(await mcpLogins()).toBeGreaterThan(before);
    await client.close();
    await eventually('the token to be given back', async () => ((await mcpLogins()) === 0 ? true : undefined), 10_000);
    expect((await post('/v1/tools/listOperations', voice, {})).status).toBe(401);
    expect((await asker.me()).person).toBe('day-shift');
  });
});

describe('the MCP process', () => {
  it.each(['/v1/token', '/v1/tools/listOperations'])(
    'gives its token back when SIGTERM comes during %s',
    async path => {
      const transport = new OldTransport(server());
      const held = new Promise<void>(resolve => {
        proxy.before = async request => {
          if (request.path !== path) return;
          process.kill(transport.pid ?? 0, 'SIGTERM');
          resolve();
          await delay(300); // the signal overtakes the answer
        };
      });
      const client = new OldClient({ name: 'editor', version: '1.0.0' });
      const ended = new Promise<void>(resolve => {
        client.onclose = resolve;
      });
      const talk = client.connect(transport).then(() => client.callTool({ name: 'listOperations', arguments: {} }));
      talk.catch(() => undefined);
      await held;
      proxy.before = undefined;
      const late = delay(10_000).then(() => 'still runs');
      expect(await Promise.race([ended.then(() => 'ended'), late])).toBe('ended');
      expect(await mcpLogins()).toBe(0);
      await client.close();
    },
  );
});

describe('an editor that runs on after the log-in ended', () => {
  let home: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'groundskeeper-'));
  });
  afterEach(() => rm(home, { recursive: true }));

  async function logIn(who: 0 | 1): Promise<void> {
    const { url } = stack.service().ready;
    const login = await connect({ url }).login({ ...stack.config.people[who], channel: 'cli' });
    await tokenStore(join(home, 'groundskeeper')).put(proxy.url, login);
  }
  const logInsEnd = () => db.query('delete from login');
  const editor = () => {
    const { GROUNDSKEEPER_TOKEN: _, ...env } = server().env;
    return kept(connectNew({ ...server(), env: { ...env, XDG_CONFIG_HOME: home } }, 'modern'));
  };
  const textOf = ({ content }: { content: { text?: string }[] }) => content[0]?.text ?? '';

  it('says how to log in, and goes on once its user did', async () => {
    await logIn(0);
    const client = await editor();
    expect((await client.call('listOperations', {})).isError).toBeFalsy();
    await logInsEnd();
    const refused = await client.call('listOperations', {});
    expect([refused.isError, textOf(refused)]).toEqual([true, expect.stringMatching(/unauthenticated[\s\S]*login/)]);
    await logIn(0);
    const both = await Promise.all([1, 2].map(() => client.call('listOperations', {})));
    expect(both.map(({ isError }) => isError ?? false)).toEqual([false, false]);
    expect(await mcpLogins()).toBe(1);
    await client.close();
    await eventually('the token to be given back', async () => ((await mcpLogins()) === 0 ? true : undefined));
  });

  it('does not become somebody else', async () => {
    await logIn(0);
    const client = await editor();
    expect((await client.call('listOperations', {})).isError).toBeFalsy();
    await logInsEnd();
    await logIn(1);
    const refused = await client.call('listOperations', {});
    expect([refused.isError, textOf(refused)]).toEqual([true, expect.stringMatching(/began as day-shift/)]);
    expect(await mcpLogins()).toBe(0);
  });
});

describe('MCP with the scope that it has unless configured', () => {
  let earlier: string;

  beforeAll(async () => {
    ({ token: earlier } = await (await stack.client('requester')).deriveToken({ channel: 'mcp' }));
    const text = await readFile(stack.config.file, 'utf8');
    await writeFile(stack.config.file, text.replace('\nmcp:\n  scope: execute\n', '\n'));
    await stack.service().stop();
    await stack.start();
  });

  it.each(generations)('lists what only reads, and refuses the rest by name, for %s', async (_name, connectClient) => {
    const [before, plans, approvals] = [effects(), await rowsOf('plan'), await rowsOf('approval')];
    const client = await connectClient();
    const tools = await client.tools();
    expect(tools.map(tool => tool.name)).toEqual([
      ...toolsWithin(catalog, 'read').map(tool => tool.name),
      'waitOperation',
    ]);
    expect(tools.every(tool => (tool.annotations as { readOnlyHint?: boolean }).readOnlyHint === true)).toBe(true);
    expect((await client.call('getNodeHealth', { node: 'bos-w-1' })).structuredContent).toMatchObject({
      node: 'bos-w-1',
    });

    const refused = await client.call('flashFirmware', flash()).then(
      result => result.isError === true,
      () => true,
    );
    expect(refused).toBe(true);
    const voice = derivedToken();
    for (const tool of ['flashFirmware', 'planFirmwareRollout', 'startPlan', 'cancelOperation'])
      expect(await post(`/v1/tools/${tool}`, voice, flash()), tool).toMatchObject({ status: 403, code: 'forbidden' });
    expect([await rowsOf('plan'), await rowsOf('approval')]).toEqual([plans, approvals]);
    expect(effects()).toBe(before);
  });

  it('holds a token of yesterday to what is configured today', async () => {
    expect(await post('/v1/tools/flashFirmware', earlier, flash())).toMatchObject({ status: 403, code: 'forbidden' });
    expect((await connect({ url: stack.service().ready.url, token: earlier }).me()).scope).toBe('read');
  });
});
