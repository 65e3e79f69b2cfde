/** The BMC itself: whether it answers, how much it tells, how long it takes, and what time it has. */
import { type Fact, factValue } from '../../core/bmc.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { HealthSample } from '../../core/hardware.ts';
import type { Observation, Verdict } from '../observation.ts';

/** Readings that a look at this server usually gives. */
export type ReadingsState = { usual: number };

const name = 'BMC';
const slowMs = { bad: 45_000, well: 30_000 };
const skewMs = { bad: 5 * 60_000, well: 4 * 60_000 };
const share = { bad: 0.7, well: 0.85 };
/** By so much the usual number gives way with each sample: parts that were taken out are forgotten within days. */
const forgetting = 0.9995;

/** No answer at all, as against an answer that is of no use. */
export function isSilence(code: ErrorCode): boolean {
  return code === 'bmc_unreachable' || code === 'timeout';
}

export function observeMissing({ code, message }: { code: ErrorCode; message: string }): Observation[] {
  if (isSilence(code)) return [reachable({ verdict: 'warning', text: `the BMC does not answer: ${message}` })];
  return [
    reachable({ verdict: 'good' }),
    { kind: 'bmc-degraded', part: { name: 'answers' }, verdict: 'warning', text: `the BMC tells nothing: ${message}` },
  ];
}

export function observeBmc(
  state: ReadingsState | undefined,
  sample: HealthSample,
  { at, tookMs }: { at: Date; tookMs: number },
): { state: ReadingsState | undefined; observations: Observation[] } {
  const took = Math.round(tookMs / 1000);
  const slow: Verdict = tookMs > slowMs.bad ? 'warning' : tookMs > slowMs.well ? 'held' : 'good';
  const readings = observeReadings(state, sample);
  return {
    state: readings.state,
    observations: [
      reachable({ verdict: 'good' }),
      { kind: 'bmc-degraded', part: { name: 'answers' }, verdict: 'good' },
      { kind: 'bmc-degraded', part: { name: 'speed' }, verdict: slow, text: `the BMC took ${took} s`, value: took },
      ...readings.observations,
      ...skew(sample.bmcTime, at.getTime(), tookMs),
    ],
  };
}

/** A server that is off has fewer readings, and that is no fault of its BMC. */
function observeReadings(
  state: ReadingsState | undefined,
  sample: HealthSample,
): { state: ReadingsState | undefined; observations: Observation[] } {
  if (factValue(sample.power) !== 'on') return { state, observations: [] };
  const count = readingsIn(sample);
  const usual = Math.max(count, (state?.usual ?? 0) * forgetting);
  const told = count / Math.max(1, usual);
  const verdict: Verdict = told < share.bad ? 'warning' : told < share.well ? 'held' : 'good';
  const lists = unreadLists(sample);
  const beside = lists.length === 0 ? '' : `; not read: ${lists.join(', ')}`;
  const text = `the BMC gives ${count} of its usual ${Math.round(usual)} readings${beside}`;
  return {
    state: { usual },
    observations: [{ kind: 'bmc-degraded', part: { name: 'readings' }, verdict, text, value: count }],
  };
}

/** Names of the lists of which nothing at all was read, for whatever reason. */
function unreadLists({ temperatures, fans, powerSupplies, memory, drives }: HealthSample): string[] {
  const lists = { temperatures, fans, 'power supplies': powerSupplies, memory, drives };
  return Object.entries(lists).flatMap(([list, fact]) => ('unknown' in fact ? [list] : []));
}

function readingsIn(sample: HealthSample): number {
  const lists = [
    known(sample.temperatures, each => each.reading),
    known(sample.fans, each => each.reading),
    known(sample.powerSupplies, each => each.health),
    known(sample.memory, each => each.health),
    known(sample.drives, each => each.health),
  ];
  return lists.reduce((total, each) => total + each, 0);
}

function known<T>(list: Fact<T[]>, of: (part: T) => Fact<unknown>): number {
  return (factValue(list) ?? []).filter(part => 'value' in of(part)).length;
}

/** Its clock was read at some moment of the look. */
function skew(time: Fact<string>, at: number, tookMs: number): Observation[] {
  const clock = Date.parse(factValue(time) ?? '');
  if (Number.isNaN(clock)) return [];
  const off = clock < at ? clock - at : Math.max(0, clock - at - tookMs);
  const by = Math.abs(off);
  const verdict: Verdict = by > skewMs.bad ? 'warning' : by > skewMs.well ? 'held' : 'good';
  const text = `the BMC's clock is ${Math.round(by / 60_000)} minutes ${off < 0 ? 'behind' : 'ahead'}`;
  return [{ kind: 'clock-skew', part: { name }, verdict, text, value: Math.round(off / 1000) }];
}

function reachable(seen: { verdict: Verdict; text?: string }): Observation {
  return { kind: 'bmc-unreachable', part: { name }, ...seen };
}
