/**
 * What a script lets a machine show in place of what its models compute, so that
 * a history which was made elsewhere is played through a real BMC look by look.
 * It is shown and nothing else: nothing breaks by it, and no log tells of it.
 */
import type { DriveReading } from './drives.ts';
import type { Severity } from './event-log.ts';
import type { DimmReading } from './memory.ts';
import type { SupplyReading } from './power.ts';
import type { Body } from './reply.ts';
import type { Resources } from './resources/tree.ts';
import type { FanReading, TemperatureReading } from './thermal.ts';

/** `null` where the BMC shows none. What is left out is as the models have it. */
export type StagedSensor = {
  reading: number | null;
  health?: Severity | null;
  caution?: number | null;
  critical?: number | null;
};
export type StagedDimm = { corrected: number | null; uncorrected: number | null; health: Severity | null };

/** Sensors by id; the others in the order of the profile, from its first on. */
export type Staged = {
  temperatures?: Record<string, StagedSensor>;
  fans?: StagedSensor[];
  dimms?: StagedDimm[];
  supplies?: (Severity | null)[];
  drives?: { health: Severity | null; predictedFailure: boolean }[];
  /** By property: what every text of this name says, in whichever resource. */
  texts?: Record<string, string>;
};

export class Stage {
  #shown: Staged = {};

  /** Until the next call; an empty one leaves everything to the models again. */
  show(staged: Staged): void {
    this.#shown = staged;
  }

  temperatures(read: TemperatureReading[]): TemperatureReading[] {
    return read.map(each => {
      const { reading: celsius, ...rest } = this.#shown.temperatures?.[each.id] ?? { reading: each.celsius };
      return { ...each, ...rest, celsius };
    });
  }

  fans(read: FanReading[]): FanReading[] {
    return read.map((each, index) => ({ ...each, ...this.#shown.fans?.[index] }));
  }

  dimms(read: DimmReading[]): DimmReading[] {
    return read.map((each, index) => ({ ...each, ...this.#shown.dimms?.[index] }));
  }

  supplies(read: SupplyReading[]): SupplyReading[] {
    return read.map((each, index) => ({ ...each, health: withDefault(this.#shown.supplies?.[index], each.health) }));
  }

  drives(read: DriveReading[]): DriveReading[] {
    return read.map((each, index) => ({ ...each, ...this.#shown.drives?.[index] }));
  }

  resources(read: Resources): Resources {
    const { texts } = this.#shown;
    if (!texts) return read;
    return Object.fromEntries(
      Object.entries(read).map(([uri, render]) => [uri, () => withTexts(render(), texts) as Body]),
    );
  }
}

function withTexts(value: unknown, texts: Record<string, string>): unknown {
  if (Array.isArray(value)) return value.map(item => withTexts(item, texts));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      typeof item === 'string' && Object.hasOwn(texts, key) ? texts[key] : withTexts(item, texts),
    ]),
  );
}

function withDefault(staged: Severity | null | undefined, own: Severity | null): Severity | null {
  return staged === undefined ? own : staged;
}
