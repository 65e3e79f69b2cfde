/** MegaRAC-like: everything is called Self, old schemas, action values behind ActionInfo, SimpleStorage alone, no ports of adapters. */
import { amiActs } from './acts/ami.ts';
import { counted, cpus, ddr4, drives, epyc, ports, sataDrive, supplies } from './parts.ts';
import type { BmcProfile } from './profile.ts';

export const ami: BmcProfile = {
  vendor: 'ami',
  manufacturer: 'GIGABYTE',
  model: 'R282-Z93',
  uuidCase: 'upper',
  systemId: 'Self',
  chassisId: 'Self',
  managerId: 'Self',
  root: {
    name: 'Root Service',
    redfishVersion: '1.7.0',
    vendor: 'AMI',
    product: 'AMI Redfish Server',
    oem: { Ami: { '@odata.type': '#AMIServiceRoot.v1_0_0.AMIServiceRoot' } },
  },
  manager: { name: 'Manager', model: 'MegaRAC', versionPrefix: '' },
  baseRegistry: 'Base.1.5.0',
  etag: 'weak',
  caseInsensitivePaths: false,
  expand: 5,
  sessionLimit: 16,
  serialLength: 13,
  log: {
    owner: 'manager',
    id: 'SEL',
    name: 'IPMI SEL',
    entryType: 'SEL',
    newestFirst: false,
    history: 16,
    stopsWhenFull: true,
  },
  system: {
    lastResetTime: false,
    bootProgress: false,
    postState: false,
    resetTypes: ['GracefulShutdown', 'ForceRestart', 'ForceOff', 'On'],
  },
  allowableValues: 'action-info',
  sameState: 'accept',
  thermal: { legacy: true, subsystem: false, fanUnit: 'RPM' },
  temperatures: [
    { id: '0', name: 'CPU0_TEMP', context: 'CPU', base: 47, rise: 33, caution: 84, critical: 95 },
    { id: '1', name: 'CPU1_TEMP', context: 'CPU', base: 46, rise: 30, caution: 84, critical: 95 },
    { id: '2', name: 'MB_TEMP1', context: 'Intake', base: 24, rise: 4, caution: 44, critical: 48 },
    { id: '3', name: 'MB_TEMP2', context: 'SystemBoard', base: 35, rise: 14, caution: 72, critical: 80 },
  ],
  fans: counted(1, 4).map(n => ({ id: String(n), name: `SYS_FAN${n}`, speed: 9300 })),
  memory: {
    metrics: false,
    part: ddr4,
    dimms: counted(1, 16).map(n => ({ id: String(n), name: `DIMM_P${n < 9 ? 0 : 1}_${n}`, capacityMiB: 65_536 })),
  },
  processors: cpus(
    counted(1, 2).map(n => ({ id: String(n), name: `P${n - 1}` })),
    epyc,
  ),
  storage: {
    form: 'simple',
    id: '1',
    name: 'Simple Storage',
    drives: drives(
      counted(1, 2).map(n => ({ id: String(n), name: `SATA Device ${n}` })),
      sataDrive,
    ),
  },
  adapters: [
    {
      id: '1',
      name: 'LAN',
      manufacturer: 'Intel',
      model: 'X550-AT2',
      form: 'none',
      ports: ports(
        10_000,
        counted(1, 2).map(n => ({ id: String(n), interfaceId: String(n) })),
      ),
    },
  ],
  power: {
    legacy: true,
    subsystem: false,
    usualWatts: 520,
    supplies: supplies(
      counted(0, 1).map(n => ({ id: String(n), name: `PSU${n}` })),
      { model: 'DPS-1600', capacityWatts: 1600 },
    ),
  },
  firmware: { bmc: '12.84.13', bios: 'M12', newBios: 'M19', earlierBios: 'M09' },
  inventory(state) {
    return [
      { id: 'BMC', name: 'BMC', description: 'BMC firmware', version: state.bmc, state: 'Enabled' },
      { id: 'MB_CPLD1', name: 'MB_CPLD1', description: 'Programmable logic', version: '0.8', state: 'Enabled' },
      { id: 'BIOS', name: 'BIOS', description: 'BIOS firmware', version: state.active, state: 'Enabled' },
    ];
  },
  update: {
    flash: 'at-once',
    flashMs: 220_000,
    ownParameters: { UpdateComponent: ['BMC', 'BIOS', 'MB_CPLD'] },
    userAgent: 'MegaRAC',
    firstTaskId: 1,
    busy: {
      status: 503,
      messageId: 'Base.1.5.0.ServiceTemporarilyUnavailable',
      message: 'The service is temporarily unavailable. Retry in 30 seconds.',
      retryAfter: 30,
    },
    location: 'task',
  },
  acts: amiActs,
};
