/** A call over MCP is decided under the rights that its person has at that call: they are read for it, and once. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { accessTokens } from '../../src/adapters/oidc/access-tokens.ts';
import { mcpEndpoint } from '../../src/surfaces/mcp/http.ts';
import { catalog } from '../../tools/index.ts';
import { type Listening, listening } from '../support/listening.ts';
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
let served: Listening;

beforeAll(async () => {
  issuer = await startTokenIssuer('127.0.0.1');
  const texts = { instructions: '', triage: '', review: '', handover: '' };
  const refused = async (): Promise<never> => {
    throw new Error('nobody asks for this');
  };
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
    () => served.origin,
  );
  served = await listening(endpoint.fetch);
  client = new Client({ name: 'editor', version: '1.0.0' });
  const headers = {
    authorization: `Bearer ${await issuer.token({ sub: 'sub', aud: `${served.origin}/mcp`, scope: 'read' })}`,
  };
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${served.origin}/mcp`), { requestInit: { headers } }),
  );
});
afterAll(async () => {
  await client?.close();
  await served?.close();
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
