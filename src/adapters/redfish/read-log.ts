/**
 * The newest entries of the log that says most about the hardware. BMCs keep
 * several logs (audit, journal, POST codes …), some of them thousands of lines
 * long, in either order.
 */
import type { z } from 'zod';
import { type Fact, type HealthLevel, known, type LogEntry, unknown } from '../../core/bmc.ts';
import type { Connection, Member } from './connection.ts';
import { factOf, healthLevel, reasonOf, timeFact } from './facts.ts';
import { lastSegment, plain } from './links.ts';
import { type ComputerSystem, logEntry, logService } from './schema.ts';
import { readManagers, type Topology } from './topology.ts';

const maxEntries = 20;
/** Logs of who logged in, of the BMC's own programs, or of large dumps: no news of the hardware. */
const unrelated = /audit|journal|security|dump|post|debug|host(logger|console)|diagnostic|^sl$|^iel$|redfishlog|fdr/i;

/** `most` is how many entries it takes before it takes no more; undefined where it forgets its oldest, or does not say. */
type Candidate = { entries: string; rank: number; most: number | undefined };

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

/** The logs that tell of the hardware, the best first. */
export async function logs(connection: Connection, system: ComputerSystem, topology: Topology): Promise<Candidate[]> {
  const managers = await readManagers(connection, topology.managerUris, { lasting: true });
  const collections = [system.LogServices, ...managers.map(each => each.LogServices)].filter(each => each != null);
  const seen = new Map(collections.map(link => [plain(link), link]));
  const services = await Promise.all(
    [...seen.values()].map(async link => {
      const { members } = await connection.members(link, { lasting: true }).catch(error => {
        reasonOf(error);
        return { members: [] };
      });
      return Promise.all(members.map(member => candidate(connection, member, topology)));
    }),
  );
  return services
    .flat()
    .filter(each => each !== undefined)
    .sort((a, b) => a.rank - b.rank);
}

async function candidate(connection: Connection, member: Member, topology: Topology): Promise<Candidate | undefined> {
  const id = lastSegment(member.uri);
  const preferred = [/^sel$/i, ...topology.profile.logs].findIndex(pattern => pattern.test(id));
  if (preferred === -1 && unrelated.test(id)) return undefined;
  try {
    const read = await connection.read(member.uri, logService, { lasting: true });
    if (read.Entries == null) return undefined;
    const byType = read.LogEntryType === 'SEL' ? 50 : read.LogEntryType === 'Event' ? 51 : 52;
    const wraps = read.OverWritePolicy === 'WrapsWhenFull';
    const most = wraps ? undefined : (read.MaxNumberOfRecords ?? undefined);
    return { entries: read.Entries, rank: preferred === -1 ? byType : preferred, most };
  } catch (error) {
    reasonOf(error);
    return undefined;
  }
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

type Entry = { uri: string; inline: z.infer<typeof logEntry> };

/** Enough entries, in falling order: older pages cannot hold newer ones. */
function isNewestFirst(found: Entry[]): boolean {
  const entries = found.map(entryOf);
  const [first, last] = [entries[0], entries.at(-1)];
  return entries.length >= maxEntries && first !== undefined && last !== undefined && byAge(first, last) < 0;
}

function isTold({ inline }: Entry): boolean {
  return inline.Message !== undefined || inline.Created !== undefined;
}

/** Some BMCs list links only, and keep links to entries that are gone. Ids grow with time. */
async function fetched(connection: Connection, members: Member[]): Promise<Entry[]> {
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

function entryOf({ uri, inline }: Entry): LogEntry {
  const { Id, Created, Severity, MessageSeverity, Message } = inline;
  return {
    id: Id ?? lastSegment(uri),
    created: timeFact(Created, 'time of the entry'),
    severity: severityOf(MessageSeverity ?? Severity),
    message: (Message ?? '').slice(0, 500),
  };
}

/** An entry without a severity that we know counts as a warning: unknown is never shown as healthy. */
function severityOf(value: string | null | undefined): HealthLevel {
  if (/^(informational|repaired)$/i.test(value ?? '')) return 'ok';
  return healthLevel(value) ?? 'warning';
}

function byAge(a: LogEntry, b: LogEntry): number {
  return timeOf(b) - timeOf(a) || idNumber(b.id) - idNumber(a.id);
}

function timeOf(entry: LogEntry): number {
  return 'value' in entry.created ? Date.parse(entry.created.value) : 0;
}

function idNumber(id: string): number {
  const digits = /(\d+)$/.exec(id);
  return digits === null ? 0 : Number(digits[1]);
}
