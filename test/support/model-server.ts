/**
 * An endpoint that speaks Chat Completions over HTTP, and says what a test
 * tells it to: in pieces as real ones do, and with the faults that real ones
 * have.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Wish = { tool: string; input: unknown };

/** `input` of a wish may be a text that is no JSON. */
export type Reply = {
  text?: string;
  calls?: Wish[];
  /** What goes wrong: with the stream alone unless said otherwise. */
  fault?:
    | { kind: 'status'; status: number; headers?: Record<string, string>; body?: string }
    | { kind: 'cut' }
    | { kind: 'no-end' }
    /** Says that it was cut at its greatest length. */
    | { kind: 'too-long' }
    | { kind: 'silent' }
    | { kind: 'html' }
    | { kind: 'same-index' }
    | { kind: 'no-ids' }
    | { kind: 'same-ids' }
    | { kind: 'reset' };
  usage?: { prompt_tokens: number; completion_tokens: number };
};

export type Asked = {
  stream: boolean;
  model: string;
  messages: { role: string; content: string; tool_call_id?: string; tool_calls?: { id: string }[] }[];
  tools: { function: { name: string; description: string; parameters: Record<string, unknown> } }[];
  authorization?: string;
};

export type ModelServer = {
  baseUrl: string;
  /** Every request, oldest first. */
  asked: Asked[];
  /** What it says from now on. */
  says(script: (asked: Asked, turn: number) => Reply | Promise<Reply>): void;
  close(): Promise<void>;
};

export async function startModelServer(host = '127.0.0.1'): Promise<ModelServer> {
  const asked: Asked[] = [];
  let script: Parameters<ModelServer['says']>[0] = () => ({ text: 'Nothing to say.' });
  let turn = 0;
  const server = createServer(async (request, response) => {
    if (request.method === 'GET' && request.url === '/v1/models') {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":[{"id":"scripted"}]}');
      return;
    }
    if (request.method !== 'POST' || request.url !== '/v1/chat/completions') {
      response.writeHead(404).end('{"error":{"message":"not here"}}');
      return;
    }
    const seen = await readRequest(request);
    asked.push(seen);
    answer(response, seen, await script(seen, turn++));
  });
  await new Promise<void>(resolve => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://${host}:${port}/v1`,
    asked,
    says(next) {
      script = next;
      turn = 0;
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** How often the model replied to the newest question so far. */
export function repliesSoFar({ messages }: Asked): number {
  return messages
    .slice(messages.findLastIndex(({ role }) => role === 'user'))
    .filter(({ role }) => role === 'assistant').length;
}

/** The result of the call before, as the model was shown it. */
export function lastResult({ messages }: Asked): Record<string, unknown> {
  return JSON.parse(messages.findLast(({ role }) => role === 'tool')?.content ?? '{}');
}

async function readRequest(request: IncomingMessage): Promise<Asked> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  const body = JSON.parse(Buffer.concat(pieces).toString());
  const { authorization } = request.headers;
  return { ...body, stream: body.stream === true, tools: body.tools ?? [], ...(authorization && { authorization }) };
}

function answer(response: ServerResponse, asked: Asked, reply: Reply): void {
  const { fault } = reply;
  switch (fault?.kind) {
    case 'status':
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
      response.end(fault.body ?? '{"error":{"message":"not now"}}');
      return;
    case 'html':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>Log in</body></html>');
      return;
    case 'reset':
      response.socket?.destroy();
      return;
    case 'silent':
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chunk(asked, { content: 'Well' }));
      return;
  }
  if (asked.stream) streamed(response, asked, reply);
  else whole(response, asked, reply);
}

function streamed(response: ServerResponse, asked: Asked, { text = '', calls = [], fault, usage }: Reply): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(chunk(asked, { role: 'assistant', content: '' }));
  for (const piece of text.match(/.{1,7}/gs) ?? []) response.write(chunk(asked, { content: piece }));
  for (const [at, call] of calls.entries()) {
    const index = fault?.kind === 'same-index' ? 0 : at;
    const id = fault?.kind === 'no-ids' ? {} : { id: fault?.kind === 'same-ids' ? 'call' : `call-${at}` };
    const input = textOf(call.input);
    const half = Math.ceil(input.length / 2);
    response.write(
      chunk(asked, { tool_calls: [{ index, ...id, type: 'function', function: { name: call.tool, arguments: '' } }] }),
    );
    for (const piece of [input.slice(0, half), input.slice(half)])
      response.write(chunk(asked, { tool_calls: [{ index, function: { arguments: piece } }] }));
  }
  if (fault?.kind === 'cut') {
    response.write('data: {"id":"x","choices":[{"index":0,"del');
    response.end();
    return;
  }
  const end = fault?.kind === 'too-long' ? 'length' : calls.length > 0 ? 'tool_calls' : 'stop';
  if (fault?.kind !== 'no-end') response.write(chunk(asked, {}, end));
  if (usage) response.write(`data: ${JSON.stringify({ ...head(asked), choices: [], usage })}\n\n`);
  response.end('data: [DONE]\n\n');
}

function whole(response: ServerResponse, asked: Asked, { text = '', calls = [], usage }: Reply): void {
  const tool_calls = calls.map(({ tool, input }, at) => ({
    id: `call-${at}`,
    type: 'function',
    function: { name: tool, arguments: textOf(input) },
  }));
  const message = { role: 'assistant', content: text, ...(calls.length > 0 && { tool_calls }) };
  const choices = [{ index: 0, message, finish_reason: calls.length > 0 ? 'tool_calls' : 'stop' }];
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ ...head(asked), object: 'chat.completion', choices, ...(usage && { usage }) }));
}

function chunk(asked: Asked, delta: object, finish_reason: string | null = null): string {
  return `data: ${JSON.stringify({ ...head(asked), choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
}

function head({ model }: Asked) {
  return { id: 'reply', object: 'chat.completion.chunk', created: 1, model };
}

function textOf(input: unknown): string {
  return typeof input === 'string' ? input : JSON.stringify(input);
}
