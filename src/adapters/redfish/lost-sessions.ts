/**
 * Finds the sessions that log-ins left whose answers were lost. A BMC's
 * account may be shared, so a session counts as ours only where the BMC shows
 * that it was opened for our user name, from our address where it tells
 * addresses, while such a log-in was under way by the BMC's own clock, and
 * where there are no more of that kind than log-ins were lost. All others stay.
 */
import { z } from 'zod';
import { parseBody } from './answer.ts';
import { pathOnBmcIfAny, sameResource } from './links.ts';
import type { Ticket } from './log-in.ts';
import { readPatiently } from './patience.ts';
import { collectionOf, text } from './schema.ts';
import type { Mark } from './session-book.ts';
import type { Wire } from './wire.ts';

const session = z.object({ UserName: text, CreatedTime: text, ClientOriginIPAddress: text });
type Seen = z.infer<typeof session> & { uri: string };

/** More than any BMC allows. */
const maxSessions = 128;
/** BMCs write times in whole seconds. */
const slackMs = 2_000;

export type Search = {
  wire: Wire;
  ticket: Ticket;
  username: string;
  lost: Mark[];
  /** Addresses that the ledger has. */
  known: Set<string>;
  /** What other processes have there, by the ledger of this moment. */
  foreign(): Promise<{ uris: string[]; begun: string[] }>;
};

/** `uris` are to be deleted, and then nothing is left of `marks`; marks that are not among them stay undecided. */
export async function findLost(search: Search): Promise<{ uris: string[]; marks: Mark[] }> {
  const { wire, ticket, username, lost, known } = search;
  const sessions = await listSessions(wire, ticket);
  if (sessions === undefined) return { uris: [], marks: [] };
  // After the list: a session that is on it was written down by then, at least as a log-in that had begun.
  const foreign = await search.foreign();
  if (foreign.begun.length > 0) return { uris: [], marks: [] };
  const own = sessions.find(({ uri }) => ticket.kind === 'token' && sameResource(uri, ticket.uri));
  const others = sessions.filter(
    each => each !== own && !known.has(each.uri) && !foreign.uris.includes(each.uri) && each.UserName === username,
  );
  if (others.length === 0) return { uris: [], marks: lost };
  const createdOwn = Date.parse(own?.CreatedTime ?? '');
  const timeless = others.some(({ CreatedTime: created }) => Number.isNaN(Date.parse(created ?? '')));
  if (ticket.kind !== 'token' || timeless || Number.isNaN(createdOwn)) return { uris: [], marks: [] };
  const found: { uris: string[]; marks: Mark[] } = { uris: [], marks: [] };
  for (const marks of together(lost)) {
    const from = Math.min(...marks.map(mark => mark.from)) + createdOwn - ticket.opened.to - slackMs;
    const to = Math.max(...marks.map(mark => mark.to)) + createdOwn - ticket.opened.from + slackMs;
    const ours = others.filter(each => {
      const created = Date.parse(each.CreatedTime ?? '');
      const address = each.ClientOriginIPAddress ?? own?.ClientOriginIPAddress;
      return created >= from && created <= to && address === own?.ClientOriginIPAddress;
    });
    if (ours.length > marks.length) continue;
    found.uris.push(...ours.map(({ uri }) => uri));
    found.marks.push(...marks);
  }
  return found;
}

/** Marks that lie so close that one session may belong to either. */
function together(lost: Mark[]): Mark[][] {
  const groups: Mark[][] = [];
  for (const mark of lost.toSorted((a, b) => a.from - b.from)) {
    const last = groups.at(-1);
    const end = Math.max(...(last ?? []).map(({ to }) => to));
    if (last !== undefined && mark.from - end < 3 * slackMs) last.push(mark);
    else groups.push([mark]);
  }
  return groups;
}

/** Undefined where the list, or what is on it, cannot be read whole. */
async function listSessions(wire: Wire, { headers, sessions }: Ticket): Promise<Seen[] | undefined> {
  if (sessions === undefined) return undefined;
  const listed = collectionOf().safeParse(await readJson(wire, headers, sessions));
  if (!listed.success || listed.data.next !== undefined) return undefined;
  const uris = listed.data.Members.map(member => pathOnBmcIfAny(wire.url, member.uri));
  if (uris.length > maxSessions || uris.includes(undefined)) return undefined;
  const seen: Seen[] = [];
  for (const uri of uris.filter(each => each !== undefined)) {
    const body = await readJson(wire, headers, uri);
    if (body === 'gone') continue;
    const parsed = session.safeParse(body);
    if (!parsed.success || parsed.data.UserName === null) return undefined;
    seen.push({ ...parsed.data, uri });
  }
  return seen;
}

async function readJson(wire: Wire, headers: Record<string, string>, path: string): Promise<unknown> {
  const read = () => readPatiently(wire, { method: 'GET', path, headers });
  const first = await read();
  const answer = first.status === 401 ? await read() : first;
  if (answer.status === 404) return 'gone';
  return answer.status === 200 ? parseBody(answer, wire.where('GET', path)) : undefined;
}
