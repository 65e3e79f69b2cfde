/**
 * How far a log was read. A log may be cleared, forget its oldest, count its
 * ids anew, show old entries again or none for a while, and be written by a
 * clock that is wrong or is put right. So an entry is known by what it is, and
 * new by where it stands: what the log lists above something known.
 */
import { factValue, type LogEntry } from '../core/bmc.ts';
import type { LogReading } from '../core/hardware.ts';

/** Marks of the entries that were seen, the newest first. One text, because it is kept for every server. */
export type LogCursor = string;

/** Never taken in before. `sure`: it stands above what was the newest. */
export type FreshEntry = { entry: LogEntry; sure: boolean };

/** More than a page of any BMC that has pages; what stands below them in the log is older than they are. */
const marksKept = 128;
/** Time zones lie apart by multiples of this. */
const quarterMs = 900_000;

/** `<digest of id and text>@<milliseconds since 1970, base 36; nothing where the entry has no time>` */
type Mark = string;

export function takeIn(
  cursor: LogCursor | undefined,
  { entries, whole }: Pick<LogReading, 'entries' | 'whole'>,
): { cursor: LogCursor; fresh: FreshEntry[] } {
  const listed = [...new Map(entries.map(entry => [markOf(entry), entry]))];
  const marks = listed.map(([mark]) => mark);
  const seen = moved(marksIn(cursor), marks);
  const known = new Set(seen);
  const head = seen[0] === undefined ? -1 : marks.indexOf(seen[0]);
  const newestKnown = head !== -1 ? head : whole ? listed.length : 0;
  // An id and a text without a time come again after a log was cleared: they are known only where the newest still stands above.
  const isKnown = (mark: Mark, place: number) => known.has(mark) && (!mark.endsWith('@') || place >= newestKnown);
  const end = marks.findLastIndex(isKnown);
  const fresh = listed.flatMap(([mark, entry], place) => {
    if (isKnown(mark, place) || (end !== -1 && place > end)) return [];
    return [{ entry, sure: head !== -1 && place < head }];
  });
  return { cursor: [...new Set([...marks, ...seen])].slice(0, marksKept).join(' '), fresh };
}

/** Whether an entry was taken in. */
export function knownIn(cursor: LogCursor): (entry: LogEntry) => boolean {
  const seen = new Set(marksIn(cursor));
  return entry => seen.has(markOf(entry));
}

function marksIn(cursor: LogCursor | undefined): Mark[] {
  return cursor ? cursor.split(' ') : [];
}

/**
 * The marks as they are after the BMC came to show its times in another time zone: then nothing is as it was, the newest and at
 * least one more are there still, and all have moved by the same quarters of an hour.
 */
function moved(seen: Mark[], listed: Mark[]): Mark[] {
  const [newest] = seen;
  if (newest === undefined || listed.some(mark => seen.includes(mark))) return seen;
  const times = new Map(listed.map(partsOf));
  const still = seen.map(partsOf).filter(([what]) => times.has(what));
  const [by = 0, ...others] = still.map(([what, time]) => (times.get(what) ?? Number.NaN) - time);
  const isZone = others.length > 0 && by % quarterMs === 0 && others.every(each => each === by);
  if (!isZone || !times.has(partsOf(newest)[0])) return seen;
  return seen.map(partsOf).map(([what, time]) => joined(what, time + by));
}

function markOf({ id, created, message }: LogEntry): Mark {
  const time = Date.parse(factValue(created) ?? '');
  return joined(digest(`${id} ${message}`), time);
}

function joined(what: string, time: number): Mark {
  return `${what}@${Number.isNaN(time) ? '' : time.toString(36)}`;
}

function partsOf(mark: Mark): [what: string, time: number] {
  const [what = '', time = ''] = mark.split('@');
  return [what, Number.parseInt(time, 36)];
}

/** Cheap: thousands of entries a second go through it, and nothing hangs on it but that two texts of one log differ. */
function digest(text: string): string {
  let [a, b] = [7, 11];
  for (let i = 0; i < text.length; i++) {
    a = (Math.imul(a, 31) + text.charCodeAt(i)) | 0;
    b = (Math.imul(b, 65_599) ^ text.charCodeAt(i)) | 0;
  }
  return (a >>> 0).toString(36) + (b >>> 0).toString(36);
}
