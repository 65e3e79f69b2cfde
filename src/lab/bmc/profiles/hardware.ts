/** The parts that a machine of the lab is made of, as its profile lists them. How they fare is kept by the models beside. */

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

/** What all modules of a machine have in common. */
export type MemoryPart = {
  manufacturer: string;
  partNumber: string;
  type: 'DDR4' | 'DDR5' | 'LPDDR5_SDRAM';
  speedMhz: number;
};

export type ProcessorSpec = {
  id: string;
  name: string;
  kind: 'CPU' | 'GPU';
  /** Undefined for what sits on a board of its own. */
  socket?: string;
  manufacturer: string;
  model: string;
  architecture: 'x86' | 'ARM' | 'OEM';
  cores: number;
  threads: number;
  maxMhz: number;
};

export type DriveSpec = {
  id: string;
  name: string;
  manufacturer: string;
  model: string;
  capacityBytes: number;
  media: 'SSD' | 'HDD';
  protocol: 'NVMe' | 'SATA' | 'SAS';
  /** Version of its firmware when the machine is new. */
  revision: string;
};

export type StorageSpec = {
  /** `storage`: drives are resources. `simple`: SimpleStorage alone, which knows names and health of its devices. */
  form: 'storage' | 'simple';
  id: string;
  name: string;
  /** One volume over all drives: what its BMC shows of it. */
  array?: { id: string; name: string; raid: 'RAID5' | 'RAID6' };
  /** Id of the chassis that the drives are in, where they are not under the Storage. */
  enclosureId?: string;
  drives: DriveSpec[];
};

/** One port, with the id of the EthernetInterface that the host has of it where the vendor shows one. */
export type PortSpec = { id: string; interfaceId?: string; speedMbps: number };

export type AdapterSpec = {
  id: string;
  name: string;
  manufacturer: string;
  model: string;
  /** Shape of its ports: the newer resource, the older one, or none, where only the host's interfaces tell of it. */
  form: 'Ports' | 'NetworkPorts' | 'none';
  ports: PortSpec[];
};

export type SupplySpec = { id: string; name: string; model: string; capacityWatts: number };

export type PowerSpec = {
  /** `Power` and `PowerSubsystem`; a vendor may have both. */
  legacy: boolean;
  subsystem: boolean;
  /** What the machine draws under the usual load. */
  usualWatts: number;
  /** Empty where a rack's busbar feeds the machine. */
  supplies: SupplySpec[];
};

export type BaseboardSpec = {
  systemId: string;
  managerId: string;
  chassisId: string;
  manufacturer: string;
  model: string;
  version: string;
  processors: ProcessorSpec[];
};
