/**
 * The service's API as typed calls. It adds the token and nothing else: all
 * decisions are the service's. A token or passphrase is never sent in the
 * clear beyond this machine, and never follows a redirect.
 */
import { isIP } from 'node:net';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
import { z } from 'zod';
import type { Approval, ApprovalState, TrackedApproval } from '../../core/approval.ts';
import type { CustodyRow } from '../../core/custody.ts';
import type { Block } from '../../core/document.ts';
import { errorCodes, FleetError } from '../../core/errors.ts';
import type { Freeze } from '../../core/freeze.ts';
import type { Operation } from '../../core/operation.ts';
import type { Turn, TurnEvent } from '../../core/talk.ts';
import type {
  ApprovalAnswer,
  AskLine,
  AskRequest,
  BrowserLogin,
  CustodyHead,
  CustodyStatus,
  DecideRequest,
  DeriveRequest,
  DigestStatus,
  Erased,
  EraseRequest,
  EventsAnswer,
  EvidenceAnswer,
  LoginAnswer,
  LoginRequest,
  Me,
  Names,
  Notices,
  Reconciled,
  ReconcileRequest,
  RotateRequest,
  ToolAnswer,
  VoteRequest,
} from '../http/api.ts';

export type Client = {
  /** Origin of the service. */
  readonly url: string;
  login(request: LoginRequest): Promise<LoginAnswer>;
  /** For a person to finish in a browser, at the address that it answers with. */
  beginBrowserLogin(): Promise<BrowserLogin>;
  /** The log-in once it is finished; undefined until then. */
  collectLogin(secret: string): Promise<LoginAnswer | undefined>;
  deriveToken(request: DeriveRequest): Promise<LoginAnswer>;
  logout(): Promise<void>;
  me(): Promise<Me>;
  names(): Promise<Names>;
  notices(): Promise<Notices>;
  callTool(name: string, input: Record<string, unknown>, signal?: AbortSignal): Promise<ToolAnswer>;
  /** The assistant's answer; `onEvent` hears what is said and read before. */
  ask(request: AskRequest, more: { signal?: AbortSignal; onEvent?(event: TurnEvent): void }): Promise<Turn>;
  digests(): Promise<DigestStatus[]>;
  /** Of the whole fleet where none is named. */
  digestNow(name?: string): Promise<Block[]>;
  /** Waits up to `waitMs` (at most 25,000) for events after the given sequence number. */
  operationEvents(id: string, wait: { after: number; waitMs: number; signal?: AbortSignal }): Promise<EventsAnswer>;
  approvals(state?: ApprovalState): Promise<TrackedApproval[]>;
  approval(id: string): Promise<ApprovalAnswer>;
  vote(id: string, request: VoteRequest): Promise<Approval>;
  /** `revoke` takes back what one asked for or voted for; `break-glass` starts it without its votes. */
  decide(id: string, act: 'revoke' | 'break-glass', request: DecideRequest): Promise<Approval>;
  unfreeze(id: string, request: DecideRequest): Promise<Freeze>;
  /** Ends its pause, or lets its next wave begin. */
  letGoOn(operation: string, act: 'resume' | 'advance', request: DecideRequest): Promise<Operation>;
  custodyHead(): Promise<CustodyHead>;
  custodyStatus(): Promise<CustodyStatus>;
  /** Answers the new verifier key. */
  rotateKey(request: RotateRequest): Promise<string>;
  reconcileCustody(request: ReconcileRequest): Promise<Reconciled>;
  evidence(id: string): Promise<EvidenceAnswer>;
  eraseSubject(request: EraseRequest): Promise<Erased>;
  /** At most 1,000 rows in order, from `from` on. */
  custodyEntries(page: { from: number; limit: number }): Promise<CustodyRow[]>;
};

export type Connection = {
  url: string;
  token?: string;
  /** What the service records as the client program. */
  agent?: string;
};

type Method = 'GET' | 'POST';
type Call = { body?: unknown; signal?: AbortSignal };
type WireRow = { seq: number; bytes: string; leaf: string };

/** Planning reads every server of a cluster; the longest wait of the API itself is 25 s. */
const answerWithinMs = 180_000;

const errorAnswer = z.object({
  error: z.object({
    code: z.enum(errorCodes).catch('internal'),
    message: z.string(),
    retry: z.enum(['never', 'later', 'ask']).catch('never'),
    hint: z.string().optional(),
    untrusted: z.string().optional(),
  }),
});

/**
 * A client for the service at `url`; opens no connection yet. Throws invalid_input on a URL that is no origin or would
 * send secrets in the clear; its calls throw what the service answers, service_unreachable, or timeout.
 */
export function connect({ url, token, agent = 'groundskeeper-cli' }: Connection): Client {
  const origin = serviceOrigin(url);

  async function call<T>(method: Method, path: string, request: Call = {}): Promise<T> {
    return send(method, path, request, async response => (await answerOf(response, origin)) as T);
  }

  async function send<T>(
    method: Method,
    path: string,
    { body, signal }: Call,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const limit = AbortSignal.timeout(answerWithinMs);
    const headers: Record<string, string> = { accept: 'application/json', 'user-agent': agent };
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    if (body !== undefined) headers['content-type'] = 'application/json';
    try {
      const response = await fetch(`${origin}${path}`, {
        method,
        headers,
        redirect: 'error',
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return await read(response);
    } catch (thrown) {
      if (signal?.aborted || thrown instanceof FleetError) throw thrown;
      throw limit.aborted ? tooLate(origin) : unreachable(origin, thrown);
    }
  }

  return {
    url: origin,
    login: request => call('POST', '/v1/login', { body: request }),
    beginBrowserLogin: () => call('POST', '/v1/login/browser', { body: {} }),
    collectLogin: async secret => {
      const answer = await call<LoginAnswer | { waiting: true }>('POST', '/v1/login/browser/collect', {
        body: { secret },
      });
      return 'token' in answer ? answer : undefined;
    },
    deriveToken: request => call('POST', '/v1/token', { body: request }),
    logout: async () => {
      await call('POST', '/v1/logout', { body: {} });
    },
    me: () => call('GET', '/v1/me'),
    names: () => call('GET', '/v1/names'),
    notices: () => call('GET', '/v1/notices'),
    callTool: (name, input, signal) => call('POST', `/v1/tools/${segment(name)}`, { body: input, signal }),
    ask: (body, { signal, onEvent }) =>
      send('POST', '/v1/ask', { body, signal }, response => turnOf(response, origin, onEvent)),
    digests: async () => (await call<{ digests: DigestStatus[] }>('GET', '/v1/digests')).digests,
    digestNow: async name =>
      (await call<{ blocks: Block[] }>('POST', '/v1/digests/now', { body: name === undefined ? {} : { name } })).blocks,
    operationEvents: (id, { after, waitMs, signal }) =>
      call('GET', `/v1/operations/${segment(id)}/events?after=${after}&waitMs=${waitMs}`, { signal }),
    approvals: async state => {
      const query = state ? `?state=${state}` : '';
      return (await call<{ approvals: TrackedApproval[] }>('GET', `/v1/approvals${query}`)).approvals;
    },
    approval: id => call('GET', `/v1/approvals/${segment(id)}`),
    vote: async (id, request) =>
      (await call<{ approval: Approval }>('POST', `/v1/approvals/${segment(id)}/vote`, { body: request })).approval,
    decide: async (id, act, request) =>
      (await call<{ approval: Approval }>('POST', `/v1/approvals/${segment(id)}/${act}`, { body: request })).approval,
    unfreeze: async (id, request) =>
      (await call<{ freeze: Freeze }>('POST', `/v1/freezes/${segment(id)}/lift`, { body: request })).freeze,
    letGoOn: async (id, act, request) =>
      (await call<{ operation: Operation }>('POST', `/v1/operations/${segment(id)}/${act}`, { body: request }))
        .operation,
    custodyHead: () => call('GET', '/v1/custody/head'),
    custodyStatus: () => call('GET', '/v1/custody/status'),
    rotateKey: async request =>
      (await call<{ verifierKey: string }>('POST', '/v1/custody/rotate-key', { body: request })).verifierKey,
    reconcileCustody: request => call('POST', '/v1/custody/reconcile', { body: request }),
    evidence: id => call('GET', `/v1/custody/evidence/${segment(id)}`),
    eraseSubject: request => call('POST', '/v1/custody/erase', { body: request }),
    custodyEntries: async ({ from, limit }) => {
      const { entries } = await call<{ entries: WireRow[] }>('GET', `/v1/custody/entries?from=${from}&limit=${limit}`);
      return entries.map(({ seq, bytes, leaf }) => ({
        seq,
        bytes: Buffer.from(bytes, 'base64'),
        leaf: Buffer.from(leaf, 'base64'),
      }));
    },
  };
}

/** Scheme, host and port alone; plain HTTP only to this machine. Throws invalid_input. */
function serviceOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const bare = url && url.username === '' && url.search === '' && url.hash === '' && url.pathname === '/';
  if (!url || !bare || !['http:', 'https:'].includes(url.protocol)) {
    throw new FleetError({
      code: 'invalid_input',
      message: 'the URL of the service is scheme, host and port, such as http://127.0.0.1:7420',
    });
  }
  if (url.protocol === 'http:' && !isThisMachine(url.hostname)) {
    throw new FleetError({
      code: 'invalid_input',
      message: 'plain HTTP would send the token in the clear; it is for the loopback address alone',
      hint: 'use https, or a tunnel such as: ssh -L 7420:127.0.0.1:7420 <host>',
    });
  }
  return url.origin;
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** Names and ids come from arguments: one path segment each, whatever they hold. */
function segment(text: string): string {
  if (text === '' || text === '.' || text === '..') {
    throw new FleetError({ code: 'invalid_input', message: 'an id is not empty and not a dot' });
  }
  return encodeURIComponent(text.toWellFormed());
}

/** Reads lines as they come. Throws what the last one says where the turn failed. */
async function turnOf(
  response: Response,
  origin: string,
  onEvent: (event: TurnEvent) => void = () => {},
): Promise<Turn> {
  if (!response.ok || response.body === null) {
    await answerOf(response, origin);
    throw strangeAnswer(origin, response.status, { text: '' });
  }
  for await (const text of createInterface({ input: Readable.fromWeb(response.body as NodeReadableStream) })) {
    const line = JSON.parse(text) as AskLine;
    if (line.kind === 'end') return line.turn;
    if (line.kind === 'error') throw FleetError.fromJSON(line.error);
    onEvent(line);
  }
  throw new FleetError({
    code: 'service_unreachable',
    message: `the service at ${origin} ended in the middle of the answer`,
    retry: 'later',
  });
}

async function answerOf(response: Response, origin: string): Promise<unknown> {
  const text = await response.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    throw strangeAnswer(origin, response.status, { text, cause });
  }
  if (response.ok) return body;
  const failure = errorAnswer.safeParse(body);
  if (failure.success) throw FleetError.fromJSON(failure.data.error);
  throw strangeAnswer(origin, response.status, { text });
}

function strangeAnswer(origin: string, status: number, { text, cause }: { text: string; cause?: unknown }): FleetError {
  return new FleetError({
    code: 'service_unreachable',
    message: `what answers at ${origin} (HTTP ${status}) is not the Groundskeeper service`,
    hint: 'check --url and GROUNDSKEEPER_URL',
    untrusted: text.slice(0, 300),
    cause,
  });
}

function unreachable(origin: string, cause: unknown): FleetError {
  return new FleetError({
    code: 'service_unreachable',
    retry: 'later',
    message: `the service does not answer at ${origin}`,
    hint: 'start it: groundskeeper serve',
    cause,
  });
}

function tooLate(origin: string): FleetError {
  return new FleetError({
    code: 'timeout',
    retry: 'later',
    message: `the service at ${origin} took longer than ${answerWithinMs / 1000} s`,
    hint: 'what was asked for may still happen: look at list-operations before asking again',
  });
}
