/** A machine that follows the standard and tells nothing of who made its BMC: what a client does that knows no vendor. */
import { dmtfActs } from './acts/dmtf.ts';
import { counted, cpus, ddr5, drives, nvmeDrive, ports, supplies, xeonPlatinum } from './parts.ts';
import type { BmcProfile } from './profile.ts';

export const dmtf: BmcProfile = {
  vendor: 'generic',
  manufacturer: 'Plainworks',
  model: 'P200',
  uuidCase: 'lower',
  systemId: 'P200-4711',
  chassisId: '2U',
  managerId: 'BMC',
  root: { name: 'Root Service', redfishVersion: '1.15.0' },
  manager: { name: 'Manager', model: 'Plain BMC 1', versionPrefix: '' },
  baseRegistry: 'Base.1.15',
  etag: 'strong',
  caseInsensitivePaths: false,
  expand: 6,
  sessionLimit: 8,
  serialLength: 11,
  log: {
    owner: 'system',
    id: 'Log1',
    name: 'System Log',
    entryType: 'SEL',
    newestFirst: false,
    history: 10,
  },
  system: {
    lastResetTime: true,
    bootProgress: true,
    postState: false,
    resetTypes: ['On', 'ForceOff', 'GracefulShutdown', 'GracefulRestart', 'ForceRestart', 'PushPowerButton'],
  },
  allowableValues: 'inline',
  sameState: 'accept',
  thermal: { legacy: true, subsystem: true, fanUnit: 'RPM' },
  temperatures: [
    { id: 'Inlet', name: 'Inlet', context: 'Intake', base: 23, rise: 3, caution: 42, critical: 46 },
    { id: 'CPU1', name: 'CPU1', context: 'CPU', base: 50, rise: 33, caution: 84, critical: 95 },
    { id: 'CPU2', name: 'CPU2', context: 'CPU', base: 49, rise: 30, caution: 84, critical: 95 },
    { id: 'Exhaust', name: 'Exhaust', context: 'Exhaust', base: 35, rise: 16, caution: 68, critical: 75 },
  ],
  fans: counted(1, 4).map(n => ({ id: `Fan${n}`, name: `Fan ${n}`, speed: 5200 })),
  memory: {
    metrics: false,
    part: ddr5,
    dimms: counted(1, 8).map(n => ({ id: `DIMM${n}`, name: `DIMM Slot ${n}`, capacityMiB: 32_768 })),
  },
  processors: cpus(
    counted(1, 2).map(n => ({ id: `CPU${n}`, name: `CPU ${n}` })),
    xeonPlatinum,
  ),
  storage: {
    form: 'simple',
    id: '1',
    name: 'Simple Storage Controller',
    drives: drives(
      counted(1, 2).map(n => ({ id: String(n), name: `Bay ${n}` })),
      nvmeDrive,
    ),
  },
  adapters: [
    {
      id: 'NIC1',
      name: 'NIC 1',
      manufacturer: 'Intel',
      model: 'E810-XXVDA2',
      form: 'none',
      ports: ports(
        25_000,
        counted(1, 2).map(n => ({ id: `NIC1-${n}`, interfaceId: `Port${n}` })),
      ),
    },
  ],
  power: {
    legacy: true,
    subsystem: true,
    usualWatts: 400,
    supplies: supplies(
      counted(1, 2).map(n => ({ id: `Bay${n}`, name: `Power Supply Bay ${n}` })),
      { model: 'PW-1100', capacityWatts: 1100 },
    ),
  },
  firmware: { bmc: '1.45.2-rev3', bios: 'P20 v1.31', newBios: 'P20 v1.44', earlierBios: 'P20 v1.22' },
  inventory(state) {
    return [
      {
        id: 'BMC',
        name: 'Plainworks BMC Firmware',
        description: 'BMC image',
        version: state.bmc,
        state: 'Enabled',
        related: 'manager',
      },
      {
        id: 'BIOS',
        name: 'Plainworks BIOS Firmware',
        description: 'BIOS image',
        version: state.active,
        state: 'Enabled',
        related: 'system',
      },
      { id: 'SS', name: 'Storage Firmware', description: 'Controller image', version: '2.18', state: 'Enabled' },
    ];
  },
  update: {
    flash: 'at-once',
    flashMs: 200_000,
    userAgent: 'Plain-BMC',
    firstTaskId: 1,
    busy: {
      status: 503,
      messageId: 'Base.1.15.ServiceTemporarilyUnavailable',
      message: 'The service is temporarily unavailable. Retry in 30 seconds.',
      retryAfter: 30,
    },
    location: 'task',
  },
  acts: dmtfActs,
};
