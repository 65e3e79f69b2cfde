/** Memory errors: by the counters where there are some, and by the BMC's own judgement. */
import { factValue, type MemoryErrors } from '../../core/bmc.ts';
import { counted, type ErrorCounter, type ErrorRate, rateOf } from '../error-counter.ts';
import { isBad, judged, numbered, type Observation, type Verdict, worse } from '../observation.ts';

/** By module. `rose` is when uncorrectable errors last came while we looked, milliseconds since 1970. */
export type MemoryState = Record<string, { corrected?: ErrorCounter; uncorrected?: ErrorCounter; rose?: number }>;

/**
 * Errors of one module, the worst sample left out. A few over a machine's life
 * are normal, and so is one burst, also where a few follow it. Between `well`
 * and the limits nothing opens or clears.
 */
const limits = { hour: 10, day: 24, criticalHour: 100, well: { hour: 5, day: 12 } };
const weekMs = 7 * 24 * 3_600_000;

export function observeMemory(
  state: MemoryState,
  modules: MemoryErrors[],
  now: number,
): { state: MemoryState; observations: Observation[] } {
  const next: MemoryState = { ...state };
  const observations = numbered(modules, ({ dimm }) => dimm).flatMap(([name, module]) => {
    const health = judged(module.health);
    const followed = { ...next[name] };
    const found: Observation[] = [];
    const corrected = factValue(module.corrected);
    if (corrected !== undefined) {
      followed.corrected = counted(followed.corrected, corrected, now);
      found.push(correctedSeen(name, rateOf(followed.corrected, now)));
    }
    const uncorrected = factValue(module.uncorrected);
    if (uncorrected !== undefined) {
      followed.uncorrected = counted(followed.uncorrected, uncorrected, now);
      if (rateOf(followed.uncorrected, now).samples > 0) followed.rose = now;
      found.push(uncorrectedSeen(name, { count: uncorrected, health, rose: followed.rose, now }));
    }
    next[name] = followed;
    return health === undefined ? found : [...found, healthSeen(name, health, found)];
  });
  return { state: next, observations };
}

/** What the counters tell already is not told again. */
function healthSeen(name: string, health: Verdict, counters: Observation[]): Observation {
  const explained = isBad(health) && counters.some(({ verdict }) => worse(verdict, health) === verdict);
  const text = `${name}: the BMC calls it ${health}`;
  return { kind: 'memory-health', part: { name }, verdict: explained ? 'held' : health, text };
}

function correctedSeen(name: string, rate: ErrorRate): Observation {
  return {
    kind: 'memory-corrected',
    part: { name },
    verdict: correctedVerdict(rate),
    text: `${name}: ${rate.lastHour} corrected errors in the last hour, ${rate.lastDay} in the last day`,
    value: rate.lastHour,
  };
}

function correctedVerdict({ beside: { lastHour, lastDay }, samples }: ErrorRate): Verdict {
  if (lastHour >= limits.criticalHour && samples >= 3) return 'critical';
  if ((lastHour >= limits.hour || lastDay >= limits.day) && samples >= 2) return 'warning';
  return lastHour <= limits.well.hour && lastDay <= limits.well.day ? 'good' : 'held';
}

/** What was counted before we looked, in a module that the BMC calls well, is history. */
function uncorrectedSeen(
  name: string,
  seen: { count: number; health: Verdict | undefined; rose: number | undefined; now: number },
): Observation {
  const { count, health, rose, now } = seen;
  const fresh = rose !== undefined && now - rose < weekMs;
  const counted: Verdict = count === 0 ? 'good' : health === 'good' ? 'warning' : 'critical';
  return {
    kind: 'memory-uncorrectable',
    part: { name },
    verdict: count > 0 && fresh ? worse(counted, 'critical') : counted,
    text: `${name}: ${count} uncorrectable memory errors`,
    value: count,
  };
}
