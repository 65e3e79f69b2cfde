/** The resources behind links: taken from the list itself where the BMC wrote them into it, else read one by one. */
import type { z } from 'zod';
import { FleetError } from '../../core/errors.ts';
import { protocolError } from './answer.ts';
import type { Connection, Member, MembersOptions, ReadOptions } from './connection.ts';
import { reasonOf } from './facts.ts';
import { lastSegment, plain } from './links.ts';

type Options = Pick<MembersOptions, 'expand' | 'list' | 'lasting'> & {
  /** How those are read that take a request of their own. */
  each?: ReadOptions;
  /** Lists name what is gone, so it is left out unless said; of a fan that stopped, the BMC may tell no more than that. */
  gone?: 'unread';
};
export type ReadMember<T> = { uri: string } & ({ found: T } | { unread: string });

/** Every member of a collection; one that is not there (404) is left out unless said. Throws when the collection cannot be read to its end. */
export async function readMembers<T extends z.ZodType>(
  connection: Connection,
  link: string,
  schema: T,
  { each: manner, gone, ...options }: Options = {},
): Promise<ReadMember<z.infer<T>>[]> {
  const { members, complete } = await connection.members(link, { expand: 1, ...options, of: schema });
  if (!complete) throw protocolError(`a collection of ${connection.url} does not end`);
  // Two links to one resource count once.
  const each = new Map(members.map(member => [plain(member.uri), member]));
  const read = await Promise.all(
    [...each.values()].map(member => readMember(connection, member, { schema, ...manner })),
  );
  return read.flatMap(one => (one.gone && gone === undefined ? [] : [one.member]));
}

async function readMember<T extends z.ZodType>(
  connection: Connection,
  { uri, whole, inline }: Member<z.infer<T>>,
  { schema, ...options }: ReadOptions & { schema: T },
): Promise<{ member: ReadMember<z.infer<T>>; gone: boolean }> {
  if (whole) return { member: { uri, found: inline }, gone: false };
  try {
    return { member: { uri, found: await connection.read(uri, schema, options) }, gone: false };
  } catch (error) {
    const unread = reasonOf(error);
    return { member: { uri, unread }, gone: FleetError.from(error).code === 'not_found' };
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
