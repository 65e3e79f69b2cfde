/**
 * The tools over MCP on stdio: a thin client of the service, with a token
 * derived for this channel and nothing else. It cannot vote, whoever runs it.
 * stdout carries the protocol alone.
 */
import type { Writable } from 'node:stream';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { FleetError } from '../../core/errors.ts';
import type { Tool } from '../../core/tool.ts';
import type { Client } from '../cli/client.ts';
import { plainText } from '../cli/plain-text.ts';
import { type McpBackend, type McpTexts, mcpServer } from './server.ts';
import { type McpSession, mcpSession } from './session.ts';
import { mcpTools } from './tool-definition.ts';

export type McpParts = {
  /** Logged in as the user, as it stands now; used only to derive this channel's own token. */
  client(): Promise<Client>;
  catalog: Tool[];
  texts: McpTexts;
  version: string;
  /** Where messages for people go; stderr unless given, as stdout is the protocol's. */
  errors?: Writable;
  /** Aborted to end the serving, as on SIGTERM. */
  stop?: AbortSignal;
};

/**
 * Serves until stdin ends or `stop` is aborted, then gives the token back. Throws `unauthenticated` or service_unreachable when no
 * token can be derived.
 */
export async function serveMcp({
  client,
  catalog,
  texts,
  version,
  errors = process.stderr,
  stop,
}: McpParts): Promise<void> {
  const session = await mcpSession(client);
  const { url, person, scope } = session;
  const tools = mcpTools(catalog, scope);
  const log = (text: string) => errors.write(`groundskeeper mcp: ${plainText(text)}\n`);
  const ended = new Promise<void>(resolve => {
    process.stdin.once('end', resolve).once('close', resolve);
    stop?.addEventListener('abort', () => resolve(), { once: true });
    // Told to stop while the token was on its way: the event has passed.
    if (stop?.aborted) resolve();
  });
  const parts = { backend: backendOf(session), tools, texts, version };
  const handle = serveStdio(() => mcpServer(parts), { onerror: error => log(error.message) });
  log(`serving ${tools.length} tools of ${url} for ${person}, scope ${scope}`);
  await ended;
  await handle.close();
  await session
    .end()
    .catch((thrown: unknown) => log(`the token was not given back: ${FleetError.from(thrown).message}`));
}

function backendOf({ call }: McpSession): McpBackend {
  return {
    callTool: (name, input, signal) => call(service => service.callTool(name, input, signal)),
    operationEvents: (id, wait) => call(service => service.operationEvents(id, wait)),
    async custodyEntry(seq) {
      const [row] = await call(service => service.custodyEntries({ from: seq, limit: 1 }));
      return row && Buffer.from(row.bytes).toString('utf8');
    },
  };
}
