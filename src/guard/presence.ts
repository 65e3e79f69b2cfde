/**
 * Proof that a person is there at the moment of a vote. A stored token, an
 * editor's agent or a model has none: it knows no passphrase, and a fresh
 * log-in leaves a ticket on the server that is good for one vote.
 */
import { type Approval, isCritical, type PresenceStrength } from '../core/approval.ts';
import { FleetError, unreachable } from '../core/errors.ts';
import type { Logins, PageSession } from './logins.ts';
import { isRecent } from './recent.ts';
import type { VoteTickets } from './vote-tickets.ts';

export type Presence =
  | { by: 'passphrase'; passphrase: string }
  /** One-time id that the service made when the person logged in anew for this very vote. */
  | { by: 'fresh-login'; ticket: string }
  /** Token of a browser's session whose person logged in lately; not enough for a critical vote. */
  | { by: 'recent-login'; session: string };

type VotedOn = Pick<Approval, 'id' | 'digest' | 'requirements'>;

export type PresenceProof = { person: string; presence: Presence; approval: VotedOn };

/** Throws `unauthenticated` unless the person is there, for this approval request and this digest. */
export type ProvePresence = (proof: PresenceProof) => Promise<{ strength: PresenceStrength }>;

export type PresenceParts = {
  /** Throws `unauthenticated` unless the passphrase is the person's. */
  provePassphrase(person: string, passphrase: string): Promise<void>;
  session: Logins['session'];
  tickets: Pick<VoteTickets, 'spend'>;
  now?: () => number;
};

export function presenceProver(parts: PresenceParts): ProvePresence {
  const { now = Date.now } = parts;
  return async ({ person, presence, approval }) => {
    switch (presence.by) {
      case 'passphrase':
        await parts.provePassphrase(person, presence.passphrase);
        return { strength: 'passphrase' };
      case 'fresh-login':
        await parts.tickets.spend(presence.ticket, { person, approval: approval.id, digest: approval.digest });
        return { strength: 'oidc' };
      case 'recent-login': {
        const { caller, proof } = await parts.session(presence.session);
        if (caller.person.name !== person || isCritical(approval) || !isRecent(proof, now())) throw wantsFreshLogIn();
        return { strength: proof.strength };
      }
      default:
        return unreachable(presence);
    }
  };
}

/** What a person in a browser still has to bring to vote; a page asks for no more. */
export type PresenceWanted = 'nothing' | 'passphrase' | 'fresh-login';

export function presenceWanted(
  approval: VotedOn,
  { proof }: PageSession,
  { issuer, now }: { issuer: boolean; now: number },
): PresenceWanted {
  if (!isCritical(approval) && isRecent(proof, now)) return 'nothing';
  return issuer ? 'fresh-login' : 'passphrase';
}

function wantsFreshLogIn(): FleetError {
  return new FleetError({
    code: 'unauthenticated',
    message: 'this vote needs a log-in of its own, or your passphrase',
    hint: 'open the page of the request and log in again there',
  });
}
