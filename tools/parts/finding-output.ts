/** Findings as tools answer them, and as people read them. */
import { z } from 'zod';
import { type Cell, foreign, toned } from '../../src/core/document.ts';
import { type Finding, notReadSince } from '../../src/core/finding.ts';
import { ageText } from './age.ts';

export const findingOutput = z.object({
  id: z.string(),
  site: z.string(),
  node: z.string().optional().describe('Missing in an alarm of a whole site'),
  kind: z.string(),
  level: z.enum(['warning', 'critical']),
  state: z.enum(['open', 'acknowledged', 'cleared']),
  text: z.string(),
  part: z.string().describe('As the BMC names it'),
  since: z.string(),
  lastSeen: z.string(),
  notReadSince: z.string().optional().describe('Its part has not been read for a while'),
  clearedAt: z.string().optional(),
  latched: z.boolean().describe('It came and went; only an acknowledgement ends it'),
  acknowledgedBy: z.string().optional(),
  covers: z.array(z.string()).optional().describe('Nodes that an alarm of a site speaks for'),
  foldedUnder: z.string().optional().describe('Id of the alarm that tells this too'),
  evidence: z
    .array(z.object({ at: z.string(), text: z.string(), untrusted: z.string().optional() }))
    .describe('The first and the newest samples that showed it; untrusted is text of the machine'),
});
export type FindingOutput = z.infer<typeof findingOutput>;

export function findingTold(finding: Finding, now: Date): FindingOutput {
  const { id, site, node, kind, level, state, text, part, since, lastSeen, clearedAt, latched } = finding;
  const unread = notReadSince(finding, now);
  return {
    id,
    site,
    ...(node === undefined ? {} : { node }),
    kind,
    level,
    state,
    text,
    part: part.name,
    since,
    lastSeen,
    ...(unread === undefined ? {} : { notReadSince: unread }),
    ...(clearedAt === undefined ? {} : { clearedAt }),
    latched,
    ...(finding.acknowledged ? { acknowledgedBy: finding.acknowledged.by } : {}),
    ...(finding.covers ? { covers: finding.covers } : {}),
    ...(finding.foldedUnder ? { foldedUnder: finding.foldedUnder } : {}),
    evidence: finding.evidence.map(({ at, text: shown, untrusted }) => ({
      at,
      text: shown,
      ...(untrusted === undefined ? {} : { untrusted }),
    })),
  };
}

/** Where, what, how it stands, since when, and the id by which it is acknowledged. */
export function findingRow(finding: FindingOutput, now: string): Cell[] {
  const { site, node, level, text, state, latched, since, id, acknowledgedBy, notReadSince: unread } = finding;
  const standing =
    state === 'acknowledged' ? `acknowledged by ${acknowledgedBy}` : latched ? 'open, keeps coming back' : state;
  const tone = state === 'cleared' ? 'muted' : level === 'critical' ? 'bad' : 'warn';
  return [
    node ?? `site ${site}`,
    foreign(toned(unread ? `${text} (not read for ${ageText(unread, now)})` : text, tone)),
    standing,
    ageText(since, now),
    id,
  ];
}

export const findingColumns = ['where', 'what', 'state', 'for', 'id'];
