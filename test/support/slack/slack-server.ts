/**
 * A Slack of ours, which real Bolt talks to as it is: the Web API over HTTP and
 * Socket Mode over a WebSocket, or signed requests, with Slack's limits, its
 * redelivery and the faults that it has. It keeps whatever was posted, so that tests ask what
 * Slack received and not what was meant.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PeopleAtSlack } from './people.ts';
import { RateLimits } from './rate-limits.ts';
import { SignedRequests } from './signed-requests.ts';
import { Sockets } from './socket.ts';
import { type Answer, type Args, webApi } from './web-api.ts';
import { Workspace } from './workspace.ts';

export type Fault =
  /** Slack acted, and its answer is lost. */
  | 'answer lost after it acted'
  /** The answer is lost, and Slack acts once messages were looked for so many times, or at `settle`. */
  | { actsAfterLooks: number }
  /** Slack did nothing. */
  | 'refused with 503'
  | { error: string }
  | { retryAfterS: number };

export type Call = { method: string; args: Args; answer: Answer | Fault };

export type FakeSlack = {
  apiUrl: string;
  botToken: string;
  appToken: string;
  workspace: Workspace;
  people: PeopleAtSlack;
  sockets: Sockets;
  requests: SignedRequests;
  /** Every call with a valid token, oldest first. */
  calls: Call[];
  /** The next `times` calls of the method go so. */
  fail(method: string, fault: Fault, times?: number): void;
  /** The method goes as it should again. */
  heal(method: string): void;
  /** All that was to happen late happens now. */
  settle(): void;
  /** Nothing answers, and every socket is gone, until it is up again. */
  down(): void;
  up(): void;
  close(): Promise<void>;
};

const botToken = 'xoxb-0000-fake-bot-token';
const appToken = 'xapp-1-A0KEEPER-fake-app-token';

export type FakeSlackOptions = {
  /** An event that is not acknowledged for so long comes again. */
  ackMs?: number;
  /** Where the app is sent what people do; over its socket unless said. */
  requestUrl?: string;
};

/** With the channel C0OPS and nobody in it. */
export async function startFakeSlack({ ackMs = 3000, requestUrl }: FakeSlackOptions = {}): Promise<FakeSlack> {
  const workspace = new Workspace();
  workspace.channels.set('C0OPS', new Set());
  const limits = new RateLimits();
  const sockets = new Sockets(ackMs);
  const requests = new SignedRequests(requestUrl ?? '', ackMs);
  const calls: Call[] = [];
  const faults = new Map<string, Fault[]>();
  const late: { looks: number; act(): void }[] = [];
  let isDown = false;

  const server = createServer((request, response) => {
    if (isDown) return void request.socket.destroy();
    handle(request, response).catch(() => response.destroy());
  });
  server.on('upgrade', (request, socket, head) => (isDown ? socket.destroy() : sockets.upgrade(request, socket, head)));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  const people = new PeopleAtSlack(workspace, requestUrl ? requests : sockets, origin);
  const methods = webApi(workspace, { triggers: people, uploadUrl: id => `${origin}/upload/${id}` });

  async function handle(request: IncomingMessage, response: ServerResponse) {
    const body = await bytesOf(request);
    const path = new URL(request.url ?? '/', origin).pathname;
    if (path.startsWith('/upload/')) {
      if (faults.get('upload')?.shift() !== undefined) return void response.writeHead(503).end('upstream is down');
      const upload = workspace.uploads.get(path.slice('/upload/'.length));
      if (upload) upload.bytes = body;
      return void response.writeHead(upload ? 200 : 404).end('OK');
    }
    if (path.startsWith('/respond/')) return void response.writeHead(200).end(people.respond(path, body));
    const method = path.replace(/^\/api\//, '');
    const wanted = method === 'apps.connections.open' ? appToken : botToken;
    if (request.headers.authorization !== `Bearer ${wanted}`)
      return send(response, { ok: false, error: 'invalid_auth' });
    if (method === 'apps.connections.open') {
      const [fault] = faults.get(method)?.splice(0, 1) ?? [];
      if (typeof fault === 'object' && 'error' in fault) return send(response, { ok: false, error: fault.error });
      return send(response, { ok: true, url: `ws://127.0.0.1:${port}/link` });
    }
    answer(method, argsOf(body), response);
  }

  function answer(method: string, args: Args, response: ServerResponse) {
    const [fault] = faults.get(method)?.splice(0, 1) ?? [];
    const told = (outcome: Answer | Fault) => calls.push({ method, args, answer: outcome });
    const retryAfter =
      typeof fault === 'object' && 'retryAfterS' in fault
        ? fault.retryAfterS
        : limits.check(method, String(args.channel ?? ''));
    if (retryAfter !== undefined) {
      told({ retryAfterS: retryAfter });
      response.setHeader('retry-after', retryAfter);
      return send(response, { ok: false, error: 'ratelimited' }, 429);
    }
    if (typeof fault === 'object' && 'error' in fault) {
      told(fault);
      return send(response, { ok: false, error: fault.error });
    }
    if (fault === 'refused with 503') {
      told(fault);
      return void response.writeHead(503).end('upstream is down');
    }
    const run = methods[method];
    if (typeof fault === 'object' && 'actsAfterLooks' in fault) {
      told(fault);
      late.push({ looks: fault.actsAfterLooks, act: () => void run?.(args) });
      return void response.writeHead(500).end('internal error');
    }
    const outcome = run ? run(args) : { ok: false, error: 'unknown_method' };
    told(fault ?? outcome);
    if (method === 'conversations.history' || method === 'conversations.replies') {
      for (const each of late) each.looks -= 1;
      for (const { act } of late.filter(({ looks }) => looks <= 0)) act();
      late.splice(0, late.length, ...late.filter(({ looks }) => looks > 0));
    }
    if (fault === 'answer lost after it acted') return void response.writeHead(500).end('internal error');
    send(response, outcome);
  }

  return {
    apiUrl: `${origin}/api/`,
    botToken,
    appToken,
    workspace,
    people,
    sockets,
    requests,
    calls,
    fail(method, fault, times = 1) {
      faults.set(method, [...(faults.get(method) ?? []), ...Array.from({ length: times }, () => fault)]);
    },
    heal: method => void faults.delete(method),
    settle() {
      for (const { act } of late.splice(0)) act();
    },
    down() {
      isDown = true;
      sockets.drop();
    },
    up() {
      isDown = false;
    },
    close: () =>
      new Promise(resolve => {
        sockets.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What a service needs to talk to it; `members` are the stack's people, in their order. */
export function linkedTo({ apiUrl, botToken, appToken, requests }: FakeSlack, members: [string, string]) {
  const way = requests.url
    ? { signingSecret: 'env:SLACK_SIGNING', http: { listen: new URL(requests.url).host } }
    : { appToken: 'env:SLACK_APP' };
  const settings = { botToken: 'env:SLACK_BOT', ...way, workspace: 'T0HOME', channel: 'C0OPS', apiUrl };
  return {
    slack: { settings, members },
    env: { SLACK_BOT: botToken, SLACK_APP: appToken, SLACK_SIGNING: requests.secret },
  };
}

/** Slack's client sends forms, in which nested values are JSON. */
function argsOf(body: Buffer): Args {
  return Object.fromEntries(
    [...new URLSearchParams(body.toString())].map(([key, value]) => [
      key,
      /^[[{]/.test(value) && key !== 'text' && key !== 'markdown_text' ? JSON.parse(value) : value,
    ]),
  );
}

function send(response: ServerResponse, body: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}
