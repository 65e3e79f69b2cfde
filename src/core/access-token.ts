/** A token that an issuer gave a program to act for a person. */
export type AccessToken = {
  subject: string;
  scopes: string[];
  /** Seconds since the epoch. */
  expiresAt: number;
  client: string;
};

export type AccessTokens = {
  /** Throws `unauthenticated` unless it is the issuer's, for this resource, and good now; with `retry: 'later'` where that cannot be told. */
  verify(token: string, resource: string): Promise<AccessToken>;
  /** What the issuer says of itself (RFC 8414). Throws `unauthenticated` with `retry: 'later'` while it is silent. */
  metadata(): Promise<Record<string, unknown>>;
};
