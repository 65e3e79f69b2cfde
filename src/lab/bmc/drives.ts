/** Drives: who they are, what firmware they run, how much life they have left, and what they say of their own end. */
import type { FaultSet } from '../faults.ts';
import { chance, seededText } from '../random.ts';
import type { EventLog, Severity } from './event-log.ts';
import type { DriveSpec } from './profiles/hardware.ts';
import type { Stage } from './stage.ts';

export type DriveReading = DriveSpec & {
  serial: string;
  /** Null only where a script says so. */
  health: Severity | null;
  predictedFailure: boolean;
  /** Undefined for what does not wear. */
  lifeLeftPercent: number | undefined;
};

const wornOutPercent = 3;

export class DriveModel {
  readonly #faults: FaultSet;
  readonly #log: EventLog;
  readonly #drives: { spec: DriveSpec; serial: string; lifeLeftPercent: number }[];
  /** What was logged last of a drive that is not well. */
  readonly #reported = new Map<string, Severity>();
  readonly #stage: Stage;

  constructor(options: {
    name: string;
    faults: FaultSet;
    log: EventLog;
    drives: DriveSpec[];
    seed: number;
    stage: Stage;
  }) {
    const { name, faults, log, drives, seed } = options;
    this.#faults = faults;
    this.#log = log;
    this.#stage = options.stage;
    this.#drives = drives.map(spec => ({
      spec,
      serial: seededText(seed, `${name}/${spec.id}/serial`, 'ABCDEFGHJKLMNPRSTVWXYZ0123456789', 14),
      lifeLeftPercent: 88 + Math.floor(chance(seed, `${name}/${spec.id}/life`) * 12),
    }));
    faults.onChange(kind => {
      if (kind === 'drive-predictive' || kind === 'drive-failed') this.#report();
    });
  }

  drives(): DriveReading[] {
    return this.#stage.drives(this.#own());
  }

  /** Another drive in the place of one (counted from 1), new and of another model where one is given. */
  replace(drive: number, { serial, ...other }: { serial: string } & Partial<DriveSpec>): void {
    const old = this.#drives[drive - 1];
    if (old === undefined) throw new Error(`there is no drive ${drive}`);
    this.#drives[drive - 1] = { ...old, serial, spec: { ...old.spec, ...other } };
  }

  /** Which of these an image for drives of some models is for: those of `only`, where that is said. */
  fitting(models: readonly string[], only: readonly string[] | undefined): string[] {
    const fit = this.#drives.filter(({ spec }) => models.includes(spec.model)).map(({ spec }) => spec.id);
    return only === undefined ? fit : fit.filter(id => only.includes(id));
  }

  /** They run this version from now on, but for one that keeps its own. */
  bringTo(version: string, ids: readonly string[]): void {
    const kept = this.#faults.get('drive-keeps-firmware')?.drive;
    for (const [index, drive] of this.#drives.entries())
      if (ids.includes(drive.spec.id) && index + 1 !== kept) drive.spec = { ...drive.spec, revision: version };
  }

  #own(): (DriveReading & { health: Severity })[] {
    const predicted = this.#faults.get('drive-predictive')?.drive;
    const failed = this.#faults.get('drive-failed')?.drive;
    return this.#drives.map(({ spec, serial, lifeLeftPercent }, i) => {
      const predictedFailure = i + 1 === predicted;
      const life = predictedFailure ? wornOutPercent : lifeLeftPercent;
      return {
        ...spec,
        serial,
        health: i + 1 === failed ? 'Critical' : predictedFailure ? 'Warning' : 'OK',
        predictedFailure,
        lifeLeftPercent: spec.media === 'SSD' ? life : undefined,
      };
    });
  }

  #report(): void {
    for (const { id, name, health } of this.#own()) {
      if (health === (this.#reported.get(id) ?? 'OK')) continue;
      this.#reported.set(id, health);
      this.#log.append({ severity: health, ...words[health], message: `${name} ${words[health].message}` });
    }
  }
}

const words = {
  OK: { messageId: 'PDR0008', message: 'is operating normally.' },
  Warning: { messageId: 'PDR0016', message: 'expects to fail soon.' },
  Critical: { messageId: 'PDR0003', message: 'failed.' },
} as const;
