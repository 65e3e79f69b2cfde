/** The resources behind links: taken from the list itself where the BMC wrote them into it, else read one by one. */
import type { z } from 'zod';
import { FleetError } from '../../core/errors.ts';
import { protocolError } from './answer.ts';
import type { Connection, Member, MembersOptions, ReadOptions } from './connection.ts';
import { reasonOf } from './facts.ts';
import { lastSegment, plain } from './links.ts';

/** `each` is how those are read that take a request of their own. */
type Options = Pick<MembersOptions, 'expand' | 'list' | 'lasting'> & { each?: ReadOptions };
export type ReadMember<T> = { uri: string } & ({ found: T } | { unread: string });

/** Every member of a collection; one that is not there (404) is left out. Throws when the collection cannot be read to its end. */
export async function readMembers<T extends z.ZodType>(
  connection: Connection,
  link: string,
  schema: T,
  { each: manner, ...options }: Options = {},
): Promise<ReadMember<z.infer<T>>[]> {
  const { members, complete } = await connection.members(link, { expand: 1, ...options, of: schema });
  if (!complete) throw protocolError(`a collection of ${connection.url} does not end`);
  // Two links to one resource count once.
  const each = new Map(members.map(member => [plain(member.uri), member]));
  const read = await Promise.all(
    [...each.values()].map(member => readMember(connection, member, { schema, ...manner })),
  );
  return read.filter(one => one !== undefined);
}

/** Undefined where it is not there: a collection that lists what is gone is common, what is there but unreadable is worth knowing. */
async function readMember<T extends z.ZodType>(
  connection: Connection,
  { uri, whole, inline }: Member<z.infer<T>>,
  { schema, ...options }: ReadOptions & { schema: T },
): Promise<ReadMember<z.infer<T>> | undefined> {
  if (whole) return { uri, found: inline };
  try {
    return { uri, found: await connection.read(uri, schema, options) };
  } catch (error) {
    const unread = reasonOf(error);
    return FleetError.from(error).code === 'not_found' ? undefined : { uri, unread };
  }
}

/** Parts of the same name, as most BMCs give them, are told apart by their ids. */
export function named<T extends { uri: string; name: string }>(parts: T[]): T[] {
  const times = new Map<string, number>();
  for (const { name } of parts) times.set(name, (times.get(name) ?? 0) + 1);
  return parts.map(part => (times.get(part.name) === 1 ? part : { ...part, name: `${part.name} (${idOf(part.uri)})` }));
}

/** The last part of a resource's URI, or of the place inside one. */
export function idOf(uri: string): string {
  return uri.includes('#') ? (uri.split(/[#/]/).at(-1) ?? '') : lastSegment(uri);
}
