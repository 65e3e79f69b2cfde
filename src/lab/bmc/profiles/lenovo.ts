/** XCC-like: numbered resources, several logs, `-Pending` and `-Backup` images beside those that run. */
import { lenovoActs } from './acts/lenovo.ts';
import { counted, cpus, ddr4, drives, nvmeDrive, ports, supplies, xeonGold } from './parts.ts';
import type { BmcProfile } from './profile.ts';

export const lenovo: BmcProfile = {
  vendor: 'lenovo',
  manufacturer: 'Lenovo',
  model: 'ThinkSystem SR650 V2',
  uuidCase: 'upper',
  systemId: '1',
  chassisId: '1',
  managerId: '1',
  root: { name: 'Root Service', redfishVersion: '1.15.0', vendor: 'Lenovo' },
  manager: { name: 'Manager', model: 'Lenovo XClarity Controller', versionPrefix: '' },
  baseRegistry: 'Base.1.12',
  etag: 'strong',
  caseInsensitivePaths: false,
  expand: 2,
  sessionLimit: 16,
  serialLength: 8,
  log: {
    owner: 'system',
    id: 'PlatformLog',
    name: 'Platform Log',
    entryType: 'Oem',
    oemRecordFormat: 'Lenovo',
    serviceType: 'Multiple',
    newestFirst: false,
    history: 20,
  },
  system: {
    lastResetTime: false,
    bootProgress: false,
    postState: false,
    resetTypes: ['On', 'GracefulShutdown', 'GracefulRestart', 'ForceOff', 'ForceRestart'],
  },
  allowableValues: 'action-info',
  sameState: 'accept',
  thermal: { legacy: true, subsystem: true, fanUnit: 'RPM' },
  temperatures: [
    { id: '64L0', name: 'Ambient Temp', context: 'Intake', base: 22, rise: 3, caution: 43, critical: 47 },
    { id: '65L0', name: 'CPU1 Temp', context: 'CPU', base: 51, rise: 33, caution: 82, critical: 95 },
    { id: '66L0', name: 'CPU2 Temp', context: 'CPU', base: 50, rise: 30, caution: 82, critical: 95 },
    { id: '67L0', name: 'Exhaust Temp', context: 'Exhaust', base: 36, rise: 17, caution: 70, critical: 78 },
  ],
  fans: counted(1, 6).map(n => ({ id: `Fan_${n}A_Tach`, name: `Fan ${n}A Tach`, speed: 6400 })),
  memory: {
    metrics: false,
    part: ddr4,
    dimms: counted(1, 16).map(n => ({ id: String(n), name: `DIMM ${n}`, capacityMiB: 32_768 })),
  },
  processors: cpus(
    counted(1, 2).map(n => ({ id: String(n), name: `CPU ${n}` })),
    xeonGold,
  ),
  storage: {
    form: 'storage',
    id: 'Direct_Attached_NVMe',
    name: 'Direct Attached NVMe',
    drives: drives(
      counted(0, 3).map(n => ({ id: `Drive.Bay_${n}`, name: `Drive Bay ${n}` })),
      nvmeDrive,
    ),
  },
  adapters: [
    {
      id: 'slot-27',
      name: 'OCP Slot 27',
      manufacturer: 'Intel',
      model: 'I350-T4',
      form: 'Ports',
      ports: ports(
        1_000,
        counted(1, 4).map(n => ({ id: String(n), interfaceId: `NIC${n}` })),
      ),
    },
  ],
  power: {
    legacy: true,
    subsystem: true,
    usualWatts: 440,
    supplies: supplies(
      counted(1, 2).map(n => ({ id: `PSU${n}`, name: `PSU${n}` })),
      { model: 'SP57A02023', capacityWatts: 1100 },
    ),
  },
  firmware: { bmc: '42S-2.83', bios: '22J-1.51', newBios: '22N-1.70', earlierBios: '22H-1.42' },
  inventory(state) {
    const uefi = { name: 'Firmware:UEFI', softwareId: 'UEFI-U8E1-6', related: 'system' as const };
    const bmc = { name: 'Firmware:BMC', softwareId: 'BMC-TGBT-10', related: 'manager' as const };
    const empty = { version: null, state: 'Disabled' as const };
    return [
      { id: 'BMC-Primary', ...bmc, description: 'Primary BMC image', version: state.bmc, state: 'Enabled' },
      {
        id: 'BMC-Primary-Pending',
        ...bmc,
        description: 'Primary BMC image that waits',
        ...(state.stagedBmc === undefined ? empty : { version: state.stagedBmc, state: 'StandbySpare' as const }),
      },
      { id: 'BMC-Backup', ...bmc, description: 'Backup BMC image', version: '42S-2.60', state: 'StandbySpare' },
      { id: 'UEFI', ...uefi, description: 'UEFI image', version: state.active, state: 'Enabled' },
      {
        id: 'UEFI-Pending',
        ...uefi,
        description: 'UEFI image that waits',
        ...(state.staged === undefined ? empty : { version: state.staged, state: 'StandbySpare' as const }),
      },
      {
        id: 'LXPM',
        name: 'Firmware:LXPM',
        description: 'Provisioning manager',
        version: 'XWL126H-3.30',
        state: 'Enabled',
      },
      ...counted(1, 2).map(n => ({
        id: `PSU${n}`,
        name: 'Firmware:PSU',
        description: 'Power supply',
        version: '8.00',
        state: 'Enabled' as const,
      })),
    ];
  },
  update: {
    flash: 'at-once',
    push: { multipart: '/mfwupdate', stream: '/fwupdate' },
    ownWaitsFor: 'restart',
    simpleTargets: ['/redfish/v1/UpdateService/FirmwareInventory/BMC-Backup'],
    flashMs: 200_000,
    userAgent: 'XCC',
    firstTaskId: 1,
    busy: {
      status: 503,
      messageId: 'Base.1.12.ServiceTemporarilyUnavailable',
      message: 'The service is temporarily unavailable. Retry in 30 seconds.',
      retryAfter: 30,
    },
    location: 'task',
  },
  acts: lenovoActs,
};
