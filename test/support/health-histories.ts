/**
 * Hours of a server's samples, from a seed: one a minute, as a sampler would
 * get them from a machine that is well, that breaks in one way, or in several.
 *
 * What it takes from the rules: nothing of their numbers. It assumes what they
 * assume of the world: a look a minute, limits as the BMC gives them, counters
 * that only rise, a part that keeps its name. Where it differs on purpose:
 * noise has long tails and single jumps instead of an even spread; sensors
 * wander, so that one sample tells of the next; errors come in bursts; fans
 * fade before they stop; parts come and go; a tachometer, a counter and a
 * judgement can each be plainly wrong for one look; a BMC that is away and a
 * fault may fall together. What no history has: two servers that influence each
 * other, an operator who repairs, and a clock that runs wrong.
 */
import { type HealthLevel, known, type LogEntry } from '../../src/core/bmc.ts';
import { FleetError } from '../../src/core/errors.ts';
import type { HealthSample } from '../../src/core/hardware.ts';
import type { Crash } from '../../src/health/crashes.ts';
import type { Look } from '../../src/health/sampler.ts';
import { type Dice, diceOf, drives, events, fan, logAt, supplies, temperature, unread } from './history-parts.ts';

/** What a history is made of. Before the moment of its fault a machine has only what is not a fault. */
export type Ingredient =
  // Nothing is wrong with the machine.
  | 'noisy-sensor'
  | 'noisy-fan'
  | 'missing-readings'
  | 'counter-resets'
  | 'counter-garbage'
  | 'bmc-gaps'
  | 'few-corrected-errors'
  | 'one-burst'
  | 'busy'
  | 'near-the-limit'
  | 'warm-bursts'
  | 'judgement-slips'
  | 'dead-sensor'
  | 'chatty-log'
  | 'one-app-crashes'
  | 'apps-crash-everywhere'
  // Something breaks.
  | 'ecc-ramp'
  | 'ecc-bursts'
  | 'ecc-uncorrectable'
  | 'fan-loss'
  | 'fan-silent'
  | 'fan-fading'
  | 'psu-loss'
  | 'psu-flaps'
  | 'drive-predictive'
  | 'drive-dead'
  | 'inlet-ramp'
  | 'thermal-runaway'
  | 'logged'
  | 'pods-crash';

export type History = {
  looks: Look[];
  /** Of all pods of its node, oldest first. */
  crashes: Crash[];
  /** When it breaks, where something does; for a rise the corrected errors per hour. */
  fault: { at: Date; perHour: number };
};

const node = 'n1';
export const minuteMs = 60_000;
const start = Date.parse('2026-03-02T08:00:00Z');

/** The fault comes within the first hour and a half, and not before a look or two dozen. */
export function historyOf(ingredients: readonly Ingredient[], seed: number, hours = 3): History {
  const dice = diceOf(seed * 2654435761 + ingredients.join().length * 97);
  const has = (...some: Ingredient[]) => some.some(each => ingredients.includes(each));
  const breaksAt = 20 + dice.whole(60);
  // From one error in six minutes to one in three seconds.
  const perHour = has('ecc-ramp') ? Math.round(10 ** dice.between(1, 3.1)) : 0;
  const server = serverOf(dice, has, perHour);
  const minutes = Array.from({ length: hours * 60 }, (_, minute) => minute);
  const looks = minutes.map(minute => server(minute, minute - breaksAt));
  const crashes = minutes.flatMap(minute => crashesAt(dice, has, { minute, since: minute - breaksAt }));
  return { looks, crashes, fault: { at: new Date(start + breaksAt * minuteMs), perHour } };
}

type Has = (...some: Ingredient[]) => boolean;

/** The samples of one machine, minute by minute; `since` counts from the fault and is negative before it. */
function serverOf(dice: Dice, has: Has, perHour: number): (minute: number, since: number) => Look {
  const memory = memoryOf(dice, has, perHour);
  const air = airOf(dice, has);
  const fans = fansOf(dice, has);
  const missing = () => has('missing-readings') && dice.chance() < 0.2;
  let gapEnds = -1;
  return (minute, since) => {
    const at = new Date(start + minute * minuteMs);
    const broken = since >= 0;
    const [dimms, readings, turning] = [memory(since), air(minute, since), fans(minute, since)];
    if (has('bmc-gaps') && minute > gapEnds && dice.chance() < 0.01) gapEnds = minute + 1 + dice.whole(40);
    if (minute <= gapEnds) return { node, at, tookMs: 10_000, missing: silence };
    const slips = has('judgement-slips') && dice.chance() < 0.03;
    const psuGone = broken && (has('psu-loss') || (has('psu-flaps') && since % 20 < 8));
    const temperatures = readings.map(each => (missing() ? { ...each, reading: unread } : each));
    const sample: HealthSample = {
      power: known('on'),
      health: known<HealthLevel>(slips ? 'warning' : 'ok'),
      temperatures: dice.chance() < 0.02 ? unread : known(temperatures),
      fans: known(turning.map(each => (missing() ? { ...each, reading: unread } : each))),
      powerSupplies: known(supplies(known<HealthLevel>(psuGone ? 'critical' : slips ? 'warning' : 'ok'))),
      redundancy: known([]),
      memory:
        dice.chance() < 0.01 ? unread : known(dimms.map(each => (missing() ? { ...each, corrected: unread } : each))),
      drives: known(
        drives({
          health: broken && has('drive-dead') ? 'critical' : 'ok',
          predicted: broken && has('drive-predictive'),
        }),
      ),
      log: known(logAt(start, minute, { every: has('chatty-log') ? 2 : 30, news: newsAt(has, at, since) })),
      bmcTime: known(new Date(at.getTime() + dice.between(-20_000, 20_000)).toISOString()),
    };
    return { node, at, tookMs: Math.round(dice.between(400, 6000)), sample };
  };
}

const silence = new FleetError({ code: 'bmc_unreachable', message: 'no route' });

/** Eight modules; the third is the one that breaks. */
function memoryOf(dice: Dice, has: Has, perHour: number) {
  const corrected = Array.from({ length: 8 }, () => dice.whole(4));
  const judges = dice.chance() < 0.5;
  const burstAt = dice.whole(120);
  const garbageAt = dice.whole(120);
  let [minute, uncorrected, quiet] = [-1, 0, 0];
  const add = (index: number, errors: number) => {
    corrected[index] = (corrected[index] ?? 0) + errors;
  };
  return (since: number) => {
    minute++;
    if (since >= 0) {
      if (has('ecc-ramp')) add(2, events(dice, perHour / 60));
      if (has('ecc-bursts') && quiet-- <= 0) {
        add(2, 8 + dice.whole(30));
        quiet = 5 + dice.whole(35);
      }
      if (since === 0 && has('ecc-uncorrectable')) uncorrected = 1;
    }
    if (has('few-corrected-errors') && dice.chance() < 1 / 120) add(1, 1);
    if (has('one-burst') && minute === burstAt) add(1, 40 + dice.whole(200));
    if (has('counter-resets') && dice.chance() < 0.01) corrected.fill(0);
    const garbage = has('counter-garbage') && minute === garbageAt;
    return corrected.map((count, index) => ({
      dimm: `DIMM A${index + 1}`,
      corrected: known(garbage && index === 1 ? 65_535 : count),
      uncorrected: known(index === 2 ? uncorrected : 0),
      health: known<HealthLevel>(index === 2 && uncorrected > 0 && judges ? 'critical' : 'ok'),
    }));
  };
}

/** Air, processor and memory in degrees Celsius. All of them wander. */
function airOf(dice: Dice, has: Has) {
  const bases = { inlet: dice.between(19, 26), cpu: dice.between(45, 70), dimm: dice.between(35, 50) };
  const noisy = { sensor: dice.whole(3), scale: dice.between(2, 10) };
  const wandering = [0, 0, 0];
  const wander = (index: number, scale: number) => {
    wandering[index] = 0.85 * (wandering[index] ?? 0) + dice.between(-scale, scale);
    return wandering[index] ?? 0;
  };
  let doorOpen = 0;
  return (minute: number, since: number) => {
    const broken = since >= 0;
    const load = has('busy') ? 14 * Math.abs(Math.sin(minute / 25)) + dice.between(0, 4) : wander(1, 0.8);
    if (has('warm-bursts') && doorOpen-- <= 0 && dice.chance() < 0.01) doorOpen = 2 + dice.whole(3);
    const room = has('inlet-ramp') && broken ? 20 * (1 - Math.exp(-since / 20)) : doorOpen > 0 ? 18 : 0;
    const heat = !broken ? 0 : has('thermal-runaway') ? 3 * since : has('fan-loss') ? 12 : 0;
    const jitter = (index: number) =>
      has('noisy-sensor') && index === noisy.sensor ? Math.max(-60, Math.min(60, dice.spread(noisy.scale))) : 0;
    const cpu = has('near-the-limit') ? 86 + wander(1, 0.8) : Math.min(110, bases.cpu + load + room + heat);
    return [
      temperature('Inlet Temp', bases.inlet + room + wander(0, 0.3) + jitter(0), { caution: 38, critical: 42 }),
      temperature('CPU1 Temp', cpu + jitter(1), { caution: 92, critical: 98 }),
      temperature('DIMM Temp', bases.dimm + load / 2 + room + wander(2, 0.3) + jitter(2), { critical: 85 }),
      // No limits: a number that no temperature can be.
      ...(has('dead-sensor') ? [temperature('Exhaust Temp', dice.chance() < 0.5 ? 255 : -128, {})] : []),
    ];
  };
}

/** Six; the fourth is the one that breaks, the first the one whose tachometer now and then counts nothing. */
function fansOf(dice: Dice, has: Has) {
  const speed = dice.between(4000, 12_000);
  const judges = dice.chance() < 0.5;
  return (_minute: number, since: number) =>
    Array.from({ length: 6 }, (_, index) => {
      const own = speed * dice.between(0.97, 1.03);
      const glitch = index === 0 && has('noisy-fan') && dice.chance() < 0.02;
      if (glitch) return fan(index, 0, undefined);
      if (index !== 3 || since < 0) return fan(index, own, undefined);
      if (has('fan-loss')) return fan(index, 0, judges ? 'critical' : undefined);
      if (has('fan-silent')) return fan(index, 0, undefined);
      // Its bearing goes: an hour from full speed to none.
      if (has('fan-fading')) return fan(index, own * Math.max(0, 1 - since / 60), undefined);
      return fan(index, own, undefined);
    });
}

/** What the BMC itself writes of a fault. */
function newsAt(has: Has, at: Date, since: number): LogEntry[] {
  if (!has('logged') || since < 0) return [];
  const created = known(new Date(at.getTime() - since * minuteMs).toISOString());
  return [{ id: '9000', created, severity: 'critical', message: 'An unrecoverable error was detected.' }];
}

function crashesAt(dice: Dice, has: Has, { minute, since }: { minute: number; since: number }): Crash[] {
  const crash = (workload: string, elsewhere: boolean): Crash => ({
    workload,
    container: 'app',
    reason: 'Error',
    exitCode: dice.chance() < 0.8 ? 139 : 135,
    at: new Date(start + minute * minuteMs).toISOString(),
    elsewhere,
  });
  const some = (chance: number) => dice.chance() < chance;
  return [
    ...(has('one-app-crashes') && some(1 / 8) ? [crash('Deployment shop/web', false)] : []),
    ...(has('apps-crash-everywhere') && some(1 / 8) ? [crash(`Deployment shop/app-${dice.whole(3)}`, true)] : []),
    ...(has('pods-crash') && since >= 0 && some(1 / 10) ? [crash(`Deployment shop/app-${dice.whole(4)}`, false)] : []),
  ];
}
