/** Rows of equal parts for the profiles: machines are mostly made of several of one kind. */
import type { DriveSpec, PortSpec, ProcessorSpec, SupplySpec } from './hardware.ts';

type Named = { id: string; name: string };

/** CPUs of one model, each in a socket of its name. */
export function cpus(named: Named[], cpu: Omit<ProcessorSpec, 'id' | 'name' | 'kind' | 'socket'>): ProcessorSpec[] {
  return named.map(each => ({ ...each, kind: 'CPU', socket: each.name, ...cpu }));
}

/** Drives of one model. */
export function drives(named: Named[], drive: Omit<DriveSpec, 'id' | 'name'>): DriveSpec[] {
  return named.map(each => ({ ...each, ...drive }));
}

/** Power supplies of one model. */
export function supplies(named: Named[], supply: Omit<SupplySpec, 'id' | 'name'>): SupplySpec[] {
  return named.map(each => ({ ...each, ...supply }));
}

/** Ports of one speed. Without interface ids, the host's view of them is not shown. */
export function ports(speedMbps: number, ids: { id: string; interfaceId?: string }[]): PortSpec[] {
  return ids.map(each => ({ ...each, speedMbps }));
}

/** The numbers from `first` to `last`. */
export function counted(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

export const xeonGold: Omit<ProcessorSpec, 'id' | 'name' | 'kind'> = {
  manufacturer: 'Intel',
  model: 'Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz',
  architecture: 'x86',
  cores: 32,
  threads: 64,
  maxMhz: 3200,
};

export const xeonPlatinum: Omit<ProcessorSpec, 'id' | 'name' | 'kind'> = {
  ...xeonGold,
  model: 'Intel(R) Xeon(R) Platinum 8480+',
  cores: 56,
  threads: 112,
  maxMhz: 3800,
};

export const epyc: Omit<ProcessorSpec, 'id' | 'name' | 'kind'> = {
  manufacturer: 'AMD',
  model: 'AMD EPYC 7713 64-Core Processor',
  architecture: 'x86',
  cores: 64,
  threads: 128,
  maxMhz: 3675,
};

export const nvmeDrive: Omit<DriveSpec, 'id' | 'name'> = {
  manufacturer: 'Samsung',
  model: 'MZQL23T8HCLS',
  capacityBytes: 3_840_755_982_336,
  media: 'SSD',
  protocol: 'NVMe',
  revision: '2.1.3',
};

export const sataDrive: Omit<DriveSpec, 'id' | 'name'> = {
  manufacturer: 'Micron',
  model: 'MTFDDAK960TDS',
  capacityBytes: 960_197_124_096,
  media: 'SSD',
  protocol: 'SATA',
  revision: '2.0.1',
};

export const sasDisk: Omit<DriveSpec, 'id' | 'name'> = {
  manufacturer: 'Seagate',
  model: 'ST2400MM0129',
  capacityBytes: 2_400_476_553_216,
  media: 'HDD',
  protocol: 'SAS',
  revision: 'HPD2',
};

export const ddr4 = {
  manufacturer: 'Micron',
  partNumber: '36ASF4G72PZ-3G2',
  type: 'DDR4',
  speedMhz: 3200,
} as const;

export const ddr5 = {
  manufacturer: 'Hynix',
  partNumber: 'HMCG94MEBRA',
  type: 'DDR5',
  speedMhz: 4800,
} as const;
