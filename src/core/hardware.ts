/**
 * What a server is made of and how it fares, as its BMC tells it. As in
 * {@link Fact}: what could not be read is unknown with the reason, never well.
 */
import type {
  Fact,
  FirmwareMember,
  HealthLevel,
  LogEntry,
  MemoryErrors,
  PowerState,
  SensorReading,
  ServerIdentity,
} from './bmc.ts';

export type Part = { uri: string; name: string; health: Fact<HealthLevel> };

export type Processor = Part & {
  kind: 'cpu' | 'gpu' | 'other';
  model: Fact<string>;
  cores: Fact<number>;
  threads: Fact<number>;
};

export type MemoryModule = Part & {
  capacityMiB: Fact<number>;
  partNumber: Fact<string>;
  serial: Fact<string>;
};

export type Drive = Part & {
  model: Fact<string>;
  serial: Fact<string>;
  capacityBytes: Fact<number>;
  media: Fact<'hdd' | 'ssd'>;
  /** As Redfish spells it: SATA, SAS, NVMe … */
  protocol: Fact<string>;
  /** The drive itself says that it will fail. */
  predictedFailure: Fact<boolean>;
  lifeLeftPercent: Fact<number>;
  /** The version that it runs, by its own word. */
  firmware: Fact<string>;
};

/** What keeps data together over several drives; on some BMCs also what a drive is to its host by itself. */
export type Volume = {
  uri: string;
  name: string;
  health: Fact<HealthLevel>;
  /** What it is at, such as a rebuild, in the BMC's own words. */
  busy: string | undefined;
};

export type Storage = {
  drives: Fact<Drive[]>;
  volumes: Fact<Volume[]>;
  /** An image can be given to some drives of a model and not to the others. */
  selective: boolean;
};

/** One MAC address: a port, or the interface that an operating system sees of it. */
export type NetworkPort = Part & {
  /** Lower case, colons. */
  mac: Fact<string>;
  linkUp: Fact<boolean>;
  speedMbps: Fact<number>;
};

export type PowerSupply = Part & {
  model: Fact<string>;
  capacityWatts: Fact<number>;
};

/** A supply with what goes through it now. */
export type MeteredSupply = PowerSupply & {
  inputWatts: Fact<number>;
  outputWatts: Fact<number>;
};

/** In the order in which people ask for them. */
export const sensorKinds = [
  'temperature',
  'fan',
  'power',
  'voltage',
  'current',
  'humidity',
  'leak',
  'flow',
  'pressure',
  'energy',
  'frequency',
  'percent',
  /** Something else that has a unit. */
  'other',
  /** Without a unit: a yes or no (a failed supply, a module in its socket), told by its health alone. */
  'state',
  /** Where a BMC keeps sensors that could not be read: how many there are is not known. */
  'unread',
] as const;
export type SensorKind = (typeof sensorKinds)[number];

export type Sensor = Part & {
  kind: SensorKind;
  /** `celsius`, `rpm`, `percent`, else as physics writes it (V, A, W); empty where there is none. */
  unit: string;
  reading: Fact<number>;
  limits: SensorLimits;
};

/** In the unit of the sensor, where the BMC gives them. What it calls fatal stands for a critical limit that it lacks. */
export type SensorLimits = {
  lowerCritical?: number;
  lowerCaution?: number;
  upperCaution?: number;
  upperCritical?: number;
};

export type HardwareInventory = {
  identity: ServerIdentity;
  processors: Fact<Processor[]>;
  memory: Fact<MemoryModule[]>;
  drives: Fact<Drive[]>;
  network: Fact<NetworkPort[]>;
  powerSupplies: Fact<MeteredSupply[]>;
  sensors: Fact<Sensor[]>;
  firmware: Fact<FirmwareMember[]>;
};

/** What asks for a hand now and then, and changes so seldom that once an hour is enough. */
export type Upkeep = {
  identity: ServerIdentity;
  firmware: Fact<FirmwareMember[]>;
  drives: Fact<Drive[]>;
  /** 0 to 1, of the fullest event log that takes no more when it is full; 0 where all of them forget their oldest. */
  logFilled: Fact<number>;
};

/** What was read of one log, by the URI of its entries, the newest first as the log itself has them. */
export type LogReading = {
  log: string;
  entries: LogEntry[];
  /** That is all the log holds; else there are older ones. */
  whole: boolean;
};

/** Parts of one kind of which some may fail, by the BMC's own judgement: anything but `ok` means fewer than there should be. */
export type RedundancyGroup = { uri: string; name: string; of: 'fans' | 'supplies'; health: Fact<HealthLevel> };

/** Everything that is read again and again: what may change from one minute to the next, without inventories. */
export type HealthSample = {
  power: Fact<PowerState>;
  health: Fact<HealthLevel>;
  temperatures: Fact<SensorReading[]>;
  fans: Fact<SensorReading[]>;
  powerSupplies: Fact<PowerSupply[]>;
  /** None where the BMC keeps no such groups. */
  redundancy: Fact<RedundancyGroup[]>;
  memory: Fact<MemoryErrors[]>;
  drives: Fact<Drive[]>;
  /** Of the log that says most, newest first; at most 20, or all that is new where it was asked for what is new. */
  log: Fact<LogEntry[]>;
  /** Every log that was read, where it was asked for what is new. */
  logs?: LogReading[];
  /** The BMC's own clock, RFC 3339. */
  bmcTime: Fact<string>;
  /** Until when the BMC's certificate is valid, RFC 3339. */
  certificateExpires?: string;
};
