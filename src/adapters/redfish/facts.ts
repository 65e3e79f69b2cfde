/** Turns what a BMC wrote into facts: a value that means something, or the reason why there is none. */
import { type Fact, type HealthLevel, known, unknown } from '../../core/bmc.ts';
import { FleetError } from '../../core/errors.ts';
import type { Status } from './schema.ts';

const placeholder =
  /^(none|null|nil|n\/?a|not (present|available|specified)|undefined|unknown|default string|to be filled by o\.?e\.?m\.?|[-*.\s]*)$/i;

/** Trimmed text; placeholders of firmware vendors count as nothing. */
export function textFact(value: string | null | undefined, what: string): Fact<string> {
  const text = value?.trim() ?? '';
  return placeholder.test(text) ? unknown(`the BMC gives no ${what}`) : known(text);
}

export function uuidFact(value: string | null | undefined): Fact<string> {
  const text = value?.trim().toUpperCase() ?? '';
  if (text === '') return unknown('the BMC gives no UUID');
  const wellFormed = /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/.test(text);
  return wellFormed && !/^[0-]+$|^[F-]+$/.test(text) ? known(text) : unknown('the BMC gives a UUID that cannot be one');
}

/** A moment as RFC 3339; BMC clocks that were never set say 1970, 0000 or 9999. */
export function timeFact(value: string | null | undefined, what: string): Fact<string> {
  if (value == null || value === '') return unknown(`the BMC gives no ${what}`);
  const time = Date.parse(value);
  const year = Number.isNaN(time) ? 0 : new Date(time).getUTCFullYear();
  return year >= 2000 && year < 2100
    ? known(value)
    : unknown(`the BMC's clock was not set: its ${what} cannot be true`);
}

const levels: Record<string, HealthLevel> = { ok: 'ok', warning: 'warning', critical: 'critical' };
const order: HealthLevel[] = ['ok', 'warning', 'critical'];

export function healthLevel(value: string | null | undefined): HealthLevel | undefined {
  return levels[(value ?? '').toLowerCase()];
}

export function worst(levelsSeen: HealthLevel[]): HealthLevel | undefined {
  return order.findLast(level => levelsSeen.includes(level));
}

/** The worse of Health and HealthRollup. A part that is not in use has no health, whatever it says. */
export function healthFact(status: Status, what: string): Fact<HealthLevel> {
  if (!inUse(status)) return unknown(`the ${what} is absent or switched off`);
  const level = worst([status?.Health, status?.HealthRollup].map(healthLevel).filter(each => each !== undefined));
  return level === undefined ? unknown(`the BMC gives no health of the ${what}`) : known(level);
}

/** As {@link healthFact}; an "OK" for a sensor that gives no reading says nothing. */
export function sensorHealthFact(status: Status, reading: Fact<number>): Fact<HealthLevel> {
  const health = healthFact(status, 'sensor');
  return 'value' in health && health.value === 'ok' && !('value' in reading) ? reading : health;
}

/** False for parts that are absent or disabled: iLO reports 0 degrees and "OK" for empty sockets. */
export function inUse(status: Status): boolean {
  return !/^(absent|disabled|unavailableoffline|deferring|inTest)$/i.test(status?.State ?? '');
}

/** An empty socket or bay. */
export function isAbsent(status: Status): boolean {
  return /^absent$/i.test(status?.State ?? '');
}

/** Zero or less is how BMCs write a size that they do not know. */
export function sizeFact(value: number | null | undefined, what: string): Fact<number> {
  return value != null && Number.isFinite(value) && value > 0 ? known(value) : unknown(`the BMC gives no ${what}`);
}

export function readingFact(value: number | null | undefined, status: Status): Fact<number> {
  if (!inUse(status)) return unknown('the sensor is absent or switched off');
  return value == null || !Number.isFinite(value) ? unknown('the sensor gives no reading') : known(value);
}

/**
 * What `read` finds, or the reason why this one resource could not be read.
 * Failures of the whole BMC (unreachable, not authorised, other certificate) pass through.
 */
export async function factOf<T>(read: () => Promise<Fact<T>>): Promise<Fact<T>> {
  try {
    return await read();
  } catch (error) {
    return unknown(reasonOf(error));
  }
}

/** Why one resource could not be read. Throws what concerns the whole BMC. */
export function reasonOf(error: unknown): string {
  const failure = FleetError.from(error);
  switch (failure.code) {
    case 'not_found':
    case 'bmc_refused':
    case 'bmc_protocol':
    case 'timeout':
      return failure.message;
    default:
      if ('status' in failure) return failure.message;
      throw error;
  }
}
