/**
 * Proof that a person is there at the moment of a deed. A stored token, an
 * editor's agent or a model has none: it knows no passphrase, and a fresh
 * log-in leaves a ticket on the server that is good for one deed.
 */
import { isCritical, type PresenceStrength } from '../core/approval.ts';
import { FleetError, unreachable } from '../core/errors.ts';
import { isServiceName } from '../core/fleet.ts';
import type { Deed } from '../core/identity.ts';
import type { Requirement } from '../core/policy.ts';
import type { Caller } from '../core/tool.ts';
import type { DeedTickets } from './deed-tickets.ts';
import type { Logins, PageSession } from './logins.ts';
import { isRecent } from './recent.ts';

export type Presence =
  | { by: 'passphrase'; passphrase: string }
  /** One-time id that the service made when the person logged in anew for this very deed. */
  | { by: 'fresh-login'; ticket: string }
  /** Token of a browser's session whose person logged in lately; not enough where a deed needs a log-in of its own. */
  | { by: 'recent-login'; session: string }
  /** A click that the chat itself vouches for, by this member of it; not enough where a deed needs a log-in of its own. */
  | { by: 'chat-click'; member: string };

/** `alone`: it needs a log-in of its own. */
export type ProvedDeed = Deed & { alone: boolean };

export type PresenceProof = { person: string; presence: Presence; deed: ProvedDeed };

/** Throws `unauthenticated` unless the person is there, for this deed on this thing as it stands. */
export type ProvePresence = (proof: PresenceProof) => Promise<{ strength: PresenceStrength }>;

/** A deed on a request, a freeze or an operation. All but ordinary votes, and what stops things, need a log-in of their own. */
export function deedOn(
  act: Deed['act'],
  { id, digest = '', requirements = [] }: { id: string; digest?: string; requirements?: Requirement[] },
): ProvedDeed {
  const ordinary = (act === 'vote' && !isCritical({ requirements })) || act === 'revoke';
  return { act, on: id, digest, alone: !ordinary };
}

/** Where a person is asked for presence, and no program answers. */
const atHand = new Set<Caller['channel']>(['cli', 'page', 'demo']);

/** Whether this may be a person who can show that they are there for a deed that needs it. */
export function isAtHand({ channel, person }: Caller): boolean {
  return atHand.has(channel) && !isServiceName(person.name);
}

export type PresenceParts = {
  /** Throws `unauthenticated` unless the passphrase is the person's. */
  provePassphrase(person: string, passphrase: string): Promise<void>;
  session: Logins['session'];
  tickets: Pick<DeedTickets, 'spend'>;
  /** Name of the person by member of the chat. */
  members: ReadonlyMap<string, string>;
  now?: () => number;
};

export function presenceProver(parts: PresenceParts): ProvePresence {
  const { now = Date.now } = parts;
  return async ({ person, presence, deed: { alone, ...deed } }) => {
    switch (presence.by) {
      case 'passphrase':
        await parts.provePassphrase(person, presence.passphrase);
        return { strength: 'passphrase' };
      case 'fresh-login':
        await parts.tickets.spend(presence.ticket, { person, ...deed });
        return { strength: 'oidc' };
      case 'recent-login': {
        const { caller, proof } = await parts.session(presence.session);
        if (caller.person.name !== person || alone || !isRecent(proof, now())) throw wantsFreshLogIn();
        return { strength: proof.strength };
      }
      case 'chat-click':
        if (parts.members.get(presence.member) !== person || alone) throw wantsFreshLogIn();
        return { strength: 'chat-click' };
      default:
        return unreachable(presence);
    }
  };
}

/** What a person in a browser still has to bring; a page asks for no more. */
export type PresenceWanted = 'nothing' | 'passphrase' | 'fresh-login';

export function presenceWanted(
  { alone }: ProvedDeed,
  { proof }: PageSession,
  { issuer, now }: { issuer: boolean; now: number },
): PresenceWanted {
  if (!alone && isRecent(proof, now)) return 'nothing';
  return issuer ? 'fresh-login' : 'passphrase';
}

function wantsFreshLogIn(): FleetError {
  return new FleetError({
    code: 'unauthenticated',
    message: 'this needs a log-in of its own, or your passphrase',
    hint: 'open its page and log in again there',
  });
}
