/**
 * Slack as signed requests to a port of ours. Bolt verifies, parses and
 * acknowledges. Its HTTPReceiver around that is left out: it answers some
 * requests without a signature, takes those that were signed for later, and a
 * body that is null ends the process.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  type App,
  type BufferedIncomingMessage,
  HTTPModuleFunctions,
  HTTPResponseAck,
  isValidSlackRequest,
} from '@slack/bolt';
import { FleetError } from '../../core/errors.ts';
import type { Secret } from '../../core/secret.ts';
import type { Transport } from './connection.ts';
import type { SlackLog } from './parts.ts';
import { silentLogger } from './silent-logger.ts';

const path = '/slack/events';
const bodyLimit = 1024 * 1024;
/** What was signed for later could come again when nobody remembers it. */
const mostAheadMs = 5 * 60_000;
/** Slack waits for three seconds. */
const ackMs = 2_500;
/** For answers under way when it closes. */
const graceMs = 500;
const hint = 'is slack.signingSecret that of the app, and the clock right? More are told after a genuine one';
const timing = { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000 };

export type SignedHttpOptions = { signingSecret: Secret; listen: { host: string; port: number } };

/** Listens, in the clear; throws `port_taken` naming the address. What comes before it is connected is to come again. */
export async function signedHttp(
  { signingSecret, listen: { host, port } }: SignedHttpOptions,
  log: Pick<SlackLog, 'warn'>,
): Promise<Transport> {
  let app: App | undefined;
  let connected = false;
  let toldOfForgery = false;
  const server = createServer(timing, (request, response) => {
    answer(request, response).catch(() => response.destroy());
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await genuineBody(request, signingSecret);
    if (body === 401 && !toldOfForgery) log.warn({ hint }, 'a request was refused that Slack did not sign just now');
    toldOfForgery = body === 401 || (toldOfForgery && typeof body === 'number');
    if (typeof body === 'number') return void response.writeHead(body).end();
    if (!connected) return void response.writeHead(503).end();
    if (body.type === 'url_verification') return HTTPModuleFunctions.buildUrlVerificationResponse(response, body);
    const ack = new HTTPResponseAck({
      logger: silentLogger,
      processBeforeResponse: false,
      unhandledRequestTimeoutMillis: ackMs,
      httpRequest: request,
      httpRequestBody: body,
      httpResponse: response,
    });
    const sentAt = Number(request.headers['x-slack-request-timestamp']) * 1000;
    await app?.processEvent({ body, ack: ack.bind(), customProperties: { sentAt } });
  }

  await new Promise<void>((resolve, reject) => {
    server.on('error', (error: NodeJS.ErrnoException) =>
      reject(
        new FleetError({
          code: error.code === 'EADDRINUSE' ? 'port_taken' : 'invalid_config',
          message: `nothing of Slack can be heard on ${host}:${port} (${error.code})`,
          hint: 'another program may listen there; stop it, or change slack.http.listen in groundskeeper.yaml',
          cause: error,
        }),
      ),
    );
    server.listen(port, host, resolve);
  });

  return {
    receiver: {
      init(given) {
        app = given;
      },
      start: async () => undefined,
      stop: async () => undefined,
    },
    async connect() {
      connected = true;
      return { after: new Promise(() => undefined) };
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        setTimeout(() => server.closeAllConnections(), graceMs).unref();
      }),
  };
}

/** What Slack sent; a status where it was not Slack, or nothing that it sends. */
async function genuineBody(request: IncomingMessage, signingSecret: Secret): Promise<Record<string, unknown> | number> {
  if (request.method !== 'POST' || request.url !== path) return 404;
  const buffered = await HTTPModuleFunctions.bufferIncomingMessage(request, bodyLimit).catch(() => undefined);
  if (buffered === undefined) return 413;
  if (!isGenuine(buffered, signingSecret)) return 401;
  try {
    const body: unknown = HTTPModuleFunctions.parseHTTPRequestBody(buffered);
    return typeof body === 'object' && body !== null ? { ...body } : 400;
  } catch {
    return 400;
  }
}

function isGenuine({ headers, rawBody }: BufferedIncomingMessage, signingSecret: Secret): boolean {
  const signature = headers['x-slack-signature'];
  const at = Number(headers['x-slack-request-timestamp']);
  if (typeof signature !== 'string' || !(at * 1000 < Date.now() + mostAheadMs)) return false;
  return isValidSlackRequest({
    signingSecret: signingSecret.reveal(),
    body: rawBody.toString(),
    headers: { 'x-slack-signature': signature, 'x-slack-request-timestamp': at },
  });
}
