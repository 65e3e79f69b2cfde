/**
 * Logging in through an issuer, from the browser's leaving to its coming back.
 * What binds the two ends is kept with the records, as the browser may come
 * back to another process: used once, for ten minutes, for the browser that
 * left. What must not lie at rest is derived from what that browser holds.
 */
import { createHmac } from 'node:crypto';
import { FleetError } from '../core/errors.ts';
import type { Away, AwayStore, Deed, IdentityProvider, LogInSecrets } from '../core/identity.ts';
import { newToken } from '../core/ids.ts';
import type { ClaimGroups } from './claim-groups.ts';
import type { DeedTickets } from './deed-tickets.ts';
import type { GivenToken, Logins } from './logins.ts';
import { recentMs } from './recent.ts';
import { tokenHash } from './token-hash.ts';

/** What the person goes away for: to be here, or for one deed. */
export type LogInPurpose = { returnTo: string; deed?: Deed };

export type BrowserLogIns = {
  /** Answers with the issuer's address. `browser` is what this browser alone holds. */
  begin(purpose: LogInPurpose, browser: string): Promise<string>;
  /** Throws `unauthenticated`, also for an identity that nobody linked to a person. */
  complete(callback: URL, browser: string): Promise<CompletedLogIn>;
};

export type CompletedLogIn = {
  session: GivenToken;
  returnTo: string;
  /** For the deed that the person went away for. */
  deed?: Deed & { ticket: string; expiresAt: string };
};

export type BrowserLogInsParts = {
  provider: IdentityProvider;
  /** Name of the person by subject. */
  linked: ReadonlyMap<string, string>;
  logins: Pick<Logins, 'admit'>;
  tickets: Pick<DeedTickets, 'give'>;
  store: AwayStore;
  claims?: ClaimGroups;
  now?: () => number;
};

const awayMs = 10 * 60_000;
/** More than people; a flood of beginnings pushes out the oldest. */
const mostAway = 10_000;
/** By how much the issuer's clock may differ from ours. */
const skewMs = 5000;

export function browserLogIns(parts: BrowserLogInsParts): BrowserLogIns {
  const { provider, linked, logins, tickets, claims, store, now = Date.now } = parts;

  async function takeBack(callback: URL, browser: string): Promise<Away> {
    const found = await store.take(tokenHash(callback.searchParams.get('state') ?? ''));
    if (found && found.browser === tokenHash(browser) && now() - Date.parse(found.since) <= awayMs) return found;
    throw new FleetError({
      code: 'unauthenticated',
      message: 'this log-in was not begun here, was finished before, or took longer than ten minutes',
      hint: 'begin it again, in one browser',
    });
  }

  return {
    async begin(purpose, browser) {
      const state = newToken();
      const address = await provider.logInAddress(secretsOf(state, browser), purpose.deed ? 0 : recentMs / 1000);
      const since = new Date(now()).toISOString();
      const keep = { oldest: new Date(now() - awayMs), most: mostAway };
      await store.insert(tokenHash(state), { ...purpose, browser: tokenHash(browser), since }, keep);
      return address;
    },

    async complete(callback, browser) {
      const { returnTo, deed, since } = await takeBack(callback, browser);
      const state = callback.searchParams.get('state') ?? '';
      const identity = await provider.identify(callback, secretsOf(state, browser));
      const person = linked.get(identity.subject);
      if (person === undefined) throw notLinked();
      const at = identity.authenticatedAt.getTime();
      if (!(at <= now() + skewMs)) throw staleProof('the issuer dates your log-in into the future');
      if (deed && at < Date.parse(since) - skewMs)
        throw staleProof('the issuer did not ask you to log in again, which this needs');
      await claims?.tell(person, identity.groups);
      const session = await logins.admit(person, 'page', {
        at: identity.authenticatedAt.toISOString(),
        strength: 'oidc',
      });
      if (!deed) return { session, returnTo };
      return { session, returnTo, deed: { ...deed, ...(await tickets.give({ person, ...deed })) } };
    },
  };
}

/** Known to whoever has the state and the browser's own cookie, and to nobody else. */
function secretsOf(state: string, browser: string): LogInSecrets {
  const derived = (what: string) => createHmac('sha256', browser).update(`${what} ${state}`).digest('base64url');
  return { state, nonce: derived('nonce'), verifier: derived('verifier') };
}

function notLinked(): FleetError {
  return new FleetError({
    code: 'unauthenticated',
    message: 'the issuer knows you, but your identity is linked to nobody here',
    hint: 'an administrator links it: people[].oidc.subject in groundskeeper.yaml',
  });
}

function staleProof(message: string): FleetError {
  return new FleetError({
    code: 'unauthenticated',
    message,
    hint: 'the issuer has to support max_age and prompt=login',
  });
}
