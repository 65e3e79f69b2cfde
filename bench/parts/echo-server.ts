/** The least that the SDK can serve, as a process of its own: one tool that answers what it is told, open to all and behind our door. */
import { serve as listen } from '@hono/node-server';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { accessTokens } from '../../src/adapters/oidc/access-tokens.ts';
import { resourceServer } from '../../src/surfaces/mcp/resource-server.ts';
import { serve } from './messages.ts';

function echo(): McpServer {
  const server = new McpServer({ name: 'echo', version: '1.0.0' });
  const config = { description: 'Says what it hears', inputSchema: z.object({ text: z.string() }) };
  server.registerTool('echo', config, ({ text }) => ({ content: [{ type: 'text', text }] }));
  return server;
}

const answers = {
  /** Origins of both, the second of which takes tokens of `issuer` for `subject`. */
  async start({ issuer, subject }: { issuer: string; subject: string }): Promise<{ bare: string; behindDoor: string }> {
    const { fetch } = createMcpHandler(echo);
    const bare = await origin(request => fetch(request));
    const person = { name: subject, groups: [] };
    const parts = {
      tokens: accessTokens(issuer),
      linked: new Map([[subject, subject]]),
      people: { find: () => person },
    };
    let behindDoor = '';
    const door = resourceServer(parts, { log: console, origin: () => behindDoor, serve: echo });
    behindDoor = await origin(async request => (await door.fetch(request)) ?? new Response(null, { status: 404 }));
    return { bare, behindDoor };
  },
};

export type EchoServer = typeof answers;

function origin(fetch: (request: Request) => Promise<Response>): Promise<string> {
  return new Promise(resolve =>
    listen({ fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => resolve(`http://127.0.0.1:${port}`)),
  );
}

serve(answers);
