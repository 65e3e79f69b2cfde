/**
 * The watch over all servers: takes what the sampler saw, keeps what it means,
 * and writes both down. What is written lags behind by a moment and never
 * holds a look up; while the database is away the newest is kept.
 */
import type { KnownEntries } from '../core/bmc.ts';
import { FleetError } from '../core/errors.ts';
import { type Finding, isStanding, type ServerScore } from '../core/finding.ts';
import type { FindingArchive, NewestLook, StateStore, TakenLogEntry } from '../core/health-records.ts';
import type { HistorySample, HistoryStore } from '../core/history.ts';
import { acknowledged } from './acknowledge.ts';
import { evaluate, findingsOf, type ServerState } from './evaluate.ts';
import { measured } from './quantities.ts';
import type { Given } from './rules/given.ts';
import { knownEntries } from './rules/log.ts';
import type { Look } from './sampler.ts';
import { scoreOf } from './score.ts';
import { type AlarmState, alarmsOf, folded, siteAlarms } from './site-alarms.ts';

export type WatchedServer = { node: string; site: string; rack?: string };

export type WatchOptions = {
  servers: WatchedServer[];
  states: StateStore;
  archive: FindingArchive;
  history: Pick<HistoryStore, 'add'>;
  /** Findings that opened, cleared, latched or changed level. */
  onChange(findings: Finding[]): void;
  /** What could not be written. It is tried again. */
  onError(error: FleetError): void;
};

export type Watch = {
  /** Waits for nothing. */
  take(look: Look): Promise<void>;
  /** What was taken in of the logs of a server. */
  known(node: string): KnownEntries;
  /** What others found out about a server; it is taken as so until it is learned anew or that moment. */
  learn(node: string, given: Given, until: Date): void;
  /** Looks at racks and sites as a whole; once a minute is usual. */
  lookAround(at: Date): Promise<void>;
  /** Of one node or of all, alarms of sites included, those that cleared within a day too. */
  findings(node?: string): Finding[];
  score(node: string): ServerScore;
  /** When a look at the server last gave a sample. */
  readAt(node: string): Date | undefined;
  /** What each server showed last; before its first look there is nothing of it. */
  newest(): NewestLook[];
  /** Undefined when no finding of that id stands. */
  acknowledge(id: string, who: { by: string; at: Date }): Promise<Finding | undefined>;
  /** Writes what is not written yet; news are begun to be written at once. */
  flush(): Promise<void>;
  /** Samples and log entries that wait for the database, and those given up since the start. */
  backlog(): { waiting: number; dropped: number };
};

const alarmKey = 'fleet/alarms';
/** Samples that wait for the database, and as many log entries; beyond that the oldest are given up. */
const mostWaiting = 50_000;

export async function openWatch(options: WatchOptions): Promise<Watch> {
  const { servers, states: store, archive, history, onChange, onError } = options;
  const placeOf = new Map(servers.map(({ node, ...place }) => [node, place]));
  const loaded = await store.load([alarmKey, ...servers.map(({ node }) => keyOf(node))]);
  const states = new Map<string, ServerState>();
  for (const { node } of servers) {
    const state = loaded.get(keyOf(node));
    if (state !== undefined) states.set(node, state as ServerState);
  }
  let alarms = loaded.get(alarmKey) as AlarmState | undefined;
  const newest = new Map<string, NewestLook>();
  const learned = new Map<string, { given: Given; until: Date }>();
  const unsaved = new Set<string>();
  let samples: HistorySample[] = [];
  let entries: TakenLogEntry[] = [];
  let changes: Finding[] = [];
  let writing = Promise.resolve();
  /** Waits for the one that runs, and takes what has come by then. */
  let next: Promise<void> | undefined;
  let dropped = 0;

  function changed(findings: Finding[]): void {
    if (findings.length === 0) return;
    changes.push(...findings);
    onChange(findings);
    void watch.flush();
  }

  function giveUpOldest(): void {
    dropped += Math.max(0, samples.length - mostWaiting) + Math.max(0, entries.length - mostWaiting);
    if (samples.length > mostWaiting) samples = samples.slice(-mostWaiting);
    if (entries.length > mostWaiting) entries = entries.slice(-mostWaiting);
  }

  async function write(): Promise<void> {
    const [some, taken, told, keys] = [samples, entries, changes, [...unsaved]];
    // As they are now: a later state has taken in entries that are not among these.
    const saved = keys.flatMap(stateAt);
    samples = [];
    entries = [];
    changes = [];
    unsaved.clear();
    try {
      await history.add(some);
      await archive.put(told);
      await store.save(saved, taken);
    } catch (thrown) {
      samples = [...some, ...samples];
      entries = [...taken, ...entries];
      giveUpOldest();
      changes = [...told, ...changes];
      for (const key of keys) unsaved.add(key);
      onError(FleetError.from(thrown));
    }
  }

  const alarmFindings = () => (alarms ? alarmsOf(alarms) : []);

  const watch: Watch = {
    async take(look) {
      const place = placeOf.get(look.node);
      if (place === undefined) return;
      const seen = evaluate(states.get(look.node), look, { ...place, given: { ...learnedOf(look), ...givenBy(look) } });
      states.set(look.node, seen.state);
      unsaved.add(look.node);
      const { limits, ...seenNow } = shown(look);
      newest.set(look.node, {
        site: place.site,
        tookMs: look.tookMs,
        quantities: [],
        values: [],
        ...(limits && { limits }),
        ...seenNow,
      });
      samples.push(seenNow);
      for (const entry of seen.entries) entries.push({ ...entry, node: look.node, takenAt: look.at });
      giveUpOldest();
      changed(seen.changed);
    },

    learn(node, given, until) {
      learned.set(node, { given, until });
    },

    async lookAround(at) {
      const placed = servers.flatMap(server => {
        const state = states.get(server.node);
        return state ? [{ ...server, state }] : [];
      });
      const before = new Map(alarmFindings().map(alarm => [alarm.id, alarm]));
      alarms = siteAlarms(alarms, placed, at).state;
      unsaved.add(alarmKey);
      changed(alarmFindings().filter(alarm => alarm.state !== before.get(alarm.id)?.state));
    },

    findings(node) {
      const standing = alarmFindings();
      const nodes = node === undefined ? servers.map(server => server.node) : [node];
      const own = nodes.flatMap(name => {
        const state = states.get(name);
        return state ? findingsOf(state) : [];
      });
      const around = standing.filter(alarm => node === undefined || alarm.covers?.includes(node));
      return [...around, ...folded(own, standing)];
    },

    newest: () => [...newest.values()],

    score(node) {
      const findings = watch.findings(node).filter(finding => finding.node === node);
      return scoreOf(states.get(node), findings, new Date());
    },

    readAt(node) {
      const at = states.get(node)?.readAt;
      return at === undefined ? undefined : new Date(at);
    },

    async acknowledge(id, who) {
      for (const [node, state] of states) {
        const done = acknowledged(state, id, who);
        if (!done) continue;
        states.set(node, done.state);
        unsaved.add(node);
        changed([done.finding]);
        await watch.flush();
        return done.finding;
      }
      const done = alarms && acknowledged(alarms, id, who);
      if (!done) return undefined;
      alarms = done.state;
      unsaved.add(alarmKey);
      changed([done.finding]);
      await watch.flush();
      return done.finding;
    },

    flush() {
      next ??= writing.then(() => {
        next = undefined;
        writing = write();
        return writing;
      });
      return next;
    },

    known: node => knownEntries(states.get(node)?.log),

    backlog: () => ({ waiting: samples.length + entries.length, dropped }),
  };
  return watch;

  function learnedOf({ node, at }: Look): Given {
    const held = learned.get(node);
    return held && at <= held.until ? held.given : {};
  }

  function stateAt(key: string): [string, unknown][] {
    if (key === alarmKey) return alarms ? [[alarmKey, alarms]] : [];
    const state = states.get(key);
    return state ? [[keyOf(key), state]] : [];
  }
}

function keyOf(node: string): string {
  return `server/${node}`;
}

/** What a look shows itself. */
function givenBy(look: Look): Given {
  const expires = 'sample' in look ? look.sample.certificateExpires : undefined;
  return expires === undefined ? {} : { certificateExpires: new Date(expires) };
}

function shown(look: Look): HistorySample & Pick<NewestLook, 'limits'> {
  const { node, at } = look;
  return 'sample' in look ? { node, at, ...measured(look.sample) } : { node, at, missing: look.missing.message };
}

/** Standing findings, the worst first, then the newest. */
export function byUrgency(findings: Finding[]): Finding[] {
  const rank = ({ level, state, foldedUnder }: Finding) =>
    (foldedUnder ? 4 : 0) + (state === 'open' ? 0 : 2) + (level === 'critical' ? 0 : 1);
  return findings.filter(isStanding).toSorted((a, b) => rank(a) - rank(b) || b.since.localeCompare(a.since));
}
