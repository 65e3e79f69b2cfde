/** A blade of two servers behind one BMC, as Cray's: they share a serial, have no UUID, and are switched off and on alone. */
import { crayActs } from './acts/cray.ts';
import { counted, cpus, ddr4, epyc, nvmeDrive, ports } from './parts.ts';
import type { BmcProfile, InventoryMember } from './profile.ts';

function biosMember(systemId: string, version: string): InventoryMember {
  const id = `${systemId}.BIOS`;
  return { id, name: id, description: id, version, state: 'Enabled' };
}

export const cray: BmcProfile = {
  vendor: 'generic',
  manufacturer: 'HPE',
  model: 'HPE CRAY EX4252',
  uuidCase: 'upper',
  systemId: 'Node0',
  chassisId: 'Node0',
  managerId: 'BMC',
  root: { name: 'Root Service', redfishVersion: '1.2.0' },
  manager: { name: 'BMC', model: 'Node Controller', versionPrefix: '' },
  baseRegistry: 'Base.1.4.0',
  etag: 'weak',
  caseInsensitivePaths: false,
  expand: 0,
  sessionLimit: 8,
  serialLength: 10,
  log: {
    owner: 'manager',
    id: 'EventLog',
    name: 'Event Log',
    entryType: 'Event',
    newestFirst: false,
    history: 8,
  },
  system: {
    lastResetTime: false,
    bootProgress: false,
    postState: false,
    resetTypes: ['On', 'ForceOff'],
    omits: ['UUID', 'HostName', 'AssetTag'],
  },
  allowableValues: 'action-info',
  sameState: 'accept',
  thermal: { legacy: true, subsystem: false, fanUnit: 'RPM' },
  temperatures: [
    { id: '0', name: 'CPU0 Temperature', context: 'CPU', base: 38, rise: 30, caution: 85, critical: 95 },
    { id: '1', name: 'CPU1 Temperature', context: 'CPU', base: 37, rise: 28, caution: 85, critical: 95 },
  ],
  fans: [],
  memory: {
    metrics: false,
    part: ddr4,
    dimms: counted(0, 7).map(n => ({ id: `DIMM${n}`, name: `DIMM ${n}`, capacityMiB: 16_384 })),
  },
  processors: cpus(
    counted(0, 1).map(n => ({ id: `CPU${n}`, name: `CPU ${n}` })),
    epyc,
  ),
  storage: { form: 'simple', id: '1', name: 'Simple Storage', drives: [{ id: '0', name: 'NVMe 0', ...nvmeDrive }] },
  adapters: [
    {
      id: 'HPCNet0',
      name: 'HPCNet0',
      manufacturer: 'HPE',
      model: 'Slingshot NIC',
      form: 'none',
      ports: ports(200_000, [{ id: '0', interfaceId: 'HPCNet0' }]),
    },
  ],
  power: { legacy: true, subsystem: false, usualWatts: 610, supplies: [] },
  neighbour: {
    systemId: 'Node1',
    chassisId: 'Node1',
    inventory: state => [biosMember('Node1', state.active)],
  },
  firmware: {
    bmc: 'nc.1.7.4-release',
    bios: 'ex4252.bios-1.4.1',
    newBios: 'ex4252.bios-1.5.0',
    earlierBios: 'ex4252.bios-1.3.2',
  },
  inventory(state) {
    return [
      { id: 'BMC', name: 'BMC', description: 'BMC image', version: state.bmc, state: 'Enabled' },
      { id: 'Recovery', name: 'Recovery', description: 'Recovery image', version: 'nc.1.6.2', state: 'Enabled' },
      biosMember('Node0', state.active),
    ];
  },
  update: {
    flash: 'at-once',
    flashMs: 200_000,
    userAgent: 'cray-nc',
    firstTaskId: 1,
    busy: {
      status: 503,
      messageId: 'Base.1.4.0.ServiceTemporarilyUnavailable',
      message: 'The service is temporarily unavailable. Retry in 30 seconds.',
      retryAfter: 30,
    },
    location: 'task',
  },
  acts: crayActs,
};
