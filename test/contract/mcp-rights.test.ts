/** A call over MCP is decided under the rights that its person has at that call: they are read for it, and once. */
import { serve } from '@hono/node-server';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { accessTokens } from '../../src/adapters/oidc/access-tokens.ts';
import { mcpEndpoint } from '../../src/surfaces/mcp/http.ts';
import { catalog } from '../../tools/index.ts';
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer.ts';

const told = { groups: ['operators'], reads: 0 };
let known: string[] = [];
const people = {
  find: (name: string) => ({ name, groups: known }),
  async read() {
    told.reads += 1;
    known = told.groups;
  },
};
const decidedFor: string[][] = [];

let issuer: TokenIssuer;
let client: Client;
let close: () => Promise<void>;

beforeAll(async () => {
  issuer = await startTokenIssuer('127.0.0.1');
  const texts = { instructions: '', triage: '', review: '', handover: '' };
  const refused = async (): Promise<never> => {
    throw new Error('nobody asks for this');
  };
  let origin = '';
  const endpoint = mcpEndpoint(
    {
      ...{ tokens: accessTokens(issuer.url), linked: new Map([['sub', 'ana']]), people },
      ...{ scope: 'read', catalog, texts, version: '1' },
    },
    {
      gateway: {
        async invoke({ caller }) {
          decidedFor.push(caller.person.groups);
          return { output: { operations: [] }, blocks: [] };
        },
      },
      log: console,
      custodyDesk: {
        async entries(_, caller) {
          decidedFor.push(caller.person.groups);
          return [];
        },
      },
      news: refused,
    },
    () => origin,
  );
  const found = async (request: Request) => (await endpoint.fetch(request)) ?? new Response(null, { status: 404 });
  await new Promise<void>(resolve => {
    const server = serve({ fetch: found, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
      origin = `http://127.0.0.1:${port}`;
      resolve();
    });
    close = () => new Promise(done => server.close(() => done()));
  });
  client = new Client({ name: 'editor', version: '1.0.0' });
  const headers = {
    authorization: `Bearer ${await issuer.token({ sub: 'sub', aud: `${origin}/mcp`, scope: 'read' })}`,
  };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${origin}/mcp`), { requestInit: { headers } }));
});
afterAll(async () => {
  await client?.close();
  await close?.();
  await issuer?.close();
});

function noSuchEntry(thrown: Error) {
  expect(thrown.message).toMatch(/no such entry/);
}

it.each([
  ['a tool', () => client.callTool({ name: 'listOperations', arguments: {} })],
  ['a resource', () => client.readResource({ uri: 'node://bos-w-1' })],
  ['an entry of the custody log', () => client.readResource({ uri: 'custody://7' }).catch(noSuchEntry)],
])('%s is decided under the groups of that moment', async (_, call) => {
  for (const groups of [['operators'], [], ['operators', 'boston:operators']]) {
    Object.assign(told, { groups, reads: 0 });
    await call();
    expect(decidedFor.at(-1)).toEqual(groups);
    expect(told.reads).toBe(1);
  }
});
