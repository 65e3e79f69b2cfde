/** What can be changed on a BMC, or through it, beside firmware and power. */
import type { BiosValue } from './bios.ts';
import type { Fact, HealthLevel, PowerState, Vendor } from './bmc.ts';
import type { Hearing } from './bmc-events.ts';

/** `none` takes an earlier choice back. */
export const bootSources = ['pxe', 'http', 'disk', 'cd', 'setup', 'none'] as const;
export type BootSource = (typeof bootSources)[number];

/** What a plan of one BMC change may hold: no address, no secret. */
export type PlannedBmcChange =
  /** Restarts the BMC itself; the server runs on. `recover`: also while a task works that has stood still for the stall limit. */
  | { act: 'reset-bmc'; recover?: true }
  | { act: 'identify'; lit: boolean }
  /** For the next start of the server, and only that. */
  | { act: 'boot-once'; from: BootSource };

/** All that can be asked; addresses in it are made here, and never come from a person or a model. */
export type BmcChange =
  | PlannedBmcChange
  /** Takes the power from everything in the server, the BMC included, and gives it back. Its host has to be off. */
  | { act: 'power-cycle' }
  /** For the next start. */
  | { act: 'set-bios'; attributes: Record<string, BiosValue> }
  /** Into an empty virtual drive; the BMC fetches it, now and as it is read. */
  | { act: 'insert-media'; image: string }
  /** Takes out that image, and no other. */
  | { act: 'eject-media'; image: string }
  /** Where an HTTP boot fetches from. It is still `boot-once` that makes the server do so. */
  | { act: 'http-boot'; uri: string }
  /** What is on the drive is gone. `drive` as {@link ErasableDrive} has it. */
  | { act: 'erase-drive'; drive: string };

/** A virtual drive that takes a CD image. */
export type MediaSlot = { uri: string; inserted: boolean; image: string | undefined };

export type ErasableDrive = {
  uri: string;
  name: string;
  serial: Fact<string>;
  health: Fact<HealthLevel>;
  /** Whether its BMC offers to erase it. */
  erasable: boolean;
  /** How far the erase, or whatever else it is at, has come; undefined while it is at nothing. */
  busyPercent: number | undefined;
};

/** The task or job that carries the change, where the BMC names one. */
export type BmcChangeOutcome = { task?: string };

export type BmcStatus = {
  vendor: Vendor;
  model: Fact<string>;
  firmware: Fact<string>;
  health: Fact<HealthLevel>;
  /** Of its own clock, RFC 3339. */
  time: Fact<string>;
  /** When the BMC itself last started, RFC 3339. */
  lastReset: Fact<string>;
  /** Of the server. */
  power: Fact<PowerState>;
  /** Whether the server's locating light is on. */
  lit: Fact<boolean>;
  bootOnce: Fact<BootSource>;
  /** How its events come in. */
  hearing: Hearing;
};
