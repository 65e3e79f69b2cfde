/**
 * How patient each kind of finding is, and who bears witness to it. Two
 * findings are independent when one broken sensor, counter or BMC routine could
 * not have made both up. It is the witnesses that must differ, not the faults:
 * a lost fan and the heat that follows are one fault seen by two sensors.
 */
import type { FindingKind } from '../core/finding.ts';

/** `none` says nothing about the hardware of this server, whatever else it says. */
export type Source = 'memory' | 'fan' | 'temperature' | 'power' | 'drive' | 'log' | 'pods' | 'none';

export type KindRule = {
  source: Source;
  /** Opens when so many of the last so many samples that were read are bad. */
  raise: { bad: number; of: number };
  /** Clears after so many good ones in a row, and not sooner than `quietMs` after the last bad one. */
  clear: number;
  quietMs?: number;
};

const hour = 3_600_000;

export const kindRules: Record<FindingKind, KindRule> = {
  // The BMC judges a module by the counters that we read too: one witness.
  'memory-uncorrectable': { source: 'memory', raise: { bad: 2, of: 3 }, clear: 5, quietMs: 24 * hour },
  'memory-corrected': { source: 'memory', raise: { bad: 2, of: 3 }, clear: 5 },
  'memory-health': { source: 'memory', raise: { bad: 3, of: 5 }, clear: 5 },
  fan: { source: 'fan', raise: { bad: 3, of: 5 }, clear: 5 },
  // Judged by the speeds that we read too: one witness.
  'fan-redundancy': { source: 'fan', raise: { bad: 3, of: 5 }, clear: 5 },
  // One sensor that jumps about is over a limit often, and seldom five times in a row.
  'component-temperature': { source: 'temperature', raise: { bad: 5, of: 5 }, clear: 5 },
  // The air that comes in is the room's matter: moving pods to the neighbour does not cool it.
  'inlet-temperature': { source: 'none', raise: { bad: 5, of: 5 }, clear: 10 },
  'power-supply': { source: 'power', raise: { bad: 3, of: 5 }, clear: 5 },
  'power-redundancy': { source: 'power', raise: { bad: 3, of: 5 }, clear: 5 },
  'drive-health': { source: 'drive', raise: { bad: 3, of: 5 }, clear: 10 },
  'drive-predicted-failure': { source: 'drive', raise: { bad: 2, of: 3 }, clear: 10 },
  // Wear has months to go: something to order, not to flee from.
  'drive-wear': { source: 'none', raise: { bad: 2, of: 3 }, clear: 10 },
  'log-critical': { source: 'log', raise: { bad: 1, of: 1 }, clear: 1 },
  'log-full': { source: 'none', raise: { bad: 2, of: 3 }, clear: 3 },
  // A roll-up of everything has no witness of its own.
  'system-health': { source: 'none', raise: { bad: 5, of: 5 }, clear: 5 },
  // A BMC that restarts is away for up to five minutes.
  'bmc-unreachable': { source: 'none', raise: { bad: 5, of: 5 }, clear: 3 },
  'bmc-degraded': { source: 'none', raise: { bad: 5, of: 8 }, clear: 10 },
  'clock-skew': { source: 'none', raise: { bad: 3, of: 3 }, clear: 5 },
  'firmware-drift': { source: 'none', raise: { bad: 1, of: 1 }, clear: 1 },
  'certificate-expiry': { source: 'none', raise: { bad: 1, of: 1 }, clear: 1 },
  'site-inlet': { source: 'none', raise: { bad: 2, of: 3 }, clear: 5 },
  'site-unreachable': { source: 'none', raise: { bad: 2, of: 2 }, clear: 3 },
};

/**
 * The event log is written by the BMC that reads the sensors: an entry about a
 * module, a fan or a supply is that one's witness once more, and nothing in its
 * text says reliably which part it is about. So it stands only beside pods, which
 * the BMC does not see.
 */
export function areIndependent(a: Source, b: Source): boolean {
  if (a === b || a === 'none' || b === 'none') return false;
  return (a !== 'log' && b !== 'log') || a === 'pods' || b === 'pods';
}
