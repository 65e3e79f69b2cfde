/**
 * What makes one vendor's BMC different from another's, as data: addresses of
 * resources, which resources exist at all, sensors, inventory, and how an
 * update travels. Behaviour that these fields select lives beside, in the BMC.
 */
import type { Vendor } from '../../../core/bmc.ts';
import type { ActsSpec } from './acts.ts';
import type {
  AdapterSpec,
  BaseboardSpec,
  DimmSpec,
  DriveSpec,
  FanSpec,
  MemoryPart,
  PowerSpec,
  ProcessorSpec,
  StorageSpec,
  TemperatureSpec,
} from './hardware.ts';

/** Whose firmware the lab speaks; `generic` for what says nothing of it. One vendor may have several machines in the catalogue. */
export type LabVendor = Vendor;

export type FirmwareState = {
  /** BIOS version that runs. */
  active: string;
  /** BIOS version kept for rolling back. */
  previous: string | undefined;
  /** BIOS version that waits for a host reset. */
  staged: string | undefined;
  /** The BMC's own version. */
  bmc: string;
  /** Of its network card, where the machine can update it. */
  nic: string | undefined;
  /** The BMC's own version that was written and does not run yet. */
  stagedBmc: string | undefined;
};

export type InventoryMember = {
  id: string;
  name: string;
  description: string;
  /** Null where the slot for an image is empty. */
  version: string | null;
  state: 'Enabled' | 'StandbySpare' | 'Disabled';
  softwareId?: string;
  related?: 'system' | 'manager' | 'drive';
  oem?: Record<string, unknown>;
};

export type BmcProfile = {
  vendor: LabVendor;
  manufacturer: string;
  model: string;
  uuidCase: 'upper' | 'lower';
  systemId: string;
  chassisId: string;
  managerId: string;
  root: { name: string; redfishVersion: string; vendor?: string; product?: string; oem?: Record<string, unknown> };
  manager: {
    name: string;
    model: string;
    versionPrefix: string;
    /** Whether it says when it last started. */
    lastReset?: true;
    oem?: Record<string, unknown>;
  };
  /** Prefix of standard message ids, such as `Base.1.12`. */
  baseRegistry: string;
  etag: 'strong' | 'weak';
  caseInsensitivePaths: boolean;
  /** Levels of `$expand` that the vendor announces; 0 where it has none. */
  expand: number;
  sessionLimit: number;
  /** Characters of a serial number. */
  serialLength: number;
  log: {
    owner: 'system' | 'manager';
    id: string;
    name: string;
    entryType: 'SEL' | 'Event' | 'Oem';
    /** Type of the service where it is not that of its entries. */
    serviceType?: 'Multiple';
    oemRecordFormat?: string;
    newestFirst: boolean;
    /** Entries a page; the rest is behind `@odata.nextLink`. */
    pageSize?: number;
    /** Harmless old entries that the log starts with. */
    history: number;
    /** A full log takes no more, as IPMI's does unless told otherwise; the others forget their oldest. */
    stopsWhenFull?: true;
  };
  /** `ComputerSystem` members that not every vendor has. */
  system: {
    lastResetTime: boolean;
    bootProgress: boolean;
    postState: boolean;
    resetTypes: ResetName[];
    /** Usual members that this vendor leaves out. */
    omits?: readonly string[];
  };
  /** Whether allowed action values stand in the action itself or in an ActionInfo resource. */
  allowableValues: 'inline' | 'action-info';
  /** What a reset answers that asks for the state the host is already in. */
  sameState: 'conflict' | 'bad-request' | 'accept';
  thermal: {
    legacy: boolean;
    subsystem: boolean;
    fanUnit: 'RPM' | 'Percent';
    /** Fans are sensors only: the collection of Fan resources is there and empty. */
    fansAreSensors?: true;
  };
  temperatures: TemperatureSpec[];
  fans: FanSpec[];
  memory: { metrics: boolean; part: MemoryPart; dimms: DimmSpec[] };
  processors: ProcessorSpec[];
  storage: StorageSpec;
  adapters: AdapterSpec[];
  power: PowerSpec;
  /** A reset that takes the power from everything, the BMC included; refused while the host is on. */
  auxPowerReset?: true;
  /** Accelerators behind the same BMC that call themselves a system, with a manager and a chassis of their own. */
  baseboard?: BaseboardSpec;
  /** What differs on the second server behind the same BMC, where there is one. */
  neighbour?: Pick<BmcProfile, 'systemId' | 'chassisId' | 'inventory'>;
  firmware: { bmc: string; bios: string; newBios: string; earlierBios: string; nic?: string };
  inventory(state: FirmwareState): InventoryMember[];
  /** How a drive (counted from 0) is listed there, where drives are. */
  driveMember?(drive: DriveSpec, index: number): InventoryMember;
  update: {
    /** When the flash happens: inside POST after a reset, or at once, active from the next reset. */
    flash: 'in-post' | 'at-once';
    /** Real milliseconds that the flash takes. */
    flashMs: number;
    applyTimes?: string[];
    /** What the BMC's own new image waits for; the BMC restarts by itself where nothing is said. */
    ownWaitsFor?: 'restart' | 'power-cycle';
    /** Parameters that SimpleUpdate has beyond the standard's: what the image is for, and whether the BMC restarts after its own. */
    ownParameters?: { UpdateComponent: readonly string[] };
    /** Where an image can be sent to, beside or in place of SimpleUpdate. */
    push?: {
      multipart: string;
      /** Takes the bare bytes. */
      stream?: string;
      /** The image is only checked on arrival; StartUpdate writes it. */
      waitsForStart?: true;
      /** A form must name one target: the manager, or a member of the inventory. */
      namesTarget?: true;
      /** Said of what comes as bare bytes. */
      applyTime?: 'OnReset' | 'Immediate';
    };
    /** What `HttpPushUri` names where only the vendor's own web page can send there. */
    webUpload?: string;
    /** The vendor's own word for where an update stands is shown beside the tasks. */
    oemState?: true;
    /** What updates of drives are given to: those that the request names, or all that the image is for. */
    drives?: 'named' | 'all';
    /** The only Targets that SimpleUpdate takes, or `absent` where there is no SimpleUpdate. Any where nothing is said. */
    simpleTargets?: 'absent' | readonly string[];
    userAgent: string;
    firstTaskId: number;
    busy: { status: number; messageId: string; message: string; retryAfter?: number };
    /** Real milliseconds after which an ended Task resource is deleted. */
    taskKeptMs?: number;
    /** What an update's 202 names in `Location`; `message`: there is none, and only a message of the body names the task. */
    location: 'task' | 'monitor' | 'message';
    /** From this version of the BMC on, the body is the task itself, and still nothing is in `Location`. */
    taskInBodySince?: string;
  };
  acts: ActsSpec;
};

export type ResetName =
  | 'On'
  | 'ForceOff'
  | 'ForceRestart'
  | 'GracefulRestart'
  | 'GracefulShutdown'
  | 'PushPowerButton'
  | 'PowerCycle';
