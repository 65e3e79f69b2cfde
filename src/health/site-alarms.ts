/**
 * What many servers of one rack or site show at once has one cause outside of
 * them: the room is warm, or the way to it is cut. That is one alarm which
 * counts them, and not a finding for each.
 */
import type { Finding, FindingKind, FindingSubject } from '../core/finding.ts';
import { isStanding } from '../core/finding.ts';
import type { ServerState } from './evaluate.ts';
import type { Observation, Verdict } from './observation.ts';
import { followed, isForgettable, type Track } from './track.ts';

export type PlacedServer = { node: string; site: string; rack?: string; state: ServerState };

/** JSON, as {@link ServerState}; one for the whole fleet. */
export type AlarmState = { at: number; tracks: Record<string, Track>; covers: Record<string, string[]> };

/** Shares of the servers that were read, and the fewest of them that can tell. */
const share = { bad: 0.6, well: 0.3 };
const fewest = { inlet: 3, silence: 2 };
/** Degrees above what is usual at which an inlet has risen, though no limit is reached. */
const riseCelsius = 8;
/** An inlet that was read longer ago says nothing of now. Milliseconds. */
const freshMs = 10 * 60_000;
/** Looks in a row without an answer. */
const silentLooks = 2;

/** Looks at the newest state of every server, as often as the caller likes: once a minute is usual. */
export function siteAlarms(
  before: AlarmState | undefined,
  servers: PlacedServer[],
  at: Date,
): { state: AlarmState; alarms: Finding[] } {
  const tracks = { ...before?.tracks };
  const covers: Record<string, string[]> = {};
  if (before && at.getTime() <= before.at) return { state: before, alarms: alarmsOf(before) };
  for (const { key, subject, seen, nodes } of observed(servers, at.getTime())) {
    tracks[key] = followed(tracks[key], seen, { subject, at });
    covers[key] = nodes.length > 0 ? nodes : (before?.covers[key] ?? []);
  }
  for (const key of Object.keys(tracks)) {
    const each = tracks[key];
    if (each && isForgettable(each, at)) delete tracks[key];
  }
  const kept = Object.keys(tracks).map(key => [key, covers[key] ?? before?.covers[key] ?? []] as const);
  const state = { at: at.getTime(), tracks, covers: Object.fromEntries(kept) };
  return { state, alarms: alarmsOf(state) };
}

/** Those that stand, and those that cleared within a day. Where a whole site is warm, its racks are not told. */
export function alarmsOf({ tracks, covers }: AlarmState): Finding[] {
  const all = Object.entries(tracks).flatMap(([key, { finding }]) =>
    finding ? [{ ...finding, covers: covers[key] ?? [] }] : [],
  );
  const wide = all.filter(alarm => isStanding(alarm) && alarm.rack === undefined);
  return all.filter(
    alarm => alarm.rack === undefined || !wide.some(({ kind, site }) => kind === alarm.kind && site === alarm.site),
  );
}

const folds: Partial<Record<FindingKind, FindingKind>> = {
  'inlet-temperature': 'site-inlet',
  'bmc-unreachable': 'site-unreachable',
};

/** The findings of servers, those that an alarm tells already marked with its id. They stay as its evidence. */
export function folded(findings: Finding[], alarms: Finding[]): Finding[] {
  const standing = alarms.filter(isStanding);
  return findings.map(finding => {
    const { node } = finding;
    const alarm = standing.find(({ kind, covers }) => kind === folds[finding.kind] && node && covers?.includes(node));
    return alarm ? { ...finding, foldedUnder: alarm.id } : finding;
  });
}

type AlarmSeen = { key: string; subject: FindingSubject; seen: Observation; nodes: string[] };

function observed(servers: PlacedServer[], now: number): AlarmSeen[] {
  const sites = [...Map.groupBy(servers, ({ site }) => site)];
  const racks = sites.flatMap(([site, there]) =>
    [...Map.groupBy(there, ({ rack }) => rack)].flatMap(([rack, within]) =>
      rack === undefined ? [] : [{ subject: { site, rack }, within }],
    ),
  );
  const whole = sites.map(([site, within]) => ({ subject: { site }, within }));
  return [
    ...[...whole, ...racks].flatMap(({ subject, within }) => inletSeen(subject, within, now)),
    ...whole.flatMap(({ subject, within }) => silenceSeen(subject, within)),
  ];
}

function inletSeen(subject: FindingSubject, within: PlacedServer[], now: number): AlarmSeen[] {
  const read = within.flatMap(({ node, state: { inlet } }) =>
    inlet && now - inlet.at <= freshMs ? [{ node, ...inlet }] : [],
  );
  if (read.length < fewest.inlet || read.length < within.length * share.bad) return [];
  const warm = read.filter(each => each.celsius >= each.caution || each.celsius - each.usual >= riseCelsius);
  const hot = warm.filter(each => each.celsius >= each.critical);
  const highest = Math.max(...read.map(({ celsius }) => celsius));
  const text = `${warm.length} of ${read.length} servers ${placeText(subject)} take in air that is too warm, up to ${highest} °C`;
  const verdict = hot.length >= read.length * share.bad ? 'critical' : verdictOf(warm.length / read.length);
  return [alarm('site-inlet', subject, { verdict, text, value: warm.length, nodes: warm.map(({ node }) => node) })];
}

/** A site is lost when hardly any of its BMCs answers. That says nothing of the servers. */
function silenceSeen(subject: FindingSubject, within: PlacedServer[]): AlarmSeen[] {
  if (within.length < fewest.silence) return [];
  const silent = within.filter(({ state }) => state.silent >= silentLooks);
  const text = `site ${subject.site} is unreachable: ${silent.length} of ${within.length} BMCs do not answer`;
  const verdict = verdictOf(silent.length / within.length);
  const nodes = silent.map(({ node }) => node);
  return [alarm('site-unreachable', subject, { verdict, text, value: silent.length, nodes })];
}

function verdictOf(part: number): Verdict {
  return part >= share.bad ? 'warning' : part > share.well ? 'held' : 'good';
}

function alarm(
  kind: FindingKind,
  subject: FindingSubject,
  { nodes, ...seen }: { verdict: Verdict; text: string; value: number; nodes: string[] },
): AlarmSeen {
  const name = subject.rack === undefined ? subject.site : `${subject.site}/${subject.rack}`;
  return { key: `${kind} ${name}`, subject, seen: { kind, part: { name }, ...seen }, nodes };
}

function placeText({ site, rack }: FindingSubject): string {
  return rack === undefined ? `of site ${site}` : `of rack ${rack} in ${site}`;
}
