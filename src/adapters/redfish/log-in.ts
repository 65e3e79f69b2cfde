/**
 * Proves a credential to a BMC and says what to send from then on: a session
 * token, or Basic where the BMC has no session to give.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { FleetError } from '../../core/errors.ts';
import { askedMs, explanation, parseBody, protocolError } from './answer.ts';
import { pathOnBmcIfAny } from './links.ts';
import type { LoginBreaker } from './login-breaker.ts';
import { says } from './messages.ts';
import { longestPauseMs, readPatiently } from './patience.ts';
import { ConnectFailure } from './pinned-connector.ts';
import { serviceRoot, sessionService } from './schema.ts';
import type { Credential } from './session.ts';
import type { Mark, SessionBook } from './session-book.ts';
import type { WireAnswer } from './transport.ts';
import type { Wire } from './wire.ts';

export type Ticket = {
  headers: Record<string, string>;
  /** The BMC's collection of sessions, where it has one. */
  sessions?: string;
} & (
  | {
      kind: 'token';
      uri: string;
      /** By our clock: when it was opened. */
      opened: { from: number; to: number };
    }
  | { kind: 'basic' }
);

export type Door = { wire: Wire; credential: Credential; breaker: LoginBreaker; book: SessionBook; now: () => number };

/**
 * One log-in, recorded before it is sent and, as a session, before it is returned. Throws bmc_auth when the credential is
 * refused; without any traffic bmc_auth while the breaker is open, and database while refusals cannot be counted.
 */
export async function openTicket(door: Door): Promise<Ticket> {
  const { wire, breaker, book } = door;
  await breaker.check(book.lost.map(({ from }) => from));
  const root = await readRoot(wire);
  const sessions = await sessionsPath(wire, root);
  breaker.counts.tried++;
  if (sessions === undefined) return basicTicket(door, root.systems);
  const mark = await book.begin();
  await free(door, mark);
  const answer = await knock(door, sessions, mark);
  if (answer.status < 300) return tokenTicket(door, { sessions, mark, answer });
  const offersNone = answer.status === 404 || answer.status === 405 || answer.status === 501;
  const basic = offersNone || says(explanation(answer).ids, 'no-session-left');
  const refused = basic ? undefined : await refusal(door, answer, wire.where('POST', sessions));
  // Not before a refusal was counted. A row that cannot be deleted now is looked into by the next life.
  await book.settled(mark).catch(() => undefined);
  if (refused !== undefined) throw refused;
  return { ...(await basicTicket(door, root.systems)), sessions };
}

/** Once more, with what other processes were refused meanwhile: they count the same failures. */
async function free({ breaker, book }: Door, mark: Mark): Promise<void> {
  try {
    const elsewhere = await book.turn(mark);
    await breaker.check([...book.lost.map(({ from }) => from), ...elsewhere]);
  } catch (thrown) {
    await book.settled(mark).catch(() => undefined);
    throw thrown;
  }
}

/** The answer to the log-in, which is sent once more to a BMC that was busy. What may have opened a session stays marked. */
async function knock({ wire, credential, book, now }: Door, path: string, mark: Mark): Promise<WireAnswer> {
  const body = { UserName: credential.username, Password: credential.password };
  for (let last = false; ; last = true) {
    const answer = await wire.send({ method: 'POST', path, body, fresh: true }).catch(async (error: unknown) => {
      const unsent = error instanceof FleetError && error.cause instanceof ConnectFailure;
      if (unsent) await book.settled(mark).catch(() => undefined);
      if (unsent) throw error;
      book.lose(mark);
      throw lostLogIn(wire.where('POST', path), { what: 'was not answered', at: now(), cause: error });
    });
    const { status } = answer;
    if (status >= 500 && status !== 501 && status !== 503) {
      book.lose(mark);
      throw lostLogIn(wire.where('POST', path), { what: `answered ${status}`, at: now() });
    }
    const busy = status === 503 && !says(explanation(answer).ids, 'no-session-left');
    if (last || !busy || askedMs(answer) > longestPauseMs) return answer;
    await delay(Math.max(wire.timeouts.retryMs, askedMs(answer)));
  }
}

function lostLogIn(where: string, { what, at, cause }: { what: string; at: number; cause?: unknown }): FleetError {
  return new FleetError({
    code: 'bmc_unreachable',
    retry: 'later',
    after: new Date(at).toISOString(),
    message: `${where} ${what}: the log-in may have opened a session`,
    hint: 'It is looked for, and deleted, at the next log-in.',
    cause,
  });
}

async function tokenTicket(
  { wire, book, now }: Door,
  { sessions, mark, answer }: { sessions: string; mark: Mark; answer: WireAnswer },
): Promise<Ticket> {
  const token = answer.header('x-auth-token');
  const uri = pathOnBmcIfAny(wire.url, answer.header('location')) ?? bodyUri(wire.url, answer);
  if (token === undefined || uri === undefined) {
    book.lose(mark);
    throw protocolError(
      `${wire.where('POST', sessions)} created a session without ${token === undefined ? 'a token' : 'its address'}`,
    );
  }
  const headers = { 'x-auth-token': token };
  try {
    await book.opened(mark, uri);
  } catch (cause) {
    await wire.send({ method: 'DELETE', path: uri, headers }).catch(() => undefined);
    throw new FleetError({
      code: 'database',
      retry: 'later',
      message: `the session on ${wire.url} could not be recorded, so it was given back and not used`,
      cause,
    });
  }
  return { kind: 'token', headers, uri, sessions, opened: { from: mark.from, to: now() } };
}

/** Tries Basic on a resource that needs a log-in, so that a wrong password is found by one request and not by four. */
async function basicTicket(door: Door, probe: string): Promise<Ticket> {
  const { username, password } = door.credential;
  const headers = { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
  const answer = await readPatiently(door.wire, { method: 'GET', path: probe, headers });
  if (answer.status < 300) return { kind: 'basic', headers };
  throw await refusal(door, answer, door.wire.where('GET', probe));
}

/**
 * Whether the credential or the BMC's state is to blame; only the first counts for the breaker. What a BMC does not explain
 * counts too: a BMC that is blind for ten minutes is better than an account that is locked.
 */
async function refusal(door: Door, answer: WireAnswer, where: string): Promise<FleetError> {
  const { status } = answer;
  const { ids, text: untrusted } = explanation(answer);
  if (status < 400) {
    return new FleetError({ code: 'bmc_protocol', message: `${where} answered the log-in with ${status}`, untrusted });
  }
  const blamed = status === 401 || says(ids, 'bad-credential');
  if (status >= 500 || status === 429 || (!blamed && says(ids, 'not-now'))) {
    return new FleetError({
      code: 'bmc_unreachable',
      retry: 'later',
      message: `${where} answered the log-in with ${status}: the BMC is busy or starting`,
      untrusted,
    });
  }
  if (!blamed && (says(ids, 'unlicensed') || says(ids, 'not-understood'))) {
    const unlicensed = says(ids, 'unlicensed');
    return new FleetError({
      code: 'bmc_refused',
      message: `${where} answered the log-in with ${status}: ${unlicensed ? 'the BMC has no licence for it' : 'it does not take our request'}`,
      hint: unlicensed ? 'Redfish needs a licence on this BMC; the credential is not to blame.' : undefined,
      untrusted,
    });
  }
  await door.breaker.failed();
  return new FleetError({
    code: 'bmc_auth',
    message: `${door.wire.url} refused the log-in (${status}${blamed ? '' : ', without a reason that we know'})`,
    hint: 'Correct the credential of this BMC; a second failure stops log-ins for ten minutes.',
    untrusted,
  });
}

async function readRoot(wire: Wire): Promise<{ systems: string; sessions?: string; service?: string }> {
  const path = '/redfish/v1/';
  const answer = await readPatiently(wire, { method: 'GET', path });
  const where = wire.where('GET', path);
  if (answer.status >= 300) {
    throw new FleetError({
      code: answer.status >= 500 ? 'bmc_unreachable' : 'bmc_protocol',
      retry: answer.status >= 500 ? 'later' : 'never',
      message: `${where} answered ${answer.status}; there is no Redfish service to talk to`,
      hint: 'Check that the URL names the BMC and that Redfish is enabled; a BMC that restarts needs some minutes.',
    });
  }
  const parsed = serviceRoot.safeParse(parseBody(answer, where));
  const systems = parsed.success ? pathOnBmcIfAny(wire.url, parsed.data.Systems) : undefined;
  if (!parsed.success || systems === undefined)
    throw protocolError(`${where} is not a Redfish service root with Systems`);
  return {
    systems,
    sessions: pathOnBmcIfAny(wire.url, parsed.data.Links?.Sessions),
    service: pathOnBmcIfAny(wire.url, parsed.data.SessionService),
  };
}

async function sessionsPath(wire: Wire, root: { sessions?: string; service?: string }): Promise<string | undefined> {
  if (root.sessions !== undefined || root.service === undefined) return root.sessions;
  const answer = await readPatiently(wire, { method: 'GET', path: root.service });
  if (answer.status >= 300) return undefined;
  const parsed = sessionService.safeParse(parseBody(answer, wire.where('GET', root.service)));
  return parsed.success ? pathOnBmcIfAny(wire.url, parsed.data.Sessions) : undefined;
}

function bodyUri(origin: string, answer: WireAnswer): string | undefined {
  try {
    const body: unknown = JSON.parse(answer.bytes.toString('utf8'));
    if (typeof body !== 'object' || body === null || !('@odata.id' in body)) return undefined;
    return typeof body['@odata.id'] === 'string' ? pathOnBmcIfAny(origin, body['@odata.id']) : undefined;
  } catch {
    return undefined;
  }
}
