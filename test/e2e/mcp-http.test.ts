/** MCP over HTTP as clients of both SDKs use it, and as those use it who should not. */
import { request } from 'node:http';
import { Client as NewClient, StreamableHTTPClientTransport as NewTransport } from '@modelcontextprotocol/client';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { UnsecuredJWT } from 'jose';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import { connect } from '../../src/surfaces/cli/client.ts';
import { custodyEntries } from '../support/audit.ts';
import { openBearerProxy } from '../support/bearer-proxy.ts';
import { type Revision, runConformance, type Unmet } from '../support/conformance.ts';
import { reconfigure } from '../support/rollout.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer.ts';

const origin = 'http://127.97.250.1:7420';
const resource = `${origin}/mcp`;
const subject = '00u-day';
const metadataAddress = `${origin}/.well-known/oauth-protected-resource/mcp`;

let stack: Stack;
let issuer: TokenIssuer;

beforeAll(async () => {
  issuer = await startTokenIssuer('127.97.250.2');
  stack = await startStack({ addressBase: '127.97', controlPlanes: 1, workers: 4, mcpScope: 'execute' });
  await reconfigure(stack, document =>
    Object.assign(document, {
      service: { ...(document as { service?: object }).service, listen: '127.97.250.1:7420', publicUrl: origin },
      oidc: { issuer: issuer.url, clientId: 'groundskeeper' },
      mcp: { scope: 'execute', http: true },
      people: document.people.map((person, index) => (index === 0 ? { ...person, oidc: { subject } } : person)),
    }),
  );
});
afterAll(async () => {
  await stack?.close();
  await issuer?.close();
});

const good = (scope = 'read plan execute') => issuer.token({ sub: subject, aud: resource, scope });

type Listed = { tools: { name: string }[] };
type Called = { isError?: boolean; structuredContent?: Record<string, unknown>; content: { text?: string }[] };
type AnyClient = {
  listTools(): Promise<Listed>;
  callTool(call: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
  close(): Promise<void>;
};

const about = { name: 'editor', version: '1.0.0' };
const withToken = (token: string) => ({ requestInit: { headers: { authorization: `Bearer ${token}` } } });

async function connectOld(token: string): Promise<OldClient> {
  const client = new OldClient(about);
  await client.connect(new OldTransport(new URL(resource), withToken(token)));
  return client;
}

async function connectNew(token: string, modern: boolean): Promise<NewClient> {
  const client = new NewClient(about, modern ? { versionNegotiation: { mode: 'auto' } } : {});
  await client.connect(new NewTransport(new URL(resource), withToken(token)));
  return client;
}

describe.each<[string, (token: string) => Promise<AnyClient>]>([
  ['of the first SDK', async token => (await connectOld(token)) as unknown as AnyClient],
  ['of the second SDK', async token => (await connectNew(token, false)) as unknown as AnyClient],
  ['of the newest protocol', async token => (await connectNew(token, true)) as unknown as AnyClient],
])('a client %s', (_name, connect) => {
  it('lists and calls the tools of its scope, with structured answers', async () => {
    const client = await connect(await good());
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('waitOperation');
    const answer = (await client.callTool({ name: 'getNodeHealth', arguments: { node: 'bos-w-1' } })) as Called;
    expect(answer.structuredContent).toMatchObject({ node: 'bos-w-1' });
    const wrong = (await client.callTool({ name: 'getNodeHealth', arguments: { node: 'bos-w-9' } })) as Called;
    expect([wrong.isError, wrong.content[0]?.text]).toEqual([true, expect.stringContaining('bos-w-9')]);
    await client.close();
  });

  it('with a token to read alone sees no change, and is refused one', async () => {
    const client = await connect(await good('read'));
    expect((await client.listTools()).tools.map(({ name }) => name)).not.toContain('drainNode');
    const call = client.callTool({ name: 'drainNode', arguments: { node: 'bos-w-1' } });
    const isRefused = call.then(
      answer => (answer as Called).isError === true,
      () => true,
    );
    expect(await isRefused).toBe(true);
    expect(await (await stack.client('approver')).approvals()).toEqual([]);
    await client.close();
  });
});

it('a change is asked for in the name of the person, and people decide', async () => {
  const client = await connectNew(await good(), true);
  const answer = (await client.callTool({
    name: 'drainNode',
    arguments: { node: 'bos-w-1', deleteEmptyDir: true },
  })) as Called;
  expect(answer.structuredContent).toMatchObject({ status: 'approval_required' });
  const request = (await custodyEntries(await stack.client('approver'))).findLast(({ type }) => type === 'request');
  expect(request).toMatchObject({ actor: { sub: 'day-shift' }, via: { channel: 'mcp', client: 'editor' } });
  await client.close();
});

describe.each([
  ['the newest protocol', true, 'bos-w-2'],
  ['the older one', false, 'bos-w-3'],
])('an operation over %s', (_name, modern, node) => {
  it('is waited for with its progress, until it has ended', async () => {
    const client = await connectNew(await good(), modern);
    const asked = await client.callTool({ name: 'cordonNode', arguments: { node } });
    const { approval = '' } = (asked as Called).structuredContent as unknown as ChangeAnswer;
    const voter = await stack.client('approver');
    const vote = { vote: 'approve', reason: 'go', passphrase: stack.passphrase('approver') } as const;
    const { operation = '' } = await voter.vote(approval, vote);
    const told: { progress: number; total?: number | undefined; message?: string | undefined }[] = [];
    const wait = { name: 'waitOperation', arguments: { operation } };
    const answer = (await client.callTool(wait, { onprogress: progress => told.push(progress) })) as Called;
    expect(answer.structuredContent).toMatchObject({ state: 'done', ended: true });
    const events = answer.structuredContent?.events as string[];
    expect(events.at(-1)).toContain('done');
    expect(told.at(-1)).toMatchObject({ progress: 1, total: 1, message: events.at(-1) });
    const { after } = answer.structuredContent as { after: number };
    const rest = await client.callTool({ name: 'waitOperation', arguments: { operation, after, seconds: 25 } });
    expect((rest as Called).structuredContent).toMatchObject({ ended: true, events: [] });
    const none = await client.callTool({ name: 'waitOperation', arguments: { operation: 'op-0123456789' } });
    expect((none as Called).isError).toBe(true);
    await client.close();
  });
});

it('thousands of events of an operation come in batches, each of them once', async () => {
  const client = await connectNew(await good(), true);
  const { operations } = (
    (await client.callTool({ name: 'listOperations', arguments: {} })) as {
      structuredContent: { operations: { id: string }[] };
    }
  ).structuredContent;
  const operation = operations[0]?.id ?? '';
  const database = new pg.Client({ connectionString: stack.databaseUrl });
  await database.connect();
  await database.query(
    `insert into operation_event (operation, key, node, step, status, message)
     select $1, 'many-' || n, 'bos-w-2', 'drain', 'progress', 'pod ' || n || ' waits for its budget' from generate_series(1, 5000) n`,
    [operation],
  );
  await database.end();
  const told: string[] = [];
  for (let after = 0; ; ) {
    const answer = (await client.callTool({ name: 'waitOperation', arguments: { operation, after } })) as Called;
    expect(JSON.stringify(answer).length).toBeLessThan(80_000);
    const news = answer.structuredContent as { after: number; more: boolean; ended: boolean; events: string[] };
    expect(news.ended).toBe(true);
    told.push(...news.events);
    if (!news.more) break;
    expect(news.after).toBeGreaterThan(after);
    after = news.after;
  }
  const pods = told.flatMap(line => /pod (\d+) waits/.exec(line)?.[1] ?? []);
  expect(pods).toEqual(Array.from({ length: 5000 }, (_, n) => String(n + 1)));
  expect(told.length).toBeGreaterThan(5000);
  await client.close();
});

it('resources and prompts are there to begin with', async () => {
  const client = await connectNew(await good(), true);
  const { contents } = await client.readResource({ uri: 'node://bos-w-2' });
  expect(contents).toMatchObject([{ text: expect.stringContaining('bos-w-2') }]);
  const entry = await client.readResource({ uri: 'custody://0' });
  expect(JSON.parse((entry.contents[0] as { text: string }).text)).toMatchObject({ v: 1 });
  await expect(client.readResource({ uri: 'custody://999999' })).rejects.toThrow(/no such entry/);
  expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual([
    'triage-node',
    'review-rollout',
    'shift-handover',
  ]);
  const { messages } = await client.getPrompt({ name: 'triage-node', arguments: { node: 'bos-w-2' } });
  expect(JSON.stringify(messages)).toContain('bos-w-2');
  await client.close();
});

describe('a request', () => {
  const ask = (headers: Record<string, string>, address = resource) =>
    fetch(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }),
    });
  const withBearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const bearer = async (token: Promise<string>) => ask(withBearer(await token));
  const claims = { sub: subject, aud: resource, scope: 'read' };
  const inAnHour = Math.floor(Date.now() / 1000) + 3600;

  it.each<[string, () => Promise<Response>]>([
    ['with everything in order', () => bearer(good())],
    ['from a page of our own', async () => ask({ ...withBearer(await good()), origin })],
  ])('%s is answered', async (_what, send) => {
    expect((await send()).status).toBe(200);
  });

  it.each<[string, () => Promise<Response>]>([
    ['without a token', () => ask({})],
    ['with its token in the address', async () => ask({}, `${resource}?access_token=${await good()}`)],
    ['with words instead of a token', () => ask(withBearer('please'))],
    ['with a token for another audience', () => bearer(issuer.token({ ...claims, aud: `${origin}/other` }))],
    ['with a token for nobody', () => bearer(issuer.token({ sub: subject, scope: 'read' }))],
    ['with a token of another issuer', () => bearer(issuer.token({ ...claims, iss: 'https://elsewhere.example' }))],
    ['with a token that another key signed', () => bearer(issuer.token(claims, { foreign: true }))],
    [
      'with a token that nobody signed',
      () => ask(withBearer(new UnsecuredJWT({ ...claims, iss: issuer.url, exp: inAnHour }).encode())),
    ],
    ['with a token that the public key signed as a secret', () => bearer(issuer.token(claims, { secret: true }))],
    ['with a token that ran out', () => bearer(issuer.token(claims, { expires: '-1m' }))],
    ['with a token that is not good yet', () => bearer(issuer.token({ ...claims, nbf: inAnHour - 60 }))],
    ['of somebody whom nobody linked', () => bearer(issuer.token({ ...claims, sub: '00u-stranger' }))],
    [
      'with the token of a log-in of ours',
      () =>
        bearer(
          connect({ url: origin })
            .login({ ...stack.config.people[0], channel: 'cli' })
            .then(({ token }) => token),
        ),
    ],
  ])('%s is refused, and told where tokens come from', async (_what, send) => {
    const response = await send();
    expect(response.status).toBe(401);
    expect(challenge(response)).toMatchObject({ error: 'invalid_token', resource_metadata: metadataAddress });
  });

  it('with a token that may not read is refused, and told what it takes', async () => {
    const response = await bearer(issuer.token({ ...claims, scope: 'openid' }));
    expect(response.status).toBe(403);
    const told = { error: 'insufficient_scope', scope: 'read', resource_metadata: metadataAddress };
    expect(challenge(response)).toMatchObject(told);
  });

  it.each([
    ['from a web page elsewhere', { origin: 'https://evil.example' }],
    ['from a page without a name', { origin: 'null' }],
    ['from a page beside ours', { origin: 'http://127.97.250.1:7421' }],
    ['under a name that is none of ours', { host: 'evil.example' }],
  ])('%s is refused, whatever its token, and so is the question where tokens come from', async (_what, headers) => {
    const token = withBearer(await good());
    expect(await statusOf('POST', resource, { ...token, ...headers })).toBe(403);
    expect(await statusOf('GET', metadataAddress, headers)).toBe(403);
  });

  it('learns where tokens come from', async () => {
    const metadata = await fetch(metadataAddress);
    expect(await metadata.json()).toMatchObject({
      resource,
      authorization_servers: [issuer.url],
      scopes_supported: ['read', 'plan', 'execute'],
    });
  });
});

/** What a `WWW-Authenticate` says, by name. */
function challenge(response: Response): Record<string, string> {
  const said = response.headers.get('www-authenticate') ?? '';
  expect(said).toMatch(/^Bearer /);
  return Object.fromEntries([...said.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]));
}

/** As `fetch`, which sends no `Host` that it is told. */
function statusOf(method: string, address: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(address, { method, headers }, response => resolve(response.resume().statusCode))
      .on('error', reject)
      .end(method === 'POST' ? '{}' : undefined);
  });
}

// Those scenarios that ask for no fixture of their own; contract/mcp-conformance makes all of them behind the same door.
describe.each<[Revision, string[]]>([
  [
    '2025-11-25',
    ['server-initialize', 'ping', 'tools-list', 'resources-list', 'prompts-list', 'dns-rebinding-protection'],
  ],
  [
    '2026-07-28',
    [
      'tools-list',
      'resources-list',
      'prompts-list',
      'sep-2164-resource-not-found',
      'caching',
      'http-header-validation',
      'input-required-result-unsupported-methods',
      'server-sse-multiple-streams',
      'dns-rebinding-protection',
    ],
  ],
])('the conformance suite of the protocol of %s finds nothing in', (revision, scenarios) => {
  let found: Map<string, Unmet>;
  beforeAll(async () => {
    const proxy = await openBearerProxy(origin, await good());
    found = await runConformance(`${proxy.origin}/mcp`, revision);
    await proxy.close();
  });

  it.each(scenarios)('%s', scenario => {
    expect(found.get(scenario)).toEqual({});
  });
});
