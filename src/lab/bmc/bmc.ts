/**
 * Serves one controller over HTTPS, keeps the effect log of what reached it,
 * and plays the faults that live on the wire: down, slow, HTML, lost answers.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import type { Certificate } from '../certificate.ts';
import { type EffectLog, maskSecrets } from '../effect-log.ts';
import type { FaultSet } from '../faults.ts';
import type { Host } from '../host.ts';
import { listen } from '../listen.ts';
import type { OpenSession } from './access.ts';
import { Controller, type ControllerOptions } from './controller.ts';
import type { BmcProfile, FirmwareState } from './profiles/profile.ts';
import type { Body, Reply } from './reply.ts';
import { type Answer, answer, type BmcRequest, isWrite } from './requests.ts';

export type BmcOptions = ControllerOptions & {
  /** 0 takes a free port. */
  port: number;
  certificate: Certificate;
  effects: EffectLog;
};

export type RunningBmc = {
  /** Name of the server, as its host has it. */
  name: string;
  /** Origin, without a path. */
  url: string;
  spki: string;
  host: Host;
  profile: BmcProfile;
  faults: FaultSet;
  /** Versions as they are now. */
  firmware: Readonly<FirmwareState>;
  sessions(): OpenSession[];
  stop(): Promise<void>;
};

const bodyLimit = 1024 * 1024;
const htmlPage = '<!DOCTYPE html><html><head><title>Login</title></head><body>Please enable JavaScript.</body></html>';

/** Starts the BMC of one host. Throws port_taken when its address is in use. */
export async function startBmc(options: BmcOptions): Promise<RunningBmc> {
  const bmc = new Controller(options);
  const { address, certificate } = options;
  const server = createServer({ key: certificate.key, cert: certificate.cert, keepAliveTimeout: 60_000 });
  const port = await listen(server, address, options.port);
  const url = `https://${address}:${port}`;
  server.on('request', (request, response) => {
    serve({ bmc, effects: options.effects, url, request, response }).catch(() => response.destroy());
  });
  // A port that was lost while the BMC was down stays refused; that is no reason to end the lab.
  server.on('error', () => {});
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  bmc.faults.onChange(kind => {
    if (kind !== 'bmc-down') return;
    server.closeAllConnections();
    const refused = bmc.faults.get('bmc-down')?.mode === 'refused';
    if (refused && server.listening) server.close();
    else if (!refused && !server.listening && !bmc.clock.stopped) server.listen(port, address);
  });
  return {
    name: bmc.host.name,
    url,
    spki: certificate.spki,
    host: bmc.host,
    profile: bmc.profile,
    faults: bmc.faults,
    firmware: bmc.updates.firmware,
    sessions: () => bmc.access.sessions(),
    async stop() {
      const closed = server.listening ? once(server, 'close') : undefined;
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

type Exchange = {
  bmc: Controller;
  effects: EffectLog;
  url: string;
  request: IncomingMessage;
  response: ServerResponse;
};

async function serve(exchange: Exchange): Promise<void> {
  const { bmc, request, response } = exchange;
  const { faults } = bmc;
  const text = await readText(request);
  if (faults.get('bmc-down') !== undefined) return;
  const parsed = parseRequest(request, text);
  const outcome = perform(exchange, parsed);
  const dropped = outcome !== 'html' && faults.get('drop-after-post') !== undefined && isDroppable(parsed);
  if (dropped) faults.clear('drop-after-post');
  record(exchange, parsed, outcome, dropped);
  const slow = faults.get('slow')?.ms ?? 0;
  if (slow > 0) await delay(slow, undefined, { signal: bmc.clock.signal });
  if (dropped) response.destroy();
  else if (outcome === 'html') {
    response.writeHead(isWrite(parsed.method) ? 503 : 200, { 'Content-Type': 'text/html' }).end(htmlPage);
  } else send(response, outcome.reply);
}

function perform({ bmc }: Exchange, request: BmcRequest): Answer | 'html' {
  return bmc.faults.get('html') === undefined ? answer(bmc, request) : 'html';
}

/** Log-in and log-out are not what a lost answer is about: the product repeats those freely. */
function isDroppable({ method, path }: BmcRequest): boolean {
  return isWrite(method) && !path.toLowerCase().startsWith('/redfish/v1/sessionservice');
}

function record(exchange: Exchange, request: BmcRequest, outcome: Answer | 'html', dropped: boolean): void {
  if (!isWrite(request.method)) return;
  const { bmc, effects, url } = exchange;
  const { body } = request;
  const attempted = typeof body === 'object' && typeof body.UserName === 'string' ? body.UserName : '';
  effects.append({
    kind: 'bmc',
    target: url,
    name: bmc.host.name,
    method: request.method,
    path: request.path,
    status: dropped ? 0 : outcome === 'html' ? 503 : outcome.reply.status,
    caller: (outcome === 'html' ? undefined : outcome.caller?.username) ?? attempted,
    body: maskSecrets(body ?? null),
  });
}

function parseRequest(request: IncomingMessage, text: string): BmcRequest {
  const url = URL.parse(request.url ?? '/', 'https://bmc') ?? new URL('https://bmc/');
  const token = request.headers['x-auth-token'];
  return {
    method: request.method ?? 'GET',
    path: decode(url.pathname).replace(/\/+$/, ''),
    query: url.searchParams,
    token: typeof token === 'string' ? token : undefined,
    authorization: request.headers.authorization,
    ifMatch: request.headers['if-match'],
    body: parseBody(text),
  };
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function parseBody(text: string): Body | undefined | 'malformed' {
  if (text === '') return undefined;
  try {
    const body: unknown = JSON.parse(text);
    return isBody(body) ? body : 'malformed';
  } catch {
    return 'malformed';
  }
}

function isBody(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > bodyLimit) throw new Error('request body too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function send(response: ServerResponse, reply: Reply): void {
  const headers = { 'OData-Version': '4.0', 'Cache-Control': 'no-store', ...reply.headers };
  if (reply.body === undefined) {
    response.writeHead(reply.status, headers).end();
    return;
  }
  const bytes = Buffer.from(JSON.stringify(reply.body));
  const type = { 'Content-Type': 'application/json;charset=utf-8', 'Content-Length': bytes.length };
  response.writeHead(reply.status, { ...headers, ...type }).end(bytes);
}
