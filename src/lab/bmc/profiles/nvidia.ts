/** GB200-like OpenBMC: a busbar instead of power supplies, fans as sensors, and an HGX baseboard that looks like a second server. */
import { nvidiaActs } from './acts/openbmc.ts';
import { counted, cpus, drives, nvmeDrive, ports } from './parts.ts';
import type { BmcProfile } from './profile.ts';

const baseboardVersion = 'GB200Nvl-24.11-4';

export const nvidia: BmcProfile = {
  vendor: 'nvidia',
  manufacturer: 'NVIDIA',
  model: 'GB200 NVL',
  uuidCase: 'lower',
  systemId: 'System_0',
  chassisId: 'Chassis_0',
  managerId: 'BMC_0',
  root: { name: 'Root Service', redfishVersion: '1.17.0', vendor: 'NVIDIA', product: 'GB200 NVL' },
  manager: { name: 'OpenBmc Manager', model: 'OpenBmc', versionPrefix: '', lastReset: true },
  baseRegistry: 'Base.1.16.0',
  etag: 'strong',
  caseInsensitivePaths: false,
  expand: 6,
  sessionLimit: 64,
  serialLength: 13,
  log: {
    owner: 'system',
    id: 'EventLog',
    name: 'Event Log Service',
    entryType: 'Event',
    newestFirst: false,
    history: 30,
  },
  system: {
    lastResetTime: true,
    bootProgress: true,
    postState: false,
    resetTypes: ['On', 'ForceOff', 'ForceRestart', 'GracefulRestart', 'GracefulShutdown', 'PowerCycle'],
    omits: ['Manufacturer', 'Model', 'SerialNumber', 'BiosVersion', 'HostName'],
  },
  allowableValues: 'action-info',
  sameState: 'accept',
  thermal: { legacy: false, subsystem: true, fanUnit: 'RPM', fansAreSensors: true },
  temperatures: [
    {
      id: 'Chassis_0_Front_IO_Temp_0',
      name: 'Chassis 0 Front IO Temp 0',
      context: 'Intake',
      base: 26,
      rise: 3,
      caution: 45,
      critical: 50,
    },
    { id: 'CPU_0_Temp_0', name: 'CPU 0 Temp 0', context: 'CPU', base: 48, rise: 36, caution: 86, critical: 97 },
    { id: 'CPU_1_Temp_0', name: 'CPU 1 Temp 0', context: 'CPU', base: 47, rise: 33, caution: 86, critical: 97 },
    { id: 'PDB_0_Temp_0', name: 'PDB 0 Temp 0', context: 'SystemBoard', base: 41, rise: 15, caution: 80, critical: 90 },
  ],
  fans: counted(1, 8).map(n => ({ id: `Chassis_0_FAN_${n}_FRONT`, name: `Chassis 0 FAN ${n} FRONT`, speed: 9800 })),
  memory: {
    metrics: true,
    part: { manufacturer: 'NVIDIA', partNumber: 'LP5X-480', type: 'LPDDR5_SDRAM', speedMhz: 6400 },
    dimms: counted(0, 1).map(n => ({ id: `Memory_${n}`, name: `LP5x_${n}`, capacityMiB: 491_520 })),
  },
  processors: cpus(
    counted(0, 1).map(n => ({ id: `CPU_${n}`, name: `CPU_${n}` })),
    { manufacturer: 'NVIDIA', model: 'Grace A02P', architecture: 'ARM', cores: 72, threads: 72, maxMhz: 3375 },
  ),
  storage: {
    form: 'storage',
    id: '1',
    name: 'Storage',
    enclosureId: 'StorageBackplane_0',
    drives: drives(
      counted(200, 203).map(n => ({ id: String(n), name: String(n) })),
      nvmeDrive,
    ),
  },
  adapters: [
    {
      id: 'IO_Board_0_CX7_0',
      name: 'IO_Board_0_CX7_0',
      manufacturer: 'NVIDIA',
      model: 'ConnectX-7',
      form: 'Ports',
      ports: ports(400_000, [{ id: 'IO_Board_0_CX7_0_Port_0' }]),
    },
  ],
  power: { legacy: false, subsystem: true, usualWatts: 3900, supplies: [] },
  baseboard: {
    systemId: 'HGX_Baseboard_0',
    managerId: 'HGX_BMC_0',
    chassisId: 'HGX_Chassis_0',
    manufacturer: 'NVIDIA',
    model: 'GB200 NVL',
    version: baseboardVersion,
    processors: counted(0, 3).map(n => ({
      id: `GPU_${n}`,
      name: `GPU_${n}`,
      kind: 'GPU',
      manufacturer: 'NVIDIA',
      model: 'GB200 186GB HBM3e',
      architecture: 'OEM',
      cores: 152,
      threads: 152,
      maxMhz: 2062,
    })),
  },
  auxPowerReset: true,
  firmware: { bmc: 'GB200Nvl-24.12-8', bios: '02.03.19', newBios: '02.04.12', earlierBios: '02.02.05' },
  inventory(state) {
    const software = { name: 'Software Inventory', state: 'Enabled' as const };
    const other = { ...software, description: 'Other image' };
    return [
      { id: 'FW_BMC_0', ...software, description: 'BMC image', version: state.bmc, related: 'manager' },
      { id: 'UEFI', ...software, description: 'Host image', version: state.active, related: 'system' },
      { id: 'FW_CPLD_0', ...other, version: '0x0002' },
      { id: 'HGX_FW_BMC_0', ...other, version: baseboardVersion },
      ...counted(0, 3).map(n => ({ id: `HGX_FW_GPU_${n}`, ...other, version: '97.00.6D.00.01' })),
    ];
  },
  update: {
    flash: 'at-once',
    flashMs: 240_000,
    push: { multipart: '/redfish/v1/UpdateService/update-multipart', stream: '/redfish/v1/UpdateService/update' },
    ownWaitsFor: 'power-cycle',
    simpleTargets: 'absent',
    userAgent: 'bmcweb',
    firstTaskId: 0,
    busy: {
      status: 503,
      messageId: 'Base.1.16.0.ServiceTemporarilyUnavailable',
      message: 'The service is temporarily unavailable. Retry in 30 seconds.',
      retryAfter: 30,
    },
    location: 'monitor',
  },
  acts: nvidiaActs,
};
