/** X13-like: numbered resources, drives in a backplane chassis, golden, backup and staging images beside those that run. */
import { supermicroActs } from './acts/supermicro.ts';
import { counted, cpus, ddr5, drives, nvmeDrive, ports, supplies, xeonPlatinum } from './parts.ts';
import type { BmcProfile, InventoryMember } from './profile.ts';

const buildDates: Readonly<Record<string, string>> = { '1.3': '03/22/2023', '1.4': '08/11/2023', '2.1': '02/05/2024' };

/** The inventory names a BIOS by date and version, the ComputerSystem by version alone. */
function biosMember(id: string, name: string, version: string): InventoryMember {
  return {
    id,
    name,
    description: 'BIOS image',
    version: `BIOS Date: ${buildDates[version] ?? '01/01/2023'} Ver ${version}`,
    state: 'Enabled',
    related: 'system',
  };
}

function bmcMember(id: string, name: string, version: string): InventoryMember {
  return { id, name, description: 'BMC image', version, state: 'Enabled', related: 'manager' };
}

export const supermicro: BmcProfile = {
  vendor: 'supermicro',
  manufacturer: 'Supermicro',
  model: 'SYS-621C-TN12R',
  uuidCase: 'upper',
  systemId: '1',
  chassisId: '1',
  managerId: '1',
  root: {
    name: 'Root Service',
    redfishVersion: '1.11.0',
    oem: { Supermicro: { '@odata.type': '#SmcServiceRootExtensions.v1_0_0.ServiceRoot' } },
  },
  manager: { name: 'Manager', model: 'ASPEED', versionPrefix: '', lastReset: true },
  baseRegistry: 'Base.1.10.0',
  etag: 'strong',
  caseInsensitivePaths: false,
  expand: 2,
  sessionLimit: 16,
  serialLength: 15,
  log: {
    owner: 'system',
    id: 'Log1',
    name: 'Health Event Log Service',
    entryType: 'SEL',
    newestFirst: false,
    history: 24,
  },
  system: {
    lastResetTime: false,
    bootProgress: true,
    postState: false,
    resetTypes: ['On', 'ForceOff', 'GracefulShutdown', 'GracefulRestart', 'ForceRestart', 'PowerCycle'],
  },
  allowableValues: 'action-info',
  sameState: 'accept',
  thermal: { legacy: true, subsystem: false, fanUnit: 'RPM' },
  temperatures: [
    { id: '0', name: 'CPU1 Temp', context: 'CPU', base: 44, rise: 34, caution: 81, critical: 95 },
    { id: '1', name: 'CPU2 Temp', context: 'CPU', base: 43, rise: 31, caution: 81, critical: 95 },
    { id: '2', name: 'Inlet Temp', context: 'Intake', base: 21, rise: 3, caution: 42, critical: 46 },
    { id: '3', name: 'System Temp', context: 'SystemBoard', base: 32, rise: 15, caution: 75, critical: 85 },
  ],
  fans: counted(1, 6).map(n => ({ id: String(n), name: `FAN${n}`, speed: 7100 })),
  memory: {
    metrics: true,
    part: ddr5,
    dimms: counted(1, 16).map(n => ({
      id: String(n),
      name: `P${n < 9 ? 1 : 2}-DIMM${'ABCDEFGH'[(n - 1) % 8]}1`,
      capacityMiB: 65_536,
    })),
  },
  processors: cpus(
    counted(1, 2).map(n => ({ id: String(n), name: `CPU${n}` })),
    xeonPlatinum,
  ),
  storage: {
    form: 'storage',
    id: 'NVMeSSD',
    name: 'NVMe Storage System',
    enclosureId: 'NVMeSSD.0.Group.0.StorageBackplane',
    drives: drives(
      counted(0, 3).map(n => ({ id: `Disk.Bay.${n}`, name: `Disk.Bay.${n}` })),
      nvmeDrive,
    ),
  },
  adapters: [
    {
      id: '1',
      name: 'Network Adapter 1',
      manufacturer: 'Mellanox',
      model: 'MCX631102AN-ADAT',
      form: 'Ports',
      ports: ports(
        25_000,
        counted(1, 2).map(n => ({ id: String(n), interfaceId: String(n) })),
      ),
    },
  ],
  power: {
    legacy: true,
    subsystem: false,
    usualWatts: 560,
    supplies: supplies(
      counted(1, 2).map(n => ({ id: String(n), name: `Power Supply Bay ${n}` })),
      { model: 'PWS-1K62A-1R', capacityWatts: 1600 },
    ),
  },
  firmware: { bmc: '01.01.06', bios: '1.4', newBios: '2.1', earlierBios: '1.3' },
  inventory(state) {
    return [
      bmcMember('BMC', 'BMC', state.bmc),
      bmcMember('Backup_BMC', 'BMC Backup', state.bmc),
      bmcMember('Golden_BMC', 'BMC Golden', '01.00.31'),
      bmcMember('Staging_BMC', 'BMC Staging', state.bmc),
      biosMember('BIOS', 'BIOS', state.active),
      biosMember('Backup_BIOS', 'BIOS Backup', state.previous ?? state.active),
      biosMember('Golden_BIOS', 'BIOS Golden', '1.3'),
      biosMember('Staging_BIOS', 'BIOS Staging', state.staged ?? state.active),
      {
        id: 'CPLD_Motherboard',
        name: 'CPLD Motherboard',
        description: 'Programmable logic',
        version: 'F1.14.C4',
        state: 'Enabled',
      },
    ];
  },
  update: {
    flash: 'at-once',
    flashMs: 260_000,
    push: { multipart: '/redfish/v1/UpdateService/upload', waitsForStart: true },
    userAgent: 'Supermicro-BMC',
    firstTaskId: 1,
    busy: {
      status: 400,
      messageId: 'SMC.1.0.OemFirmwareAlreadyInUpdateMode',
      message: 'The BMC is in update mode already.',
    },
    location: 'message',
    taskInBodySince: '01.05.03',
  },
  acts: supermicroActs,
};
