/** Who a person is to the issuer that an organisation trusts, as far as this program needs it. */

/** What binds an answer of the issuer to the question: random, used once, never at rest. */
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

/** The right to cast one vote of one person on one plan, proved by a fresh log-in. */
export type VoteTicket = { person: string; approval: string; digest: string; expiresAt: string };

export type VoteTicketStore = {
  insert(tokenHash: string, ticket: VoteTicket): Promise<void>;
  /** Hands it out once, expired or not; undefined ever after. */
  take(tokenHash: string): Promise<VoteTicket | undefined>;
};
