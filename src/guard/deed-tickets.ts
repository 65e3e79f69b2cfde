/** A fresh log-in as something that can be handed over: for one person, one deed, on one thing as it stood, two minutes. */
import { FleetError } from '../core/errors.ts';
import type { DeedTicket, DeedTicketStore } from '../core/identity.ts';
import { newToken } from '../core/ids.ts';
import { tokenHash } from './token-hash.ts';

export type DeedTickets = {
  give(ticket: Omit<DeedTicket, 'expiresAt'>): Promise<{ ticket: string; expiresAt: string }>;
  /** Spends it, whatever comes of it. Throws `unauthenticated` unless it is for exactly this deed, and still good. */
  spend(ticket: string, deed: Omit<DeedTicket, 'expiresAt'>): Promise<void>;
};

const ticketMs = 2 * 60_000;

export function deedTickets(store: DeedTicketStore, now: () => number = Date.now): DeedTickets {
  return {
    async give(deed) {
      const ticket = newToken();
      const expiresAt = new Date(now() + ticketMs).toISOString();
      await store.insert(tokenHash(ticket), { ...deed, expiresAt });
      return { ticket, expiresAt };
    },
    async spend(ticket, { person, act, on, digest }) {
      const found = await store.take(tokenHash(ticket));
      if (!found) throw refusal('this log-in has been used before, or never was');
      if (Date.parse(found.expiresAt) <= now()) throw refusal('the log-in for this is older than two minutes');
      if (found.person !== person || found.act !== act || found.on !== on || found.digest !== digest)
        throw refusal('this log-in is for something else');
    },
  };
}

function refusal(message: string): FleetError {
  return new FleetError({ code: 'unauthenticated', message, hint: 'log in again on the page where you decide' });
}
