/**
 * What a log has to say beyond what is known of it. Newest-first logs are read
 * page by page until something known comes; the others have to be read to
 * their end. Nothing here trusts a clock, or that an id is used once.
 */
import type { z } from 'zod';
import { type Fact, type KnownEntries, known, type LogEntry, unknown } from '../../core/bmc.ts';
import type { LogReading } from '../../core/hardware.ts';
import type { Connection } from './connection.ts';
import { factOf, reasonOf } from './facts.ts';
import { lastSegment, plain } from './links.ts';
import { byAge, entryOf, idNumber, isTold, type Listing } from './log-entry.ts';
import { logs } from './log-services.ts';
import { type ComputerSystem, logEntry, logPage } from './schema.ts';
import type { Topology } from './topology.ts';

/** Entries of a log whose end was not reached, and which may hold newer ones. */
const tooLong = { entries: 4000, pages: 100 };
/** The first time; later, what is new, however much that is. */
const atFirst = 20;
/** Where the list holds nothing but links. */
const links = { atOnce: 20, most: 200 };

/** Every log up to the best that has entries: those before it were read, and were empty. */
export async function readLogNews(
  connection: Connection,
  about: { system: ComputerSystem; topology: Topology; known: KnownEntries },
): Promise<Fact<LogReading[]>> {
  return factOf(async () => {
    const found = await logs(connection, about.system, about.topology);
    if (found.length === 0) return unknown('the BMC has no event log');
    const read: LogReading[] = [];
    for (const { entries: link } of found) {
      const reading = await readOne(connection, link, about.known(plain(link)));
      if (reading === undefined) return unknown('the log is too long to read its newest entries');
      read.push(reading);
      if (reading.entries.length > 0) break;
    }
    return known(read);
  });
}

type IsKnown = ReturnType<KnownEntries>;

/** Undefined when its newest entries were not reached. */
async function readOne(connection: Connection, link: string, isKnown: IsKnown): Promise<LogReading | undefined> {
  const { members, whole } = await walk(connection, link, isKnown);
  const log = plain(link);
  if (!members.every(isTold)) return { log, ...(await followed(connection, members, isKnown)) };
  const entries = members.map(entryOf);
  const order = orderOf(entries);
  if (order === 'newest-first') return { log, entries, whole };
  return whole ? { log, entries: entries.toReversed(), whole } : undefined;
}

/** Two members of one URI may still be two entries. */
async function walk(
  connection: Connection,
  link: string,
  isKnown: IsKnown,
): Promise<{ members: Listing[]; whole: boolean }> {
  const members: Listing[] = [];
  const pages = new Set<string>();
  for (let next: string | undefined = link; next !== undefined && !pages.has(next); ) {
    if (members.length > tooLong.entries || pages.size > tooLong.pages) return { members, whole: false };
    pages.add(next);
    const page: z.infer<typeof logPage> = await connection.read(next, logPage);
    members.push(...page.Members.map(inline => ({ uri: inline['@odata.id'] ?? '', inline })));
    next = page.next;
    if (next !== undefined && members.every(isTold) && isEnough(members.map(entryOf), isKnown)) {
      return { members, whole: false };
    }
  }
  return { members, whole: true };
}

function isEnough(entries: LogEntry[], isKnown: IsKnown): boolean {
  if (orderOf(entries) !== 'newest-first') return false;
  return isKnown === undefined ? entries.length >= atFirst : entries.some(isKnown);
}

/** By ids, which grow with time but for the one place where they start again; by times where ids do not tell. */
function orderOf(entries: LogEntry[]): 'newest-first' | 'oldest-first' {
  const byId = steps(entries, (a, b) => idNumber(a.id) - idNumber(b.id));
  const falling = byId === 0 ? steps(entries, (a, b) => byAge(b, a)) : byId;
  return falling > 0 ? 'newest-first' : 'oldest-first';
}

/** How many more times the list falls than it rises. */
function steps(entries: LogEntry[], compare: (a: LogEntry, b: LogEntry) => number): number {
  return entries.slice(1).reduce((sum, entry, index) => sum + Math.sign(compare(entries[index] ?? entry, entry)), 0);
}

/** Some BMCs list links only, and keep links to entries that are gone. */
async function followed(
  connection: Connection,
  members: Listing[],
  isKnown: IsKnown,
): Promise<Pick<LogReading, 'entries' | 'whole'>> {
  const each = new Map(members.map(member => [plain(member.uri), member]));
  const latest = [...each.values()].sort((a, b) => idNumber(lastSegment(b.uri)) - idNumber(lastSegment(a.uri)));
  const entries: LogEntry[] = [];
  let upto = 0;
  while (upto < Math.min(latest.length, links.most)) {
    const some = await Promise.all(latest.slice(upto, upto + links.atOnce).map(each => resolved(connection, each)));
    entries.push(...some.filter(member => member !== undefined).map(entryOf));
    upto += links.atOnce;
    if (isKnown === undefined || entries.some(isKnown)) break;
  }
  return { entries, whole: upto >= latest.length };
}

async function resolved(connection: Connection, member: Listing): Promise<Listing | undefined> {
  if (isTold(member)) return member;
  try {
    return { ...member, inline: await connection.read(member.uri, logEntry) };
  } catch (error) {
    reasonOf(error);
    return undefined;
  }
}
