/**
 * What a digest tells of its facts: the same facts give the same words. Only
 * what can change the reader's day is in it, the worst first.
 */
import { type Block, type Cell, foreign, toned } from '../core/document.ts';
import { type Picture, rolloutPicture } from '../core/picture.ts';
import { type DigestFacts, endedSince } from './facts.ts';

export type Told = {
  name: string;
  /** `fleet`, or the sites. */
  about: string;
  timeZone: string;
  since: Date;
  now: Date;
  missed: number;
};

const mostListed = 12;
const expiresSoonMs = 24 * 3_600_000;

export function digestBlocks(facts: DigestFacts, told: Told): Block[] {
  const { overview: seen, custody } = facts;
  const counts = seen.sites.map(site => site.counts);
  const notReady = seen.sites.flatMap(({ nodes }) => nodes.filter(({ kubernetes }) => kubernetes !== 'Ready'));
  const nodes = sum(counts, each => each.nodes);
  const down = sum(counts, each => each.nodes - each.kubernetes.ready);
  const fresh = facts.findings.filter(({ since, state }) => state !== 'cleared' && new Date(since) >= told.since);
  const standing = facts.findings.filter(({ since, state }) => state !== 'cleared' && new Date(since) < told.since);
  const cleared = facts.findings.filter(
    ({ clearedAt }) => clearedAt !== undefined && new Date(clearedAt) >= told.since,
  );
  const ended = facts.operations.filter(operation => endedSince(operation, told.since));
  const open = facts.operations.filter(({ endedAt }) => endedAt === undefined);
  return [
    { heading: `Digest ${told.name}: ${told.about}, ${localTime(told.now, told.timeZone)}` },
    ...(told.missed > 0
      ? [
          {
            text: `${told.missed} earlier one${told.missed === 1 ? ' was' : 's were'} due and not made; this one tells of all that time.`,
            tone: 'warn' as const,
          },
        ]
      : []),
    {
      facts: [
        ['nodes', count(nodes, down, 'not Ready')],
        ['hardware', healthWords(counts)],
        ['firmware', firmwareWords(counts)],
        ['since', localTime(told.since, told.timeZone)],
      ],
    },
    ...unusual(seen),
    ...listed(
      'Not Ready',
      notReady.map(({ node, kubernetes }) => toned(`${node}: ${kubernetes}`, 'bad')),
      down,
    ),
    ...listed('New below Kubernetes', fresh.map(findingCell)),
    ...listed('Still standing', standing.map(findingCell)),
    ...listed(
      'Over',
      cleared.map(({ node, site, text }) => foreign(toned(`${node ?? site}: ${text}`, 'good'))),
    ),
    ...compliance(seen.sites),
    ...listed('Operations that ended', ended.map(operationCell)),
    ...listed('Operations under way', open.map(operationCell)),
    ...listed(
      'Waits for votes',
      seen.pendingApprovals.map(approval => approvalCell(approval, told)),
    ),
    { text: `Custody: ${custody.size} entries, root ${custody.root}`, tone: 'muted' },
  ];
}

/** Compliance by site where a site has a baseline, and how the newest rollouts went that ended since the last digest. */
export function digestPictures({ overview: seen, rollouts }: DigestFacts, { timeZone, now }: Told): Picture[] {
  const sites = judged(seen.sites).map(({ site, firmware: { compliant, behind, ahead, unknown } }) => {
    return { site, wanted: compliant, other: behind + ahead, unknown };
  });
  const title = 'Firmware as wanted, by site';
  return [
    ...(sites.length > 0 ? [{ kind: 'compliance' as const, title, timeZone, at: now.toISOString(), sites }] : []),
    ...rollouts.map(operation => rolloutPicture(operation, { timeZone })),
  ];
}

function unusual({ custody, policy, freezes, sites }: DigestFacts['overview']): Block[] {
  const lost = sites.filter(({ reachable }) => !reachable).map(({ site }) => site);
  return [
    ...(lost.length > 0 ? [{ text: `Out of reach: ${[...new Set(lost)].join(', ')}`, tone: 'bad' as const }] : []),
    ...custody.map(text => ({ text, tone: 'bad' as const })),
    ...(policy.state === 'kept'
      ? [{ text: 'Earlier policies are followed: those in the folder are not usable.', tone: 'bad' as const }]
      : []),
    ...freezes.map(({ site, cluster, reason, by }) => ({
      text: `Changes are frozen by ${by} (${site === '*' ? 'everywhere' : cluster === '*' ? site : cluster}): ${reason}`,
      tone: 'bad' as const,
      foreign: true as const,
    })),
  ];
}

/** Sites without a baseline are left out. */
function judged(sites: DigestFacts['overview']['sites']) {
  return sites
    .map(({ site, counts: { nodes, firmware } }) => ({ site, nodes: nodes - firmware.noBaseline, firmware }))
    .filter(({ nodes }) => nodes > 0);
}

/** Nodes of each site that run what its baseline wants. */
function compliance(sites: DigestFacts['overview']['sites']): Block[] {
  const all = judged(sites);
  if (all.length === 0) return [];
  return [
    {
      title: 'Firmware as wanted',
      bars: all.map(({ site, nodes, firmware: { compliant: good } }) => {
        return {
          name: site,
          share: good / nodes,
          text: `${good} of ${nodes}`,
          tone: good === nodes ? ('good' as const) : ('warn' as const),
        };
      }),
    },
  ];
}

/** `all` where there are more than the list has. */
function listed(title: string, list: Cell[], all = list.length): Block[] {
  if (list.length === 0) return [];
  const rest = Math.max(all, list.length) - mostListed;
  return [{ title, list: rest > 0 ? [...list.slice(0, mostListed), toned(`and ${rest} more`, 'muted')] : list }];
}

type Counts = DigestFacts['overview']['sites'][number]['counts'];

function sum(counts: Counts[], of: (each: Counts) => number): number {
  return counts.reduce((total, each) => total + of(each), 0);
}

function count(all: number, bad: number, word: string): Cell {
  return bad === 0 ? toned(`${all} Ready`, 'good') : toned(`${all}, of which ${bad} ${word}`, 'bad');
}

function healthWords(counts: Counts[]): Cell {
  const words = (['critical', 'warning', 'unknown'] as const)
    .map(level => ({ level, nodes: sum(counts, ({ hardware }) => hardware[level]) }))
    .filter(({ nodes: number }) => number > 0);
  if (words.length === 0) return toned('all well', 'good');
  return toned(
    words.map(({ level, nodes: number }) => `${number} ${level}`).join(', '),
    words[0]?.level === 'critical' ? 'bad' : 'warn',
  );
}

function firmwareWords(counts: Counts[]): Cell {
  const behind = sum(counts, ({ firmware }) => firmware.behind + firmware.ahead);
  const unknown = sum(counts, ({ firmware }) => firmware.unknown);
  if (behind + unknown === 0) return toned('as wanted', 'good');
  return toned(
    [...(behind > 0 ? [`${behind} not as wanted`] : []), ...(unknown > 0 ? [`${unknown} unknown`] : [])].join(', '),
    'warn',
  );
}

function findingCell({ node, site, level, text, id }: DigestFacts['findings'][number]): Cell {
  return foreign(toned(`${node ?? site}: ${text} (${id})`, level === 'critical' ? 'bad' : 'warn'));
}

function operationCell({ id, kind, cluster, state, reason, stuck = [] }: DigestFacts['operations'][number]): Cell {
  const why = stuck[0] ? `stuck: ${stuck[0]}` : reason;
  const bad = state === 'halted' || stuck.length > 0;
  return foreign(
    toned(
      `${id}: ${kind} in ${cluster}, ${state}${why === '' ? '' : `: ${why}`}`,
      bad ? 'bad' : state === 'done' ? 'good' : 'plain',
    ),
  );
}

function approvalCell(
  { approval, requester, expiresAt }: DigestFacts['overview']['pendingApprovals'][number],
  { now, timeZone }: Told,
): Cell {
  const soon = new Date(expiresAt).getTime() - now.getTime() < expiresSoonMs;
  return toned(
    `${approval}, asked by ${requester}, until ${localTime(new Date(expiresAt), timeZone)}`,
    soon ? 'warn' : 'plain',
  );
}

function localTime(at: Date, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' }).format(at);
  return `${parts} ${timeZone}`;
}
