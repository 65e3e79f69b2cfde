/**
 * The tools over MCP on stdio: a thin client of the service, with a token
 * derived for this channel and nothing else. It cannot vote, whoever runs it.
 * stdout carries the protocol alone.
 */
import type { Writable } from 'node:stream';
import { type CallToolResult, McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { FleetError } from '../../core/errors.ts';
import type { Tool } from '../../core/tool.ts';
import { type Client, connect } from '../cli/client.ts';
import { plainText } from '../cli/plain-text.ts';
import { renderBlocks, renderError } from '../cli/render.ts';
import { mcpTool, toolsWithin } from './tool-definition.ts';

export type McpParts = {
  /** Logged in as the user; used only to derive this channel's own token. */
  client: Client;
  catalog: Tool[];
  /** What a model is told about this server before its first call; kept in `prompts/`. */
  instructions: string;
  version: string;
  /** Where messages for people go; stderr unless given, as stdout is the protocol's. */
  errors?: Writable;
  /** Aborted to end the serving, as on SIGTERM. */
  stop?: AbortSignal;
};

/** Wide enough that no table is broken for a reader without a terminal. */
const style = { columns: 400, color: false };

/**
 * Serves until stdin ends or `stop` is aborted, then gives the token back. Throws `unauthenticated` or service_unreachable when no
 * token can be derived.
 */
export async function serveMcp(parts: McpParts): Promise<void> {
  const { client, catalog, errors = process.stderr, stop } = parts;
  const { token, person, scope } = await client.deriveToken({ channel: 'mcp' });
  const service = connect({ url: client.url, token, agent: 'groundskeeper-mcp' });
  const tools = toolsWithin(catalog, scope);
  const log = (text: string) => errors.write(`groundskeeper mcp: ${plainText(text)}\n`);
  const ended = new Promise<void>(resolve => {
    process.stdin.once('end', resolve).once('close', resolve);
    stop?.addEventListener('abort', () => resolve(), { once: true });
    // Told to stop while the token was on its way: the event has passed.
    if (stop?.aborted) resolve();
  });
  const handle = serveStdio(() => mcpServer(service, tools, parts), { onerror: error => log(error.message) });
  log(`serving ${tools.length} tools of ${client.url} for ${person}, scope ${scope}`);
  await ended;
  await handle.close();
  await service
    .logout()
    .catch((thrown: unknown) => log(`the token was not given back: ${FleetError.from(thrown).message}`));
}

function mcpServer(service: Client, tools: Tool[], { instructions, version }: McpParts): McpServer {
  const server = new McpServer({ name: 'groundskeeper', title: 'Groundskeeper', version }, { instructions });
  for (const tool of tools) {
    const { name, ...config } = mcpTool(tool);
    server.registerTool(name, config, (input, { mcpReq }) => callTool(service, { tool, input, signal: mcpReq.signal }));
  }
  return server;
}

/** The answer, or a failure as a result that the model can read; nothing is thrown into the protocol. */
async function callTool(
  service: Client,
  { tool, input, signal }: { tool: Tool; input: Record<string, unknown>; signal: AbortSignal },
): Promise<CallToolResult> {
  try {
    const { output, blocks } = await service.callTool(tool.name, input, signal);
    return { content: [{ type: 'text', text: renderBlocks(blocks, style) }], structuredContent: output };
  } catch (thrown) {
    const error = FleetError.from(thrown);
    return { content: [{ type: 'text', text: `${error.code}\n${renderError(error, style)}` }], isError: true };
  }
}
