/**
 * Seeded histories as a machine of the lab shows them, minute by minute: read by
 * the production sampler over Redfish, and judged by the production watch. What
 * the looks of a history say is what its BMC shows, in that vendor's shape; the
 * machine has further sensors and parts beside, which are well.
 *
 * Only machines whose BMC counts memory errors can show all of a history. The
 * pods that crash come from the history itself, and not from a cluster.
 */
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import { type Fact, factValue, type HealthLevel, type LogEntry } from '../../src/core/bmc.ts';
import type { HealthSample } from '../../src/core/hardware.ts';
import { startSampler } from '../../src/health/sampler.ts';
import { openWatch } from '../../src/health/watch.ts';
import type { Severity } from '../../src/lab/bmc/event-log.ts';
import type { LabMachine } from '../../src/lab/bmc/profiles/catalog.ts';
import type { Staged, StagedSensor } from '../../src/lab/bmc/stage.ts';
import { type History, historyOf, minuteMs } from './health-histories.ts';
import { isToCordon, type Outcome, outcomeOf, storyOf, type Watched } from './health-outcomes.ts';
import { account, startTestBmc, type TestBmc } from './lab-bmc.ts';
import { type ManualClock, manualClock } from './manual-clock.ts';
import { memoryLedger } from './session-ledger.ts';

const node = 'n1';
/** Older and newer shapes of the same readings, with and without expansion. */
const machines: readonly LabMachine[] = [
  'supermicro',
  'dell',
  'supermicro',
  'idrac10',
  'supermicro',
  'supermicro',
  'supermicro',
];
/** Errors are counted in slots of ten minutes: a history that is moved by whole ones is counted alike. */
const slotMs = 10 * minuteMs;
/** So that no look at a BMC that is away takes real seconds. */
const retryMs = 5;
/** At once in one process: while one waits for an answer another is read. */
const lanes = 3;

export type Played = { outcome: Outcome; machine: LabMachine /** Requests that the BMC was sent. */; requests: number };

/** Plays one history to its end, all of it later than now: a log does not reach into the future. */
async function playedOutcome(seed: number, address: string): Promise<Played> {
  const machine = machines[seed % machines.length] ?? 'dell';
  const history = moved(historyOf(storyOf(seed).made, seed));
  const lab = await startTestBmc({ vendor: machine, address, speed: 1 });
  try {
    const watched = await watchedOnWire(history, lab);
    const requests = lab.bmc.received().length;
    return { outcome: outcomeOf(seed, history, watched), machine, requests };
  } finally {
    await lab.stop();
  }
}

function moved({ looks, crashes, fault }: History): History {
  const [first] = looks;
  const by = Math.ceil((Date.now() - (first?.at.getTime() ?? 0)) / slotMs) * slotMs;
  const later = (text: string) => new Date(Date.parse(text) + by).toISOString();
  const time = (fact: Fact<string>): Fact<string> => ('value' in fact ? { value: later(fact.value) } : fact);
  const sampleLater = (sample: HealthSample): HealthSample => ({
    ...sample,
    bmcTime: time(sample.bmcTime),
    log:
      'value' in sample.log
        ? { value: sample.log.value.map(entry => ({ ...entry, created: time(entry.created) })) }
        : sample.log,
  });
  return {
    looks: looks.map(look => ({
      ...look,
      at: new Date(look.at.getTime() + by),
      ...('sample' in look ? { sample: sampleLater(look.sample) } : {}),
    })),
    crashes: crashes.map(crash => ({ ...crash, ...(crash.at === undefined ? {} : { at: later(crash.at) }) })),
    fault: { ...fault, at: new Date(fault.at.getTime() + by) },
  };
}

async function watchedOnWire({ looks, crashes }: History, lab: TestBmc): Promise<Watched> {
  const clock = manualClock(looks[0]?.at.getTime() ?? 0);
  const watched: Watched = { opened: [], cordonAt: undefined };
  const failures: unknown[] = [];
  const bmcs = openBmcs({
    bmcs: [{ node, site: 'bos', url: lab.bmc.url, ...account, spki: lab.bmc.spki }],
    ledger: memoryLedger(),
    timeouts: { retryMs },
    now: clock.now,
  });
  const watch = await openWatch({
    servers: [{ node, site: 'bos' }],
    states: { load: async () => new Map(), save: async () => {} },
    archive: { put: async () => {}, list: async () => [] },
    history: { add: async () => {} },
    onChange(findings) {
      for (const { kind, level, state } of findings)
        if (state === 'open') watched.opened.push({ kind, at: clock.now(), critical: level === 'critical' });
    },
    onError: error => failures.push(error),
  });
  const show = shower(lab, clock);
  let sampler: { stop(): void } | undefined;
  try {
    for (const look of looks) {
      show(look);
      clock.goTo(look.at.getTime());
      sampler ??= startSampler({
        nodes: [node],
        bmcs,
        everyMs: minuteMs,
        known: watch.known,
        clock,
        async take(seen) {
          await watch.take(seen);
          await watch.lookAround(seen.at);
          const facts = { findings: watch.findings(node), readAt: watch.readAt(node), crashes };
          if (isToCordon(seen, facts)) watched.cordonAt ??= seen.at.getTime();
        },
        onError: error => failures.push(error),
      });
      await clock.asleep(1);
    }
  } finally {
    sampler?.stop();
    lab.bmc.faults.clear();
    await bmcs.closeAll();
  }
  if (failures.length > 0) throw failures[0];
  return watched;
}

/** Sets the machine to what a look says of it. */
function shower({ bmc }: TestBmc, clock: ManualClock): (look: History['looks'][number]) => void {
  const written = new Set<string>();
  let last: Staged = {};
  return look => {
    if (!('sample' in look)) {
      if (bmc.faults.get('bmc-down') === undefined) bmc.faults.set({ kind: 'bmc-down', mode: 'refused' });
      return;
    }
    if (bmc.faults.get('bmc-down') !== undefined) bmc.faults.clear('bmc-down');
    const { sample, at } = look;
    const time = Date.parse(factValue(sample.bmcTime) ?? '') || at.getTime();
    bmc.faults.set({ kind: 'clock-skew', ms: Math.round(time - Date.now()) });
    for (const entry of (factValue(sample.log) ?? []).toReversed()) write(entry);
    // A list of which nothing was read at all: the parts of the look before, without a word of any.
    last = {
      temperatures: temperatures(sample, last),
      fans: factValue(sample.fans)?.map(sensor => staged(sensor.reading, sensor.health)) ?? [],
      dimms: dimms(sample, last),
      supplies: (factValue(sample.powerSupplies) ?? []).map(({ health }) => severity(health)),
      drives: (factValue(sample.drives) ?? []).map(({ health, predictedFailure }) => ({
        health: severity(health),
        predictedFailure: factValue(predictedFailure) ?? false,
      })),
    };
    bmc.stage.show(last);
  };

  function write({ id, created, severity: level, message }: LogEntry): void {
    if (written.has(id)) return;
    written.add(id);
    const at = new Date(factValue(created) ?? clock.now());
    bmc.log.append({ severity: severities[level], message, messageId: 'HIS0001', created: at });
  }

  function temperatures(sample: HealthSample, before: Staged): Record<string, StagedSensor> {
    const read = factValue(sample.temperatures);
    if (!read) return mapped(before.temperatures ?? {}, sensor => ({ ...sensor, reading: null }));
    return Object.fromEntries(
      read.map(({ name, reading, health, upperCaution, upperCritical }) => [
        sensorOf(bmc, name),
        { ...staged(reading, health), caution: upperCaution ?? null, critical: upperCritical ?? null },
      ]),
    );
  }
}

function dimms(sample: HealthSample, before: Staged): NonNullable<Staged['dimms']> {
  const read = factValue(sample.memory);
  if (!read) return (before.dimms ?? []).map(() => ({ corrected: null, uncorrected: null, health: null }));
  return read.map(({ corrected, uncorrected, health }) => ({
    corrected: factValue(corrected) ?? null,
    uncorrected: factValue(uncorrected) ?? null,
    health: severity(health),
  }));
}

/** The sensor of the machine that stands for this one of the histories. */
function sensorOf({ profile }: TestBmc['bmc'], name: string): string {
  const of = (context: string, turn = 0) => profile.temperatures.filter(each => each.context === context)[turn]?.id;
  const ids: Record<string, string | undefined> = {
    'Inlet Temp': of('Intake'),
    'CPU1 Temp': of('CPU'),
    'DIMM Temp': of('SystemBoard') ?? of('CPU', 1),
    'Exhaust Temp': of('Exhaust') ?? of('CPU', 1),
  };
  const id = ids[name];
  if (id === undefined) throw new Error(`${profile.model} has no sensor for ${name}`);
  return id;
}

const severities: Record<HealthLevel, Severity> = { ok: 'OK', warning: 'Warning', critical: 'Critical' };

function severity(health: Fact<HealthLevel>): Severity | null {
  return 'value' in health ? severities[health.value] : null;
}

function staged(reading: Fact<number>, health: Fact<HealthLevel>): StagedSensor {
  return { reading: factValue(reading) ?? null, health: severity(health) };
}

function mapped<T, U>(record: Record<string, T>, of: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, of(value)]));
}

/** So many histories, some at once, each on a BMC of its own; in the order of their seeds. */
export async function playedOutcomes(histories: number, address: string): Promise<Played[]> {
  const played: Played[] = [];
  let next = 0;
  const lane = async () => {
    for (let seed = next++; seed < histories; seed = next++) played[seed] = await playedOutcome(seed, address);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return played;
}

/** What a reader of outcomes would call another one; empty where the wire changed nothing. */
export function told({ falsely, missed, late, after, cordonAfter }: Outcome) {
  return { falsely: falsely.map(({ kind, critical }) => ({ kind, critical })), missed, late, after, cordonAfter };
}
