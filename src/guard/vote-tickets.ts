/** A fresh log-in as something that can be handed over: for one person, one request, one plan, one vote, two minutes. */
import { FleetError } from '../core/errors.ts';
import type { VoteTicket, VoteTicketStore } from '../core/identity.ts';
import { newToken } from '../core/ids.ts';
import { tokenHash } from './token-hash.ts';

export type VoteTickets = {
  give(ticket: Omit<VoteTicket, 'expiresAt'>): Promise<{ ticket: string; expiresAt: string }>;
  /** Spends it, whatever comes of it. Throws `unauthenticated` unless it is for exactly this vote, and still good. */
  spend(ticket: string, vote: Omit<VoteTicket, 'expiresAt'>): Promise<void>;
};

const ticketMs = 2 * 60_000;

export function voteTickets(store: VoteTicketStore, now: () => number = Date.now): VoteTickets {
  return {
    async give(vote) {
      const ticket = newToken();
      const expiresAt = new Date(now() + ticketMs).toISOString();
      await store.insert(tokenHash(ticket), { ...vote, expiresAt });
      return { ticket, expiresAt };
    },
    async spend(ticket, { person, approval, digest }) {
      const found = await store.take(tokenHash(ticket));
      if (!found) throw refusal('this log-in has been used for a vote before, or never was');
      if (Date.parse(found.expiresAt) <= now()) throw refusal('the log-in for this vote is older than two minutes');
      if (found.person !== person || found.approval !== approval || found.digest !== digest)
        throw refusal('this log-in is for another vote');
    },
  };
}

function refusal(message: string): FleetError {
  return new FleetError({ code: 'unauthenticated', message, hint: 'log in again on the page of the request' });
}
