/** Who a person is to the issuer that an organisation trusts, as far as this program needs it. */

/** What binds an answer of the issuer to the question: used once, and never at rest. */
export type LogInSecrets = { state: string; nonce: string; verifier: string };

export type Identity = {
  subject: string;
  /** When the person last proved presence to the issuer, which may be long before this log-in. */
  authenticatedAt: Date;
  /** What the claim of groups says, unchecked; empty where none is configured. */
  groups: string[];
};

export type IdentityProvider = {
  /**
   * Where the browser goes to log in. A proof of presence older than `maxAgeS` seconds does not do; with 0 the issuer is
   * told to ask anew whoever has a session there. Throws `unauthenticated` with `retry: 'later'` when the issuer is silent.
   */
  logInAddress(secrets: LogInSecrets, maxAgeS: number): Promise<string>;
  /** Who came back to `callback`. Throws `unauthenticated` for an answer that is not the issuer's to this very question. */
  identify(callback: URL, secrets: LogInSecrets): Promise<Identity>;
};

/** Groups that a log-in told, as kept: they count for a time only, and for this very identity. */
export type ClaimedGroups = { person: string; issuer: string; subject: string; groups: string[]; at: string };

export type ClaimedGroupStore = {
  /** Replaces what an earlier log-in of this person told. */
  put(told: ClaimedGroups): Promise<void>;
  list(): Promise<ClaimedGroups[]>;
};

/** What nobody does for a person. */
export const deedActs = ['vote', 'revoke', 'break-glass', 'unfreeze', 'resume', 'advance'] as const;

/** One of them, on a request, a freeze or an operation (`on`, its id) with the digest of its plan, where it has one. */
export type Deed = { act: (typeof deedActs)[number]; on: string; digest: string };

/** The right of one person to one deed, proved by a fresh log-in. */
export type DeedTicket = Deed & { person: string; expiresAt: string };

export type DeedTicketStore = {
  insert(tokenHash: string, ticket: DeedTicket): Promise<void>;
  /** Hands it out once, expired or not; undefined ever after. */
  take(tokenHash: string): Promise<DeedTicket | undefined>;
};

/** A person who left for the issuer: `browser` is the hash of what that browser alone holds, `since` when it left, RFC 3339. */
export type Away = { browser: string; returnTo: string; since: string; deed?: Deed };

export type AwayStore = {
  /** Forgets those that left before `oldest`, and all but the latest `most`. */
  insert(stateHash: string, away: Away, keep: { oldest: Date; most: number }): Promise<void>;
  /** Hands it out once, whatever comes of it; undefined ever after. */
  take(stateHash: string): Promise<Away | undefined>;
};
