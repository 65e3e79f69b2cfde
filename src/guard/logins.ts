/**
 * Who is calling. A passphrase gives a short-lived token for asking; a vote
 * asks for the passphrase again. Wrong passphrases are counted per person, and
 * too many close the door for a while.
 */
import { FleetError } from '../core/errors.ts';
import type { Person } from '../core/fleet.ts';
import { newToken } from '../core/ids.ts';
import type { Login, LoginStore, Proof } from '../core/records.ts';
import type { Secret } from '../core/secret.ts';
import type { Caller, Scope } from '../core/tool.ts';
import type { People } from './authority.ts';
import { verifyPassphrase } from './passphrase.ts';
import { tokenHash } from './token-hash.ts';

/** Whoever has no passphrase logs in by other means. */
export type KnownPerson = Pick<Person, 'name'> & { passphraseHash?: Secret };

export type LoginsParts = {
  people: KnownPerson[];
  /** Who they are today, with their groups of today. */
  directory: People;
  store: LoginStore;
  mcpScope: Scope;
  now?: () => number;
};

/** A person in a browser. */
export type PageSession = { caller: Caller; proof: Proof };

export type GivenToken = { token: string; person: string; scope: Scope; expiresAt: string };

export type Logins = {
  logIn(name: string, passphrase: string, channel: 'cli' | 'demo' | 'page'): Promise<GivenToken>;
  /** For a person whose presence somebody else has proved. */
  admit(name: string, channel: 'cli' | 'page', proof: Proof): Promise<GivenToken>;
  /** A weaker token for an MCP client, made from one that a person holds: the configuration's scope, and no longer a life. */
  deriveForMcp(token: string): Promise<GivenToken>;
  /** Throws `unauthenticated`, for a browser's session too: that is no bearer token. */
  caller(token: string, client?: string): Promise<Caller>;
  /** Of a browser alone: a token that lies on a disk is no session. Throws `unauthenticated`. */
  session(token: string): Promise<PageSession>;
  logOut(token: string): Promise<void>;
  provePresence(name: string, passphrase: string): Promise<void>;
};

const tokenMs = 8 * 3600_000;
const maxFailures = 5;
const failureWindowMs = 10 * 60_000;
const wrongHint = `names are those under people in groundskeeper.yaml; after ${maxFailures} wrong passphrases the name is closed for a while`;

export function createLogins({ people, directory, store, mcpScope, now = Date.now }: LoginsParts): Logins {
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
    const hash = person?.passphraseHash?.reveal();
    if (hash !== undefined && (await verifyPassphrase(passphrase, hash))) {
      failures.delete(name);
      return;
    }
    if (person) failures.set(name, [...recent, now()]);
    throw new FleetError({ code: 'unauthenticated', message: 'name and passphrase do not match', hint: wrongHint });
  }

  async function give(login: Login): Promise<GivenToken> {
    const token = newToken();
    await store.insert(tokenHash(token), login);
    const { person, scope, expiresAt } = login;
    return { token, person, scope, expiresAt };
  }

  /** The log-in behind a token. Throws `unauthenticated`. */
  async function live(token: string): Promise<{ login: Login; person: Person }> {
    const login = await store.get(tokenHash(token));
    await directory.read?.();
    const person = login && directory.find(login.person);
    if (login && person && Date.parse(login.expiresAt) > now()) return { login, person };
    throw notLoggedIn();
  }

  function fullLogin(person: string, channel: Login['channel'], proof: Proof): Login {
    return { person, channel, scope: 'execute', expiresAt: new Date(now() + tokenMs).toISOString(), proof };
  }

  return {
    provePresence,
    async logIn(name, passphrase, channel) {
      await provePresence(name, passphrase);
      return give(fullLogin(name, channel, { at: new Date(now()).toISOString(), strength: 'passphrase' }));
    },
    admit: (name, channel, proof) => give(fullLogin(name, channel, proof)),
    async deriveForMcp(token) {
      const { login } = await live(token);
      if (login.channel === 'mcp')
        throw new FleetError({ code: 'forbidden', message: 'an MCP log-in cannot make another one' });
      return give({ person: login.person, channel: 'mcp', scope: mcpScope, expiresAt: login.expiresAt });
    },
    async caller(token, client) {
      const { login, person } = await live(token);
      if (login.channel === 'page') throw notLoggedIn();
      // The configuration of today decides what MCP may do, not that of the day when the token was made.
      const scope = login.channel === 'mcp' ? mcpScope : login.scope;
      return { person, channel: login.channel, scope, client };
    },
    async session(token) {
      const { login, person } = await live(token);
      const { channel, scope, proof } = login;
      if (channel !== 'page' || !proof) throw notLoggedIn();
      return { caller: { person, channel, scope }, proof };
    },
    logOut: token => store.remove(tokenHash(token)),
  };
}

function notLoggedIn(): FleetError {
  return new FleetError({
    code: 'unauthenticated',
    message: 'not logged in, or the log-in expired',
    hint: 'groundskeeper login',
  });
}
