/** The custody log as the service hands it out: read in pages, and told entry by entry. */
import type { CustodyRow } from '../../core/custody.ts';
import type { Cell } from '../../core/document.ts';
import type { CustodyHead } from '../http/api.ts';
import type { Client } from './client.ts';

const pageSize = 1_000;

export type SeenEntry = Record<string, unknown>;

/** Rows `from` up to but not including `end`, in order, page by page. */
export async function* servedRows(client: Client, from: number, end: number): AsyncGenerator<CustodyRow> {
  let next = from;
  while (next < end) {
    const rows = await client.custodyEntries({ from: next, limit: Math.min(pageSize, end - next) });
    const last = rows.at(-1);
    // A service that repeats itself must not keep us here; verification names what is missing.
    if (!last || last.seq < next) return;
    yield* rows;
    next = last.seq + 1;
  }
}

/** The signed note of the largest tree; undefined where nothing was signed. */
export function newestCheckpoint({ checkpoints }: CustodyHead): string | undefined {
  return checkpoints.reduce<CustodyHead['checkpoints'][number] | undefined>(
    (newest, each) => (newest && newest.size >= each.size ? newest : each),
    undefined,
  )?.note;
}

/** The entry inside a row, undefined when the bytes are no JSON object. */
export function entryOf(row: CustodyRow): SeenEntry | undefined {
  try {
    const entry: unknown = JSON.parse(Buffer.from(row.bytes).toString('utf8'));
    return typeof entry === 'object' && entry !== null ? { ...entry } : undefined;
  } catch {
    return undefined;
  }
}

export const entryColumns = ['seq', 'time', 'type', 'by', 'what'];

/** One line of the table with {@link entryColumns}. */
export function entryCells({ seq }: CustodyRow, entry: SeenEntry | undefined): Cell[] {
  if (!entry) return [String(seq), '', { text: 'unreadable', tone: 'bad' }, '', ''];
  const { actor, via } = entry;
  const by = [memberOf(actor, 'sub'), memberOf(via, 'channel')].filter(text => text !== '').join(' via ');
  return [String(seq), secondOf(wordOf(entry.time)), wordOf(entry.type), by, whatOf(entry)];
}

/** In the order in which they tell the story; whatever else an entry holds is left to `--json`. */
const toldMembers = [
  'action',
  'operation',
  'approval',
  'plan',
  'step',
  'state',
  'verdict',
  'vote',
  'kind',
  'subject',
  'status',
  'finding',
  'intent',
  'reason',
  'reasons',
  'detail',
  'evidence',
];

/** The words of these members, in their order; a vote that does not count says so. */
export function told(entry: SeenEntry, members: string[]): string[] {
  const words = members.flatMap(name => {
    const text = wordOf(entry[name]);
    return text === '' ? [] : [name === 'intent' ? `of intent ${text}` : text];
  });
  return entry.counted === false ? [...words, 'not counted'] : words;
}

function whatOf(entry: SeenEntry): string {
  const words = told(entry, toldMembers);
  const request = memberOf(entry.request, 'method');
  if (request) words.push(`${request} ${memberOf(entry.request, 'target')}${memberOf(entry.request, 'path')}`);
  const node = memberOf(entry.resource, 'node');
  if (node) words.unshift(node);
  return words.join(' · ');
}

/** `2026-11-23T01:02:07.387Z` to the second; any other text stays. */
export function secondOf(time: string): string {
  return time.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$/, '$1 $2Z');
}

export function memberOf(value: unknown, name: string): string {
  return typeof value === 'object' && value !== null ? wordOf((value as SeenEntry)[name]) : '';
}

export function wordOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(wordOf).join(', ');
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
