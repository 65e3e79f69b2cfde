/**
 * Who is calling. A passphrase gives a short-lived token for asking; a vote
 * asks for the passphrase again. Wrong passphrases are counted per person, and
 * too many close the door for a while.
 */
import { createHash } from 'node:crypto';
import { FleetError } from '../core/errors.ts';
import type { Person } from '../core/fleet.ts';
import { newToken } from '../core/ids.ts';
import type { Login, LoginStore } from '../core/records.ts';
import type { Secret } from '../core/secret.ts';
import type { Caller, Scope } from '../core/tool.ts';
import { verifyPassphrase } from './passphrase.ts';

export type KnownPerson = Person & { passphraseHash: Secret };

export type LoginsParts = { people: KnownPerson[]; store: LoginStore; mcpScope: Scope; now?: () => number };

export type GivenToken = { token: string; person: string; scope: Scope; expiresAt: string };

export type Logins = {
  logIn(name: string, passphrase: string, channel: 'cli' | 'demo'): Promise<GivenToken>;
  /** A weaker token for an MCP client, made from one that a person holds: the configuration's scope, and no longer a life. */
  deriveForMcp(token: string): Promise<GivenToken>;
  /** Throws `unauthenticated`. */
  caller(token: string, client?: string): Promise<Caller>;
  logOut(token: string): Promise<void>;
  provePresence(name: string, passphrase: string): Promise<void>;
};

const tokenMs = 8 * 3600_000;
const maxFailures = 5;
const failureWindowMs = 10 * 60_000;
const wrongHint = `names are those under people in groundskeeper.yaml; after ${maxFailures} wrong passphrases the name is closed for a while`;

export function createLogins({ people, store, mcpScope, now = Date.now }: LoginsParts): Logins {
  const failures = new Map<string, number[]>();
  /** The last proof under way per name: guesses sent together are still counted one by one. */
  const turns = new Map<string, Promise<void>>();

  function provePresence(name: string, passphrase: string): Promise<void> {
    const before = turns.get(name) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(() => prove(name, passphrase));
    turns.set(name, mine);
    const forget = () => {
      if (turns.get(name) === mine) turns.delete(name);
    };
    mine.then(forget, forget);
    return mine;
  }

  async function prove(name: string, passphrase: string): Promise<void> {
    const recent = (failures.get(name) ?? []).filter(at => at > now() - failureWindowMs);
    if (recent.length >= maxFailures)
      throw new FleetError({
        code: 'unauthenticated',
        retry: 'later',
        message: `${maxFailures} wrong passphrases for this name; log-in is closed for up to ${failureWindowMs / 60_000} minutes`,
      });
    const person = people.find(candidate => candidate.name === name);
    if (person && (await verifyPassphrase(passphrase, person.passphraseHash.reveal()))) {
      failures.delete(name);
      return;
    }
    if (person) failures.set(name, [...recent, now()]);
    throw new FleetError({ code: 'unauthenticated', message: 'name and passphrase do not match', hint: wrongHint });
  }

  async function give(login: Login): Promise<GivenToken> {
    const token = newToken();
    await store.insert(hashOf(token), login);
    const { person, scope, expiresAt } = login;
    return { token, person, scope, expiresAt };
  }

  /** The log-in behind a token. Throws `unauthenticated`. */
  async function live(token: string): Promise<{ login: Login; person: KnownPerson }> {
    const login = await store.get(hashOf(token));
    const person = people.find(candidate => candidate.name === login?.person);
    if (login && person && Date.parse(login.expiresAt) > now()) return { login, person };
    throw new FleetError({
      code: 'unauthenticated',
      message: 'not logged in, or the log-in expired',
      hint: 'groundskeeper login',
    });
  }

  return {
    provePresence,
    async logIn(name, passphrase, channel) {
      await provePresence(name, passphrase);
      const expiresAt = new Date(now() + tokenMs).toISOString();
      return give({ person: name, channel, scope: 'execute', expiresAt });
    },
    async deriveForMcp(token) {
      const { login } = await live(token);
      if (login.channel === 'mcp')
        throw new FleetError({ code: 'forbidden', message: 'an MCP log-in cannot make another one' });
      return give({ person: login.person, channel: 'mcp', scope: mcpScope, expiresAt: login.expiresAt });
    },
    async caller(token, client) {
      const { login, person } = await live(token);
      // The configuration of today decides what MCP may do, not that of the day when the token was made.
      const scope = login.channel === 'mcp' ? mcpScope : login.scope;
      return { person: { name: person.name, groups: person.groups }, channel: login.channel, scope, client };
    },
    logOut: token => store.remove(hashOf(token)),
  };
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
