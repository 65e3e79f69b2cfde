/** OpenBMC-like: few vendor extras, ThermalSubsystem only, action values behind ActionInfo, functional and spare images. */
import { createHash } from 'node:crypto';
import { openbmcActs } from './acts/openbmc.ts';
import { counted, cpus, ddr4, drives, epyc, ports, sataDrive, supplies } from './parts.ts';
import type { BmcProfile } from './profile.ts';

/** OpenBMC names an image by a hash of its version. */
function imageId(version: string): string {
  return createHash('sha256').update(version).digest('hex').slice(0, 8);
}

export const openbmc: BmcProfile = {
  vendor: 'openbmc',
  manufacturer: 'Openfield',
  model: 'Openfield T2',
  uuidCase: 'lower',
  systemId: 'system',
  chassisId: 'chassis',
  managerId: 'bmc',
  root: { name: 'Root Service', redfishVersion: '1.17.0' },
  manager: {
    name: 'OpenBmc Manager',
    model: 'OpenBmc',
    versionPrefix: '',
    lastReset: true,
    oem: { OpenBmc: { '@odata.type': '#OpenBMCManager.v1_0_0.Manager' } },
  },
  baseRegistry: 'Base.1.16.0',
  etag: 'strong',
  caseInsensitivePaths: false,
  expand: 0,
  sessionLimit: 64,
  serialLength: 12,
  log: {
    owner: 'system',
    id: 'EventLog',
    name: 'System Event Log',
    entryType: 'Event',
    newestFirst: false,
    history: 6,
  },
  system: {
    lastResetTime: true,
    bootProgress: true,
    postState: false,
    resetTypes: ['On', 'ForceOff', 'ForceRestart', 'GracefulRestart', 'GracefulShutdown', 'PowerCycle'],
  },
  allowableValues: 'action-info',
  sameState: 'accept',
  thermal: { legacy: false, subsystem: true, fanUnit: 'RPM' },
  temperatures: [
    {
      id: 'temperature_Inlet_Temp',
      name: 'Inlet Temp',
      context: 'Intake',
      base: 23,
      rise: 4,
      caution: 42,
      critical: 46,
    },
    { id: 'temperature_CPU0', name: 'CPU0', context: 'CPU', base: 58, rise: 34, caution: 88, critical: 98 },
    { id: 'temperature_CPU1', name: 'CPU1', context: 'CPU', base: 57, rise: 30, caution: 88, critical: 98 },
    {
      id: 'temperature_Outlet_Temp',
      name: 'Outlet Temp',
      context: 'Exhaust',
      base: 38,
      rise: 16,
      caution: 68,
      critical: 75,
    },
  ],
  fans: [0, 1, 2, 3].map(n => ({ id: `fan${n}`, name: `fan${n}`, speed: 6800 })),
  memory: {
    metrics: false,
    part: ddr4,
    dimms: [0, 1, 2, 3, 4, 5, 6, 7].map(n => ({ id: `dimm${n}`, name: `dimm${n}`, capacityMiB: 65_536 })),
  },
  processors: cpus(
    counted(0, 1).map(n => ({ id: `cpu${n}`, name: `cpu${n}` })),
    epyc,
  ),
  storage: {
    form: 'storage',
    id: '1',
    name: 'Storage',
    drives: drives(
      counted(0, 1).map(n => ({ id: `drive${n}`, name: `drive${n}` })),
      sataDrive,
    ),
  },
  adapters: [
    {
      id: 'nic0',
      name: 'nic0',
      manufacturer: 'Intel',
      model: 'E810-XXVDA2',
      form: 'none',
      ports: ports(
        25_000,
        counted(0, 1).map(n => ({ id: String(n), interfaceId: `eth${n}` })),
      ),
    },
  ],
  power: {
    legacy: false,
    subsystem: true,
    usualWatts: 460,
    supplies: supplies(
      counted(0, 1).map(n => ({ id: `powersupply${n}`, name: `powersupply${n}` })),
      { model: 'OF-1600', capacityWatts: 1600 },
    ),
  },
  firmware: {
    bmc: '2.14.0-418-g5c02b7e1a3',
    bios: '2.06.00',
    newBios: '2.11.00',
    earlierBios: '2.01.00',
  },
  inventory(state) {
    const spareBmc = '2.12.0-97-g0d1e44c2f9';
    const host = { name: 'Software Inventory', description: 'Host image', related: 'system' as const };
    const bmc = { name: 'Software Inventory', description: 'BMC image', related: 'manager' as const };
    const spares = [state.previous, state.staged].filter(version => version !== undefined && version !== state.active);
    return [
      { id: 'bios_active', ...host, version: state.active, state: 'Enabled' },
      ...spares.map(version => ({
        id: `bios_${imageId(version ?? '')}`,
        ...host,
        version: version ?? '',
        state: 'StandbySpare' as const,
      })),
      { id: imageId(state.bmc), ...bmc, version: state.bmc, state: 'Enabled' },
      { id: imageId(spareBmc), ...bmc, version: spareBmc, state: 'StandbySpare' },
    ];
  },
  update: {
    flash: 'at-once',
    flashMs: 120_000,
    push: {
      multipart: '/redfish/v1/UpdateService/update',
      stream: '/redfish/v1/UpdateService/update',
      namesTarget: true,
      applyTime: 'OnReset',
    },
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
  acts: openbmcActs,
};
