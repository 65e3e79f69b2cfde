/** What a client of MCP is told where something of ours, or the issuer, fails: neither its token nor its call is at fault. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { accessTokens } from '../../src/adapters/oidc/access-tokens.ts';
import type { Person } from '../../src/core/fleet.ts';
import { resourceServer } from '../../src/surfaces/mcp/resource-server.ts';
import { mcpServer } from '../../src/surfaces/mcp/server.ts';
import { type Listening, listening } from '../support/listening.ts';
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer.ts';

const logged: { level: string; message: string; error: string }[] = [];
const noted = (level: string) => (fields: object, message: string) =>
  void logged.push({ level, message, error: String((fields as { error?: unknown }).error) });
const log = { warn: noted('warn'), error: noted('error') };
const person = { name: 'somebody', groups: [] } as unknown as Person;
const texts = { instructions: '', triage: '', review: '', handover: '' };
const secret = 'relation "operation" does not exist at 10.0.0.7';

let issuer: TokenIssuer;
let served: Listening;

beforeAll(async () => {
  issuer = await startTokenIssuer('127.0.0.1');
  const failing = async (): Promise<never> => {
    throw new TypeError(secret);
  };
  const backend = { callTool: failing, operationEvents: failing, custodyEntry: failing };
  const endpoint = resourceServer(
    { tokens: accessTokens(issuer.url), linked: new Map([['sub', person.name]]), people: { find: () => person } },
    { log, origin: () => served.origin, serve: () => mcpServer({ backend, tools: [], texts, version: '1', log }) },
  );
  served = await listening(endpoint.fetch);
});
afterAll(async () => {
  await served?.close();
  await issuer?.close();
});

const token = () => issuer.token({ sub: 'sub', aud: `${served.origin}/mcp`, scope: 'read' });
const ask = async (address: string, bearer: string) => {
  const response = await fetch(`${served.origin}${address}`, {
    method: address === '/mcp' ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    ...(address === '/mcp' && { body: '{}' }),
  });
  return [response.status, Number(response.headers.get('retry-after')) > 0, response.headers.has('www-authenticate')];
};

it('an issuer that is down is no fault of the token, and is told in the log once', async () => {
  const good = await token();
  await issuer.stop();
  for (const address of ['/mcp', '/mcp', '/.well-known/oauth-protected-resource/mcp'])
    expect(await ask(address, good), address).toEqual([503, true, false]);
  expect(logged.map(({ level }) => level)).toEqual(['warn']);
  await issuer.start();
  expect((await ask('/mcp', good))[0]).not.toBe(503);
  expect((await ask('/mcp', 'please'))[0]).toBe(401);
});

it('what failed inside is told in the log, and to its caller without its words', async () => {
  logged.splice(0);
  const client = new Client({ name: 'editor', version: '1.0.0' });
  const headers = { authorization: `Bearer ${await token()}` };
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${served.origin}/mcp`), { requestInit: { headers } }),
  );
  const answer = await client.callTool({ name: 'waitOperation', arguments: { operation: 'op-0123456789' } });
  expect(answer.isError).toBe(true);
  const read = await client.readResource({ uri: 'node://bos-w-1' }).catch((thrown: unknown) => String(thrown));
  for (const told of [JSON.stringify(answer), String(read)]) {
    expect(told).toContain('it failed');
    expect(told).not.toContain('relation');
  }
  expect(logged.filter(({ error }) => error.includes(secret)).length).toBeGreaterThanOrEqual(2);
  await client.close();
});
