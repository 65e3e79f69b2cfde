/**
 * What an MCP client sees, whatever the transport: the tools within its scope,
 * resources to read, and prompts to begin with. Nothing is thrown into the
 * protocol, and nothing here can vote.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type CallToolResult, McpServer, ResourceTemplate } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { Block } from '../../core/document.ts';
import { FleetError } from '../../core/errors.ts';
import { hasEnded, type Operation, type OperationEvent } from '../../core/operation.ts';
import { failureBlocks, fencedText } from './fences.ts';
import { convertedOnce, type McpToolDefinition } from './tool-definition.ts';

/** The service, as the person who is logged in. */
export type McpBackend = {
  callTool(
    name: string,
    input: Record<string, unknown>,
    signal?: AbortSignal,
  ): Promise<{ output: Record<string, unknown>; blocks: Block[] }>;
  operationEvents(
    id: string,
    wait: { after: number; waitMs: number; signal?: AbortSignal },
  ): Promise<{ operation: Operation; events: OperationEvent[]; more: boolean }>;
  /** Bytes of one entry, which are JSON; undefined where there is none of that number. */
  custodyEntry(seq: number): Promise<string | undefined>;
};

/** Texts of `prompts/`; `{{name}}` in one is what the person chose. */
export type McpTexts = { instructions: string; triage: string; review: string; handover: string };

export type McpServerParts = {
  backend: McpBackend;
  tools: McpToolDefinition[];
  texts: McpTexts;
  version: string;
  log?: FailureLog;
};

/** Where what failed inside is told, to nobody but those who run the service; over stdio the service has done so. */
type FailureLog = { error(fields: object, message: string): void };

const longestWaitMs = 25_000;
/** Enough for one answer, though its caller is told of each as it comes. */
const manyEvents = 200;
/** Each is what it is for as long as the service runs, so that no client waits for news of it. */
const settled = { listChanged: false };
export const capabilities = { tools: settled, resources: settled, prompts: settled };

/** Over HTTP there is one for each request: what it is made of is made before. */
export function mcpServer({ backend, tools, texts, version, log }: McpServerParts): McpServer {
  const about = { name: 'groundskeeper', title: 'Groundskeeper', version };
  const server = new McpServer(about, { instructions: texts.instructions, capabilities });
  for (const { name, ...config } of tools) {
    server.registerTool(name, config, (input, { mcpReq }) =>
      answered(log, async () => {
        const { output, blocks } = await backend.callTool(name, input, mcpReq.signal);
        return { content: [{ type: 'text', text: fencedText(blocks) }], structuredContent: output };
      }),
    );
  }
  addWaiting(server, { backend, log });
  addResources(server, { backend, log });
  addPrompts(server, texts);
  return server;
}

/** The answer, or a failure as a result that the model can read. */
async function answered(log: FailureLog | undefined, work: () => Promise<CallToolResult>): Promise<CallToolResult> {
  try {
    return await work();
  } catch (thrown) {
    const error = shownFailure(log, thrown);
    return { content: [{ type: 'text', text: `${error.code}\n${fencedText(failureBlocks(error))}` }], isError: true };
  }
}

/** What failed inside may say anything: it is for the log alone. */
function shownFailure(log: FailureLog | undefined, thrown: unknown): FleetError {
  const error = FleetError.from(thrown);
  if (error.code !== 'internal') return error;
  log?.error({ error: thrown }, 'a call over MCP failed');
  return new FleetError({ code: 'internal', message: 'it failed', hint: 'the log of the service says why' });
}

type Behind = { backend: McpBackend; log: FailureLog | undefined };

const waiting = {
  title: 'Wait for an operation',
  description:
    'Waits until an operation has news or has ended, up to 25 seconds, and tells what happened since the event `after`, the oldest first and no more than a few hundred at once. Call it again with the number that it answers, until it has ended and there is no more.',
  inputSchema: convertedOnce(
    z.strictObject({
      operation: z.string().describe('Operation id'),
      after: z.number().int().min(0).default(0).describe('Number of the last event that is known; 0 for all'),
      seconds: z.number().min(0).max(25).default(20).describe('How long to wait for news at most'),
    }),
  ),
  outputSchema: convertedOnce(
    z.object({
      state: z.string(),
      reason: z.string(),
      ended: z.boolean(),
      after: z.number().describe('For the next call'),
      more: z.boolean().describe('More happened than is told here: the next call has it at once'),
      events: z.array(z.string()),
    }),
  ),
  annotations: {
    title: 'Wait for an operation',
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
};

/** Long work answers at once with an operation; this waits for what comes of it, as long as clients bear. */
function addWaiting(server: McpServer, { backend, log }: Behind): void {
  server.registerTool('waitOperation', waiting, ({ operation: id, after, seconds }, { mcpReq }) =>
    answered(log, async () => {
      const until = Date.now() + Math.min(seconds * 1000, longestWaitMs);
      const token = mcpReq._meta?.progressToken;
      const told: OperationEvent[] = [];
      for (;;) {
        const seen = told.at(-1)?.seq ?? after;
        const left = Math.max(0, until - Date.now());
        // In short waits: what happened is told while it is waited for the rest.
        const news = await backend.operationEvents(id, {
          after: seen,
          waitMs: Math.min(left, 2_000),
          signal: mcpReq.signal,
        });
        told.push(...news.events);
        const { operation } = news;
        if (token !== undefined && news.events.length > 0)
          await mcpReq.notify({
            method: 'notifications/progress',
            params: {
              progressToken: token,
              ...progressOf(operation),
              message: lineOf(news.events.at(-1) as OperationEvent),
            },
          });
        const ended = hasEnded(operation.state);
        const enough = token === undefined ? told.length > 0 : told.length >= manyEvents;
        if (ended || news.more || enough || Date.now() >= until) {
          const output = {
            state: operation.state,
            reason: operation.reason,
            ended,
            after: told.at(-1)?.seq ?? after,
            more: news.more,
            events: told.map(lineOf),
          };
          const lines: Block[] = [
            ...output.events.map(text => ({ text, foreign: true as const })),
            { text: `${id} is ${output.state}` },
            { text: output.reason, foreign: true },
            ...(news.more ? [{ text: `There is more: call again with after ${output.after}.` }] : []),
          ];
          return {
            content: [
              {
                type: 'text',
                text: fencedText(lines),
              },
            ],
            structuredContent: output,
          };
        }
        await delay(50, undefined, { signal: mcpReq.signal });
      }
    }),
  );
}

function progressOf({ nodes }: Operation): { progress: number; total: number } {
  const ended = nodes.filter(({ state }) => state !== 'waiting' && state !== 'running').length;
  return { progress: ended, total: nodes.length };
}

function lineOf({ time, node, step, status, message }: OperationEvent): string {
  return [time, ...(node ? [node] : []), step, status, ...(message ? [message] : [])].join('  ');
}

const addresses = {
  node: new ResourceTemplate('node://{name}', { list: undefined }),
  plan: new ResourceTemplate('plan://{id}', { list: undefined }),
  custody: new ResourceTemplate('custody://{seq}', { list: undefined }),
};

function addResources(server: McpServer, { backend, log }: Behind): void {
  const shown = <T>(read: () => Promise<T>) =>
    read().catch((thrown: unknown) => {
      throw shownFailure(log, thrown);
    });
  const readTool = async (uri: URL, tool: string, input: Record<string, unknown>) => {
    const { blocks } = await shown(() => backend.callTool(tool, input));
    return { contents: [{ uri: uri.href, mimeType: 'text/plain', text: fencedText(blocks) }] };
  };
  server.registerResource(
    'node',
    addresses.node,
    {
      title: 'Health of a node',
      description: 'Server and node together, as getNodeHealth tells it',
      mimeType: 'text/plain',
    },
    (uri, { name }) => readTool(uri, 'getNodeHealth', { node: String(name) }),
  );
  server.registerResource(
    'plan',
    addresses.plan,
    { title: 'A plan', description: 'The whole plan, as approvers read it', mimeType: 'text/plain' },
    (uri, { id }) => readTool(uri, 'getPlan', { plan: String(id) }),
  );
  server.registerResource(
    'custody',
    addresses.custody,
    {
      title: 'An entry of the custody log',
      description: 'Its bytes as they are signed for',
      mimeType: 'application/json',
    },
    async (uri, { seq }) => {
      const text = /^\d{1,15}$/.test(String(seq)) ? await shown(() => backend.custodyEntry(Number(seq))) : undefined;
      if (text === undefined) throw new FleetError({ code: 'not_found', message: 'the custody log has no such entry' });
      return { contents: [{ uri: uri.href, mimeType: 'application/json', text }] };
    },
  );
}

const aboutNode = z.object({ node: z.string() });
const aboutPlan = z.object({ plan: z.string() });

function addPrompts(server: McpServer, { triage, review, handover }: McpTexts): void {
  const said = (text: string) => ({ messages: [{ role: 'user' as const, content: { type: 'text' as const, text } }] });
  server.registerPrompt(
    'triage-node',
    {
      title: 'Triage a node',
      description: 'What is wrong with a node, and what to do',
      argsSchema: aboutNode,
    },
    ({ node }) => said(triage.replaceAll('{{node}}', node)),
  );
  server.registerPrompt(
    'review-rollout',
    {
      title: 'Review a rollout',
      description: 'What a plan would do, before people vote on it',
      argsSchema: aboutPlan,
    },
    ({ plan }) => said(review.replaceAll('{{plan}}', plan)),
  );
  server.registerPrompt(
    'shift-handover',
    { title: 'Hand over a shift', description: 'What the next shift has to know' },
    () => said(handover),
  );
}
