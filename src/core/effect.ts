/**
 * The permission to perform one effect. Adapters ask for it on every write, and
 * only `guard/effects.ts` mints it, after policy was asked again and the intent
 * was committed. So a write without a committed intent does not compile.
 */
declare const minted: unique symbol;

export type EffectGrant = {
  /** Custody sequence number of the committed intent. */
  readonly intent: number;
  readonly [minted]: true;
};

/** What is about to be sent: enough to find it again on the wire. */
export type EffectRequest = {
  /** Origin of the BMC or API server, such as `https://10.1.0.11`. */
  target: string;
  method: 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  path: string;
  /** Digest of the body, or of what determines it. */
  bodyDigest: string;
};
