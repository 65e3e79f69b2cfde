/**
 * The newest entries of the log that says most about the hardware, for people.
 * Logs stand in either order.
 */
import { type Fact, known, type LogEntry, unknown } from '../../core/bmc.ts';
import type { Connection, Member } from './connection.ts';
import { factOf, reasonOf } from './facts.ts';
import { lastSegment } from './links.ts';
import { byAge, entryOf, idNumber, isTold, type Listing } from './log-entry.ts';
import { logs } from './log-services.ts';
import { type ComputerSystem, logEntry } from './schema.ts';
import type { Topology } from './topology.ts';

const maxEntries = 20;

/** At most 20 entries, newest first, of the best log that has any. */
export async function readLog(
  connection: Connection,
  system: ComputerSystem,
  topology: Topology,
): Promise<Fact<LogEntry[]>> {
  return factOf(async () => {
    const candidates = await logs(connection, system, topology);
    if (candidates.length === 0) return unknown('the BMC has no event log');
    for (const { entries } of candidates) {
      const found = await newest(connection, entries);
      if (!('value' in found) || found.value.length > 0) return found;
    }
    return known([]);
  });
}

async function newest(connection: Connection, link: string): Promise<Fact<LogEntry[]>> {
  const { members, complete } = await connection.members(link, { of: logEntry, enough: isNewestFirst });
  const chosen = members.every(isTold) ? members : await fetched(connection, members);
  const entries = chosen.map(entryOf);
  const sorted = entries.toSorted(byAge);
  // An unfinished walk of a log that starts with its oldest entries has not seen the newest.
  if (!complete && sorted[0] !== entries[0]) return unknown('the log is too long to read its newest entries');
  return known(sorted.slice(0, maxEntries));
}

/** Enough entries, in falling order: older pages cannot hold newer ones. */
function isNewestFirst(found: Listing[]): boolean {
  const entries = found.map(entryOf);
  const [first, last] = [entries[0], entries.at(-1)];
  return entries.length >= maxEntries && first !== undefined && last !== undefined && byAge(first, last) < 0;
}

/** Some BMCs list links only, and keep links to entries that are gone. Ids grow with time. */
async function fetched(connection: Connection, members: Member[]): Promise<Listing[]> {
  const latest = members.toSorted((a, b) => idNumber(lastSegment(b.uri)) - idNumber(lastSegment(a.uri)));
  const read = await Promise.all(
    latest.slice(0, maxEntries).map(async ({ uri }) => {
      try {
        return { uri, inline: await connection.read(uri, logEntry) };
      } catch (error) {
        reasonOf(error);
        return undefined;
      }
    }),
  );
  return read.filter(each => each !== undefined);
}
