/**
 * A terminal that logs in through the browser. It waits with a secret of its
 * own; the person sees the terminal's code on the page and says that it is
 * theirs, so that a link from a stranger logs no stranger in.
 */
import { randomInt } from 'node:crypto';
import { FleetError } from '../core/errors.ts';
import { newToken } from '../core/ids.ts';
import type { GivenToken, Logins, PageSession } from './logins.ts';
import { isRecent } from './recent.ts';
import { tokenHash } from './token-hash.ts';

export type TerminalLogIns = {
  ask(): { id: string; code: string; secret: string; expiresAt: string };
  /** Throws `not_found`. */
  codeOf(id: string): string;
  /** Throws `unauthenticated` unless the person logged in lately. */
  grant(id: string, session: PageSession): void;
  /** The token, once; undefined while the person has not answered. Throws `unauthenticated`. */
  collect(secret: string): Promise<GivenToken | undefined>;
};

type Waiting = { id: string; code: string; secret: string; until: number; granted?: PageSession };

const waitMs = 10 * 60_000;
const mostWaiting = 1000;
/** Without letters and digits that look alike. */
const letters = 'BCDFGHJKLMNPQRSTVWXZ';

export function terminalLogIns(logins: Pick<Logins, 'admit'>, now: () => number = Date.now): TerminalLogIns {
  const waiting = new Map<string, Waiting>();

  function living(id: string): Waiting {
    const found = waiting.get(id);
    if (found && found.until > now()) return found;
    throw new FleetError({ code: 'not_found', message: 'no terminal waits for this log-in any more' });
  }

  return {
    ask() {
      const [id, secret, code, until] = [newToken(), newToken(), newCode(), now() + waitMs];
      for (const oldest of waiting.keys()) if (waiting.size >= mostWaiting) waiting.delete(oldest);
      waiting.set(id, { id, code, secret: tokenHash(secret), until });
      return { id, code, secret, expiresAt: new Date(until).toISOString() };
    },
    codeOf: id => living(id).code,
    grant(id, session) {
      if (!isRecent(session.proof, now()))
        throw new FleetError({
          code: 'unauthenticated',
          message: 'you logged in too long ago for this',
          hint: 'log in again',
        });
      living(id).granted = session;
    },
    async collect(secret) {
      const hash = tokenHash(secret);
      const mine = [...waiting.values()].find(asked => asked.secret === hash && asked.until > now());
      if (!mine)
        throw new FleetError({
          code: 'unauthenticated',
          message: 'the log-in was not finished in ten minutes',
          hint: 'begin again',
        });
      if (!mine.granted) return undefined;
      waiting.delete(mine.id);
      return logins.admit(mine.granted.caller.person.name, 'cli', mine.granted.proof);
    },
  };
}

function newCode(): string {
  const four = () => Array.from({ length: 4 }, () => letters[randomInt(letters.length)]).join('');
  return `${four()}-${four()}`;
}
