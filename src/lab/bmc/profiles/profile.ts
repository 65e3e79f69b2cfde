/**
 * What makes one vendor's BMC different from another's, as data: addresses of
 * resources, which resources exist at all, sensors, inventory, and how an
 * update travels. Behaviour that these fields select lives beside, in the BMC.
 */
import type { Vendor } from '../../../core/bmc.ts';

export type LabVendor = Extract<Vendor, 'dell' | 'hpe' | 'openbmc'>;

export type FirmwareState = {
  /** BIOS version that runs. */
  active: string;
  /** BIOS version kept for rolling back. */
  previous: string | undefined;
  /** BIOS version that waits for a host reset. */
  staged: string | undefined;
  /** The BMC's own version. */
  bmc: string;
};

export type InventoryMember = {
  id: string;
  name: string;
  description: string;
  version: string;
  state: 'Enabled' | 'StandbySpare';
  softwareId?: string;
  related?: 'system' | 'manager';
  oem?: Record<string, unknown>;
};

export type TemperatureSpec = {
  id: string;
  name: string;
  context: 'Intake' | 'CPU' | 'Exhaust' | 'SystemBoard';
  /** Degrees Celsius at a running OS with all fans. */
  base: number;
  /** Degrees gained, in the end, when one fan stands still. */
  rise: number;
  caution: number;
  critical: number;
};

export type FanSpec = { id: string; name: string /** In the profile's fan unit. */; speed: number };
export type DimmSpec = { id: string; name: string; capacityMiB: number };

export type BmcProfile = {
  vendor: LabVendor;
  manufacturer: string;
  model: string;
  uuidCase: 'upper' | 'lower';
  systemId: string;
  chassisId: string;
  managerId: string;
  root: { name: string; redfishVersion: string; vendor?: string; product?: string; oem?: Record<string, unknown> };
  manager: { name: string; model: string; versionPrefix: string; oem?: Record<string, unknown> };
  /** Prefix of standard message ids, such as `Base.1.12`. */
  baseRegistry: string;
  etag: 'strong' | 'weak';
  caseInsensitivePaths: boolean;
  /** `$expand` of collections, one level. */
  expand: boolean;
  sessionLimit: number;
  log: {
    owner: 'system' | 'manager';
    id: string;
    name: string;
    entryType: 'SEL' | 'Event' | 'Oem';
    oemRecordFormat?: string;
    newestFirst: boolean;
    /** Entries a page; the rest is behind `@odata.nextLink`. */
    pageSize?: number;
    /** Harmless old entries that the log starts with. */
    history: number;
  };
  /** `ComputerSystem` members that not every vendor has. */
  system: { lastResetTime: boolean; bootProgress: boolean; postState: boolean; resetTypes: ResetName[] };
  /** Whether allowed action values stand in the action itself or in an ActionInfo resource. */
  allowableValues: 'inline' | 'action-info';
  /** What a reset answers that asks for the state the host is already in. */
  sameState: 'conflict' | 'bad-request' | 'accept';
  thermal: { legacy: boolean; subsystem: boolean; fanUnit: 'RPM' | 'Percent' };
  temperatures: TemperatureSpec[];
  fans: FanSpec[];
  memory: { metrics: boolean; dimms: DimmSpec[] };
  firmware: { bmc: string; bios: string; newBios: string; earlierBios: string };
  inventory(state: FirmwareState): InventoryMember[];
  update: {
    /** When the flash happens: inside POST after a reset, or at once, active from the next reset. */
    flash: 'in-post' | 'at-once';
    /** Real milliseconds that the flash takes. */
    flashMs: number;
    applyTimes?: string[];
    userAgent: string;
    firstTaskId: number;
    busy: { status: number; messageId: string; message: string; retryAfter?: number };
    /** Real milliseconds after which an ended Task resource is deleted. */
    taskKeptMs?: number;
    /** What an update's 202 names in `Location`. */
    location: 'task' | 'monitor';
  };
};

export type ResetName =
  | 'On'
  | 'ForceOff'
  | 'ForceRestart'
  | 'GracefulRestart'
  | 'GracefulShutdown'
  | 'PushPowerButton'
  | 'PowerCycle';
