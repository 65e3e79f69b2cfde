/**
 * Turns the looks at one server, one after the other, into findings. Pure: what
 * is remembered between two looks is a small JSON value that the caller keeps.
 */
import { factValue } from '../core/bmc.ts';
import { type Finding, type FindingSubject, isStanding } from '../core/finding.ts';
import type { HealthSample, RedundancyGroup } from '../core/hardware.ts';
import { isBad, judged, type Observation, worse } from './observation.ts';
import { isSilence, observeBmc, observeMissing, type ReadingsState } from './rules/bmc.ts';
import {
  inletLimits,
  isInlet,
  observeFanRedundancy,
  observeFans,
  observeTemperatures,
  plausibleCelsius,
} from './rules/cooling.ts';
import { observeDrives } from './rules/drives.ts';
import { type Given, observeGiven } from './rules/given.ts';
import { type LogState, observeLog, type TakenEntry } from './rules/log.ts';
import { type MemoryState, observeMemory } from './rules/memory.ts';
import { observePower } from './rules/power.ts';
import type { Look } from './sampler.ts';
import { followed, isForgettable, type Track } from './track.ts';

export type ServerState = {
  /** Milliseconds since 1970 of the newest look. */
  at: number;
  /** Of the newest look that gave a sample. */
  readAt?: number;
  /** Looks in a row that the BMC left unanswered. */
  silent: number;
  /** By kind and part; a part that is well and was has none. */
  tracks: Record<string, Track>;
  memory: MemoryState;
  log?: LogState;
  readings?: ReadingsState;
  /** The air that came in at `at`, and where it is too warm; degrees Celsius. */
  inlet?: { at: number; celsius: number; usual: number; caution: number; critical: number };
};

export type Evaluated = {
  state: ServerState;
  /** Findings that opened, cleared, latched or changed level with this look. */
  changed: Finding[];
  /** Entries of its logs that no look had seen before, the newest of a log first. */
  entries: TakenEntry[];
};

/** A look that is not newer than the last one changes nothing. */
export function evaluate(
  state: ServerState | undefined,
  look: Look,
  about: { site: string; rack?: string; given?: Given },
): Evaluated {
  const now = look.at.getTime();
  if (state && now <= state.at) return { state, changed: [], entries: [] };
  const before: ServerState = state ?? { at: now, silent: 0, tracks: {}, memory: {} };
  const { rest, observations, entries } =
    'sample' in look ? observe(before, look.sample, look) : missing(before, look.missing);
  const { given = {}, ...place } = about;
  const seen = [...observations, ...observeGiven(given, now)];
  const tracks = track(before.tracks, seen, { subject: { ...place, node: look.node }, at: look.at });
  return {
    state: { ...before, ...rest, at: now, tracks },
    changed: Object.entries(tracks).flatMap(([key, { finding }]) =>
      finding && differs(before.tracks[key]?.finding, finding) ? [finding] : [],
    ),
    entries,
  };
}

/** Open, acknowledged, and those that cleared within a day. */
export function findingsOf({ tracks }: ServerState): Finding[] {
  return Object.values(tracks).flatMap(({ finding }) => finding ?? []);
}

type Seen = { rest: Partial<ServerState>; observations: Observation[]; entries: TakenEntry[] };

function missing(before: ServerState, failure: Parameters<typeof observeMissing>[0]): Seen {
  const silent = isSilence(failure.code) ? before.silent + 1 : 0;
  return { rest: { silent }, observations: observeMissing(failure), entries: [] };
}

function observe(before: ServerState, sample: HealthSample, look: { at: Date; tookMs: number }): Seen {
  const now = look.at.getTime();
  const modules = factValue(sample.memory);
  const memory = modules ? observeMemory(before.memory, modules, now) : { state: before.memory, observations: [] };
  const log = observeLog(before.log, sample, now);
  const bmc = observeBmc(before.readings, sample, look);
  const parts = [
    ...memory.observations,
    ...observeFans(factValue(sample.fans) ?? [], factValue(sample.power)),
    ...observeTemperatures(factValue(sample.temperatures) ?? []),
    ...observeFanRedundancy(groupsOf(sample, 'fans'), factValue(sample.power)),
    ...observePower(factValue(sample.powerSupplies) ?? [], groupsOf(sample, 'supplies')),
    ...observeDrives(factValue(sample.drives) ?? []),
  ];
  const inlet = inletOf(before.inlet, sample, now);
  return {
    rest: {
      readAt: now,
      silent: 0,
      memory: memory.state,
      ...(log.state ? { log: log.state } : {}),
      ...(bmc.state ? { readings: bmc.state } : {}),
      ...(inlet ? { inlet } : {}),
    },
    observations: [...parts, ...log.observations, ...bmc.observations, ...rollUp(sample, parts)],
    entries: log.taken,
  };
}

function groupsOf({ redundancy }: HealthSample, of: RedundancyGroup['of']): RedundancyGroup[] {
  return (factValue(redundancy) ?? []).filter(group => group.of === of);
}

/** The BMC's word for the whole is news only while no part explains it. */
function rollUp({ health }: HealthSample, parts: Observation[]): Observation[] {
  const verdict = judged(health);
  if (verdict === undefined) return [];
  const explained = parts.some(part => isBad(part.verdict));
  const told = { kind: 'system-health' as const, part: { name: 'system' } };
  if (isBad(verdict) && explained) return [{ ...told, verdict: 'held' }];
  return [{ ...told, verdict, text: `the BMC calls the server ${verdict}, and no part that we read` }];
}

/** The warmest inlet; what is usual there follows over hours, and not while it is too warm. */
function inletOf(before: ServerState['inlet'], { temperatures }: HealthSample, now: number): ServerState['inlet'] {
  const [warmest] = (factValue(temperatures) ?? [])
    .filter(isInlet)
    .flatMap(sensor => {
      const celsius = plausibleCelsius(sensor);
      return celsius === undefined ? [] : [{ celsius, ...inletLimits(sensor) }];
    })
    .toSorted((a, b) => b.celsius - a.celsius);
  if (!warmest) return before;
  const calm = Math.min(warmest.celsius, warmest.caution);
  const share = before ? Math.min(1, (now - before.at) / usualMs) : 1;
  const usual = before ? before.usual + share * (calm - before.usual) : calm;
  return { at: now, usual: Math.round(usual * 100) / 100, ...warmest };
}

const usualMs = 24 * 3_600_000;

function track(
  before: Record<string, Track>,
  observations: Observation[],
  about: { subject: FindingSubject; at: Date },
): Record<string, Track> {
  const tracks = { ...before };
  for (const [key, seen] of byPart(observations)) {
    if (tracks[key] === undefined && !isBad(seen.verdict)) continue;
    tracks[key] = followed(tracks[key], seen, about);
  }
  for (const [key, each] of Object.entries(tracks)) if (isForgettable(each, about.at)) delete tracks[key];
  return tracks;
}

/** One observation for each part; of two the worse. */
function byPart(observations: Observation[]): Map<string, Observation> {
  const parts = new Map<string, Observation>();
  for (const seen of observations) {
    const key = `${seen.kind} ${seen.part.uri ?? seen.part.name}`;
    const other = parts.get(key);
    if (!other || worse(seen.verdict, other.verdict) !== other.verdict) parts.set(key, seen);
  }
  return parts;
}

function differs(before: Finding | undefined, after: Finding): boolean {
  if (!before) return true;
  return (
    before.state !== after.state ||
    before.level !== after.level ||
    (before.latched !== after.latched && isStanding(after))
  );
}
