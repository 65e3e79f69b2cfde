/**
 * Logging in through an issuer, from the browser's leaving to its coming back.
 * What binds the two ends stays in memory: used once, for ten minutes, for the
 * browser that left; a restart of the service means to begin again.
 */
import { FleetError } from '../core/errors.ts';
import type { IdentityProvider, LogInSecrets } from '../core/identity.ts';
import { newToken } from '../core/ids.ts';
import type { ClaimGroups } from './claim-groups.ts';
import type { GivenToken, Logins } from './logins.ts';
import { recentMs } from './recent.ts';
import { tokenHash } from './token-hash.ts';
import type { VoteTickets } from './vote-tickets.ts';

/** What the person goes away for: to be here, or to cast one vote. */
export type LogInPurpose =
  | { for: 'session'; returnTo: string }
  | { for: 'vote'; returnTo: string; approval: string; digest: string };

export type BrowserLogIns = {
  /** Answers with the issuer's address. `browser` is what this browser alone holds. */
  begin(purpose: LogInPurpose, browser: string): Promise<string>;
  /** Throws `unauthenticated`, also for an identity that nobody linked to a person. */
  complete(callback: URL, browser: string): Promise<CompletedLogIn>;
};

export type CompletedLogIn = {
  session: GivenToken;
  returnTo: string;
  /** For the vote that the person went away for. */
  vote?: { ticket: string; expiresAt: string; approval: string };
};

export type BrowserLogInsParts = {
  provider: IdentityProvider;
  /** Name of the person by subject. */
  linked: ReadonlyMap<string, string>;
  logins: Pick<Logins, 'admit'>;
  tickets: Pick<VoteTickets, 'give'>;
  claims?: ClaimGroups;
  now?: () => number;
};

type Away = LogInSecrets & { browser: string; purpose: LogInPurpose; since: number };

const awayMs = 10 * 60_000;
/** More than people; a flood of beginnings pushes out the oldest. */
const mostAway = 10_000;
/** By how much the issuer's clock may differ from ours. */
const skewMs = 5000;

export function browserLogIns(parts: BrowserLogInsParts): BrowserLogIns {
  const { provider, linked, logins, tickets, claims, now = Date.now } = parts;
  const away = new Map<string, Away>();

  function takeBack(callback: URL, browser: string): Away {
    const state = callback.searchParams.get('state') ?? '';
    const found = away.get(state);
    away.delete(state);
    if (found && found.browser === tokenHash(browser) && now() - found.since <= awayMs) return found;
    throw new FleetError({
      code: 'unauthenticated',
      message: 'this log-in was not begun here, was finished before, or took longer than ten minutes',
      hint: 'begin it again, in one browser',
    });
  }

  return {
    async begin(purpose, browser) {
      const secrets = { state: newToken(), nonce: newToken(), verifier: newToken() };
      const address = await provider.logInAddress(secrets, purpose.for === 'vote' ? 0 : recentMs / 1000);
      for (const oldest of away.keys()) if (away.size >= mostAway) away.delete(oldest);
      away.set(secrets.state, { ...secrets, browser: tokenHash(browser), purpose, since: now() });
      return address;
    },

    async complete(callback, browser) {
      const { purpose, since, ...secrets } = takeBack(callback, browser);
      const identity = await provider.identify(callback, secrets);
      const person = linked.get(identity.subject);
      if (person === undefined) throw notLinked();
      const at = identity.authenticatedAt.getTime();
      if (!(at <= now() + skewMs)) throw staleProof('the issuer dates your log-in into the future');
      if (purpose.for === 'vote' && at < since - skewMs)
        throw staleProof('the issuer did not ask you to log in again, which a critical vote needs');
      await claims?.tell(person, identity.groups);
      const session = await logins.admit(person, 'page', {
        at: identity.authenticatedAt.toISOString(),
        strength: 'oidc',
      });
      const { returnTo } = purpose;
      if (purpose.for === 'session') return { session, returnTo };
      const { approval, digest } = purpose;
      return { session, returnTo, vote: { approval, ...(await tickets.give({ person, approval, digest })) } };
    },
  };
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
