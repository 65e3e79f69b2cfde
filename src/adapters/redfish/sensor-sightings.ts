/**
 * One sensor, seen in several places. `Thermal` and `Power` show again what the
 * collection of sensors shows, under a name that is the same, or the other's
 * id, or the other's name with what it measures and where appended. Within one
 * chassis that is enough to tell that two are one; a reading is not, as each
 * place was read at another moment.
 */
import { type Fact, factValue, type HealthLevel, known } from '../../core/bmc.ts';
import type { Sensor, SensorKind } from '../../core/hardware.ts';
import { worst } from './facts.ts';

export type Sighting = {
  sensor: Sensor;
  /** What it may be called elsewhere. */
  names: string[];
  /** What another place may say that it measures, where this one does not: one kind, or any. */
  open?: SensorKind | 'any' | undefined;
};

/** The first keep their place and what they know; the others complete them, or follow. */
export function merged(first: Sighting[], others: Sighting[]): Sighting[] {
  const found = [...first];
  for (const other of others) {
    const at = found.findIndex(each => same(each, other));
    const before = found[at];
    if (before === undefined) found.push(other);
    else found[at] = completed(before, other);
  }
  return found;
}

function same(first: Sighting, other: Sighting): boolean {
  const { kind } = other.sensor;
  // A detector of leaks is shown as the voltage that it measures, too.
  if (![first.sensor.kind, first.open].includes(kind) && first.open !== 'any' && kind !== 'leak') return false;
  const names = new Set(first.names.map(letters));
  return other.names.some(name => names.has(letters(name)));
}

function completed(first: Sighting, other: Sighting): Sighting {
  const [a, b] = [first.sensor, other.sensor];
  const measured = a.unit === '' ? b : a;
  return {
    names: [...first.names, ...other.names],
    sensor: {
      ...a,
      kind: b.kind === 'leak' ? 'leak' : measured.kind,
      unit: measured.unit,
      reading: 'value' in a.reading ? a.reading : b.reading,
      // The voltage of a detector may be well while the detector has found a leak, or does not know.
      health: b.kind === 'leak' && factValue(a.health) === 'ok' ? b.health : worse(a.health, b.health),
      limits: { ...b.limits, ...a.limits },
    },
  };
}

function worse(a: Fact<HealthLevel>, b: Fact<HealthLevel>): Fact<HealthLevel> {
  const level = worst([a, b].map(factValue).filter(each => each !== undefined));
  return level === undefined ? a : known(level);
}

/** Spaces, dashes and case are left to taste. */
function letters(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}
