/** iLO5-like: numbered resources, weak ETags, fans in percent, no ECC counters, an update that is active from the next reset. */
import { hpeActs } from './acts/hpe.ts';
import { counted, cpus, ddr4, drives, ports, sasDisk, supplies, xeonGold } from './parts.ts';
import type { BmcProfile } from './profile.ts';

export const hpe: BmcProfile = {
  vendor: 'hpe',
  manufacturer: 'HPE',
  model: 'ProLiant DL380 Gen10 Plus',
  uuidCase: 'upper',
  systemId: '1',
  chassisId: '1',
  managerId: '1',
  root: {
    name: 'HPE RESTful Root Service',
    redfishVersion: '1.20.0',
    vendor: 'HPE',
    product: 'ProLiant DL380 Gen10 Plus',
    oem: { Hpe: { Manager: [{ ManagerType: 'iLO 5', ManagerFirmwareVersion: '2.82' }] } },
  },
  manager: { name: 'Manager', model: 'iLO 5', versionPrefix: 'iLO 5 v' },
  baseRegistry: 'Base.1.4',
  etag: 'weak',
  caseInsensitivePaths: true,
  expand: 1,
  sessionLimit: 13,
  serialLength: 10,
  log: {
    owner: 'system',
    id: 'IML',
    name: 'Integrated Management Log',
    entryType: 'Oem',
    oemRecordFormat: 'Hpe-IML',
    newestFirst: false,
    history: 12,
  },
  system: {
    lastResetTime: false,
    bootProgress: false,
    postState: true,
    resetTypes: ['On', 'ForceOff', 'GracefulShutdown', 'ForceRestart', 'PushPowerButton', 'GracefulRestart'],
  },
  allowableValues: 'inline',
  sameState: 'bad-request',
  thermal: { legacy: true, subsystem: false, fanUnit: 'Percent' },
  temperatures: [
    { id: '01', name: '01-Inlet Ambient', context: 'Intake', base: 21, rise: 3, caution: 39, critical: 42 },
    { id: '02', name: '02-CPU 1', context: 'CPU', base: 42, rise: 33, caution: 70, critical: 85 },
    { id: '03', name: '03-CPU 2', context: 'CPU', base: 41, rise: 29, caution: 70, critical: 85 },
    { id: '04', name: '04-Sys Exhaust', context: 'Exhaust', base: 33, rise: 17, caution: 65, critical: 75 },
  ],
  fans: [1, 2, 3, 4, 5, 6].map(n => ({ id: String(n), name: `Fan ${n}`, speed: 28 })),
  memory: {
    metrics: false,
    part: ddr4,
    dimms: [1, 3, 5, 7].flatMap(slot =>
      [1, 2].map(cpu => ({
        id: `proc${cpu}dimm${slot}`,
        name: `PROC ${cpu} DIMM ${slot}`,
        capacityMiB: 32_768,
      })),
    ),
  },
  processors: cpus(
    counted(1, 2).map(n => ({ id: String(n), name: `Proc ${n}` })),
    xeonGold,
  ),
  storage: {
    form: 'storage',
    id: 'DE00A000',
    name: 'HPE Smart Array P408i-a SR Gen10',
    enclosureId: 'DE00A000',
    array: { id: '239', name: 'LogicalDrive 1', raid: 'RAID6' },
    drives: drives(
      counted(0, 3).map(n => ({ id: String(2556 + n), name: `Drive in Port 1I Box 1 Bay ${n + 1}` })),
      sasDisk,
    ),
  },
  adapters: [
    {
      id: 'DE080000',
      name: 'HPE Ethernet 10/25Gb 2-port 640FLR-SFP28',
      manufacturer: 'HPE',
      model: '640FLR-SFP28',
      form: 'Ports',
      ports: ports(
        25_000,
        counted(0, 1).map(n => ({ id: String(n), interfaceId: String(n + 1) })),
      ),
    },
  ],
  power: {
    legacy: true,
    subsystem: false,
    usualWatts: 380,
    supplies: supplies(
      counted(1, 2).map(n => ({ id: String(n), name: `HpeServerPowerSupply ${n}` })),
      { model: '865414-B21', capacityWatts: 800 },
    ),
  },
  firmware: {
    bmc: '2.82',
    bios: 'U46 v1.64 (08/11/2022)',
    newBios: 'U46 v2.04 (12/14/2023)',
    earlierBios: 'U46 v1.54 (11/03/2021)',
    nic: '14.32.1010',
  },
  inventory(state) {
    const spare = state.previous ?? state.active;
    return [
      { id: '1', name: 'iLO 5', description: 'SystemBMC', version: `${state.bmc} Feb 06 2023`, state: 'Enabled' },
      { id: '2', name: 'System ROM', description: 'SystemRomActive', version: state.active, state: 'Enabled' },
      {
        id: '3',
        name: 'Intelligent Platform Abstraction Data',
        description: 'PlatformDefinitionTable',
        version: '12.6.0 Build 21',
        state: 'Enabled',
      },
      { id: '4', name: 'Redundant System ROM', description: 'SystemRomBackup', version: spare, state: 'Enabled' },
      {
        id: '5',
        name: 'System Programmable Logic Device',
        description: 'SystemProgrammableLogicDevice',
        version: '0x14',
        state: 'Enabled',
      },
      {
        id: '6',
        name: 'HPE Ethernet 10/25Gb 2-port 640FLR-SFP28',
        description: '15b31015159000d3',
        version: state.nic ?? null,
        state: 'Enabled',
      },
    ];
  },
  driveMember: ({ revision, capacityBytes, protocol, media }, index) => ({
    id: String(20 + index),
    name: `${Math.round(capacityBytes / 1e9)}GB 12G ${protocol} ${media}`,
    description: '15b31015159000d3',
    version: revision,
    state: 'Enabled',
    related: 'drive',
  }),
  update: {
    drives: 'named',
    flash: 'at-once',
    flashMs: 180_000,
    webUpload: '/cgi-bin/uploadFile',
    oemState: true,
    userAgent: 'iLO/5',
    firstTaskId: 1,
    busy: {
      status: 400,
      messageId: 'iLO.2.14.FirmwareFlashAlreadyInProgress',
      message: 'A firmware flash is already in progress.',
    },
    location: 'monitor',
  },
  acts: hpeActs,
};
