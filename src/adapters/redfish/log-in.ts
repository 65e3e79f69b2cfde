/**
 * Proves a credential to a BMC and says what to send from then on: a session
 * token, or Basic where the BMC has no session to give.
 */
import { FleetError } from '../../core/errors.ts';
import { explanation, parseBody, protocolError } from './answer.ts';
import { pathOnBmcIfAny } from './links.ts';
import type { LoginBreaker } from './login-breaker.ts';
import { serviceRoot, sessionService } from './schema.ts';
import type { Credential } from './session.ts';
import type { WireAnswer } from './transport.ts';
import type { Wire } from './wire.ts';

export type Ticket =
  | { kind: 'token'; headers: Record<string, string>; uri: string }
  | { kind: 'basic'; headers: Record<string, string> };

type Door = { wire: Wire; credential: Credential; breaker: LoginBreaker };

/** Every vendor has a way of its own to say that no further session is to be had. */
const exhausted = /SessionLimitExceeded|CreateLimitReachedForResource|MaximumSessions|RAC0218/i;

/**
 * One log-in. Throws bmc_auth when the credential is refused, and without any traffic bmc_auth while the breaker is open
 * and database while refusals cannot be counted.
 */
export async function openTicket(door: Door): Promise<Ticket> {
  await door.breaker.check();
  const root = await readRoot(door.wire);
  const sessions = await sessionsPath(door.wire, root);
  if (sessions === undefined) return basicTicket(door, root.systems);
  const answer = await door.wire.send({
    method: 'POST',
    path: sessions,
    body: { UserName: door.credential.username, Password: door.credential.password },
  });
  if (answer.status < 300) return tokenTicket(door.wire, sessions, answer);
  if (answer.status === 404 || answer.status === 405 || answer.status === 501) return basicTicket(door, root.systems);
  if (explanation(answer).ids.some(id => exhausted.test(id))) return basicTicket(door, root.systems);
  throw await refusal(door, answer, door.wire.where('POST', sessions));
}

function tokenTicket(wire: Wire, sessions: string, answer: WireAnswer): Ticket {
  const token = answer.header('x-auth-token');
  const uri = pathOnBmcIfAny(wire.url, answer.header('location')) ?? bodyUri(wire.url, answer);
  if (token === undefined || uri === undefined) {
    throw protocolError(
      `${wire.where('POST', sessions)} created a session without ${token === undefined ? 'a token' : 'its address'}`,
    );
  }
  return { kind: 'token', headers: { 'x-auth-token': token }, uri };
}

/** Tries Basic on a resource that needs a log-in, so that a wrong password is found by one request and not by four. */
async function basicTicket(door: Door, probe: string): Promise<Ticket> {
  const { username, password } = door.credential;
  const headers = { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
  const answer = await door.wire.send({ method: 'GET', path: probe, headers });
  if (answer.status < 300) return { kind: 'basic', headers };
  throw await refusal(door, answer, door.wire.where('GET', probe));
}

/** Whether the credential or the BMC's state is to blame; only the first counts for the breaker. */
async function refusal(door: Door, answer: WireAnswer, where: string): Promise<FleetError> {
  const untrusted = explanation(answer).text;
  if (answer.status >= 500 || answer.status === 429 || answer.status < 400) {
    return new FleetError({
      code: answer.status < 400 ? 'bmc_protocol' : 'bmc_unreachable',
      retry: answer.status < 400 ? 'never' : 'later',
      message: `${where} answered the log-in with ${answer.status}`,
      untrusted,
    });
  }
  await door.breaker.failed();
  return new FleetError({
    code: 'bmc_auth',
    message: `${door.wire.url} refused the log-in (${answer.status})`,
    hint: 'Correct the credential of this BMC; a second failure stops log-ins for ten minutes.',
    untrusted,
  });
}

async function readRoot(wire: Wire): Promise<{ systems: string; sessions?: string; service?: string }> {
  const path = '/redfish/v1/';
  const answer = await wire.send({ method: 'GET', path });
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
  const answer = await wire.send({ method: 'GET', path: root.service });
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
