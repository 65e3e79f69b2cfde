/**
 * Proof that a person is there at the moment of a vote. A stored token, an
 * editor's agent or a model has none: it knows no passphrase, and a fresh
 * log-in leaves a ticket on the server that is good for one vote.
 */
import type { PresenceStrength } from '../core/approval.ts';
import { FleetError, unreachable } from '../core/errors.ts';

export type Presence =
  | { by: 'passphrase'; passphrase: string }
  /** One-time id that the service made when the person logged in anew for this very vote. */
  | { by: 'fresh-login'; ticket: string };

export type PresenceProof = { person: string; presence: Presence; approval: { id: string; digest: string } };

/** Throws `unauthenticated` unless the person is there, for this approval request and this digest. */
export type ProvePresence = (proof: PresenceProof) => Promise<{ strength: PresenceStrength }>;

export function presenceProver(parts: {
  /** Throws `unauthenticated` unless the passphrase is the person's. */
  provePassphrase(person: string, passphrase: string): Promise<void>;
}): ProvePresence {
  return async ({ person, presence }) => {
    switch (presence.by) {
      case 'passphrase':
        await parts.provePassphrase(person, presence.passphrase);
        return { strength: 'passphrase' };
      case 'fresh-login':
        throw new FleetError({
          code: 'unauthenticated',
          message: 'this service takes no fresh log-in as presence',
          hint: 'give your passphrase',
        });
      default:
        return unreachable(presence);
    }
  };
}
