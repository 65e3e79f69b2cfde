/**
 * Which logs tell of the hardware. BMCs keep several (audit, journal, POST
 * codes …), some of them thousands of lines long.
 */
import type { Connection, Member } from './connection.ts';
import { reasonOf } from './facts.ts';
import { lastSegment, plain } from './links.ts';
import { type ComputerSystem, type LogService, logService } from './schema.ts';
import { readManagers, type Topology } from './topology.ts';

/** Logs of who logged in, of the BMC's own programs, or of large dumps: no news of the hardware. */
const unrelated = /audit|journal|security|dump|post|debug|host(logger|console)|diagnostic|^sl$|^iel$|redfishlog|fdr/i;

/** `most` is how many entries it takes before it takes no more; undefined where it forgets its oldest, or does not say. */
type Candidate = { entries: string; rank: number; most: number | undefined };

/** The logs that tell of the hardware, the best first. */
export async function logs(connection: Connection, system: ComputerSystem, topology: Topology): Promise<Candidate[]> {
  const managers = await readManagers(connection, topology.managerUris, { lasting: true });
  const collections = [system.LogServices, ...managers.map(each => each.LogServices)].filter(each => each != null);
  const seen = new Map(collections.map(link => [plain(link), link]));
  const services = await Promise.all(
    [...seen.values()].map(async link => {
      const { members } = await connection
        .members(link, { lasting: true, expand: 1, of: logService })
        .catch((error: unknown) => {
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

async function candidate(
  connection: Connection,
  member: Member<LogService>,
  topology: Topology,
): Promise<Candidate | undefined> {
  const id = lastSegment(member.uri);
  const preferred = [/^sel$/i, ...topology.profile.logs].findIndex(pattern => pattern.test(id));
  if (preferred === -1 && unrelated.test(id)) return undefined;
  try {
    const read = member.whole ? member.inline : await connection.read(member.uri, logService, { lasting: true });
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
