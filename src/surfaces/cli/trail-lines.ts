/** A trail's entries as lines: who, when, what, and what went over the wire and came back. */
import type { Cell } from '../../core/document.ts';
import { memberOf, type SeenEntry, secondOf, told, wordOf } from './custody-rows.ts';

export type TrailLine = {
  seq: number;
  time: string;
  type: string;
  who: { sub: string; groups: string[]; channel: string };
  node?: string;
  what: string;
  sent?: { method: string; target: string; path: string; bodyDigest: string; attempt: number };
  cameBack?: { intent: number; outcome: string; detail: string };
  /** Id of the evidence that is kept beside it. */
  kept?: string;
  entry: SeenEntry;
};

/** The entry as a line of a trail. Members that are missing, or of another kind than expected, read as empty. */
export function lineOf(seq: number, entry: SeenEntry): TrailLine {
  const { actor, via, resource, request } = entry;
  const node = memberOf(resource, 'node');
  const [time, type] = [wordOf(entry.time), wordOf(entry.type)];
  const line: TrailLine = {
    seq,
    time,
    type,
    who: { sub: memberOf(actor, 'sub'), groups: groupsOf(actor), channel: memberOf(via, 'channel') },
    ...(node === '' ? {} : { node }),
    what: told(entry, toldMembers).join(' · '),
    entry,
  };
  switch (type) {
    case 'effect.intent': {
      const part = (name: string) => memberOf(request, name);
      const where = { method: part('method'), target: part('target'), path: part('path') };
      return { ...line, sent: { ...where, bodyDigest: part('bodyDigest'), attempt: Number(entry.attempt) } };
    }
    case 'effect.result':
      return { ...line, cameBack: { ...endOf(entry), outcome: wordOf(entry.status), detail: wordOf(entry.detail) } };
    case 'effect.reconciled':
      return { ...line, cameBack: { ...endOf(entry), outcome: wordOf(entry.finding), detail: wordOf(entry.evidence) } };
    case 'evidence':
      return { ...line, kept: wordOf(entry.evidence) };
    default:
      return line;
  }
}

function endOf({ intent }: SeenEntry): { intent: number } {
  return { intent: Number(intent) };
}

function groupsOf(actor: unknown): string[] {
  const groups = typeof actor === 'object' && actor !== null ? (actor as SeenEntry).groups : undefined;
  return Array.isArray(groups) ? groups.map(wordOf) : [];
}

/** What was decided or done; what went over the wire has its own column. */
const toldMembers = 'action plan operation approval step kind state verdict vote reason reasons text'.split(' ');

const badOutcomes = ['failed', 'unknown', 'ambiguous'];

export const lineColumns = ['seq', 'time', 'who', 'what', 'sent / came back'];

/** One row of the table with {@link lineColumns}. */
export function lineCells({ seq, time, type, who, node, what, sent, cameBack, kept }: TrailLine): Cell[] {
  const groups = who.groups.length > 0 ? ` (${who.groups.join(', ')})` : '';
  const by = `${who.sub}${groups} via ${who.channel}`;
  const story = [type, node, what].filter(Boolean).join(' · ');
  return [String(seq), secondOf(time), by, story, kept ?? wireCell(sent, cameBack)];
}

function wireCell(sent: TrailLine['sent'], cameBack: TrailLine['cameBack']): Cell {
  if (sent) return `${sent.method} ${sent.target}${sent.path} · attempt ${sent.attempt} · body ${sent.bodyDigest}`;
  if (!cameBack) return '';
  const { intent, outcome, detail } = cameBack;
  const text = [`${outcome}, of ${intent}`, detail].filter(Boolean).join(' · ');
  return { text, tone: badOutcomes.includes(outcome) ? 'bad' : 'good' };
}
