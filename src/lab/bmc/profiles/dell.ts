/** iDRAC9-like: vendor jobs beside tasks, an update that waits for a host reset, many inventory copies of one BIOS. */
import { dellActs } from './acts/dell.ts';
import { counted, cpus, ddr4, drives, nvmeDrive, ports, supplies, xeonGold } from './parts.ts';
import type { BmcProfile, InventoryMember } from './profile.ts';

const biosDevice = 'BIOS.Setup.1-1';
const bmcDevice = 'iDRAC.Embedded.1-1';

function member(
  kind: string,
  part: { softwareId: string; device: string; name: string; version: string },
): InventoryMember {
  const { softwareId, device, name, version } = part;
  return {
    id: `${kind}-${softwareId}-${version}__${device}`,
    name,
    description: 'Firmware of one device',
    version,
    state: 'Enabled',
    softwareId,
    oem: { Dell: { DellSoftwareInventory: { ComponentType: device === biosDevice ? 'BIOS' : 'FRMW', Status: kind } } },
  };
}

export const dell: BmcProfile = {
  vendor: 'dell',
  manufacturer: 'Dell Inc.',
  model: 'PowerEdge R650',
  uuidCase: 'lower',
  systemId: 'System.Embedded.1',
  chassisId: 'System.Embedded.1',
  managerId: 'iDRAC.Embedded.1',
  root: {
    name: 'Root Service',
    redfishVersion: '1.17.0',
    vendor: 'Dell',
    product: 'Integrated Dell Remote Access Controller',
    oem: { Dell: { IsBranded: 0 } },
  },
  manager: { name: 'Manager', model: '15G Monolithic', versionPrefix: '', lastReset: true },
  baseRegistry: 'Base.1.12',
  etag: 'strong',
  caseInsensitivePaths: false,
  expand: 1,
  sessionLimit: 8,
  serialLength: 7,
  log: {
    owner: 'manager',
    id: 'Sel',
    name: 'System Event Log',
    entryType: 'SEL',
    newestFirst: true,
    pageSize: 50,
    history: 64,
  },
  system: {
    lastResetTime: true,
    bootProgress: false,
    postState: false,
    resetTypes: ['On', 'ForceOff', 'ForceRestart', 'GracefulShutdown', 'PushPowerButton', 'PowerCycle'],
  },
  allowableValues: 'inline',
  sameState: 'conflict',
  thermal: { legacy: true, subsystem: true, fanUnit: 'RPM' },
  temperatures: [
    {
      id: 'SystemBoardInletTemp',
      name: 'System Board Inlet Temp',
      context: 'Intake',
      base: 22,
      rise: 3,
      caution: 43,
      critical: 47,
    },
    { id: 'CPU1Temp', name: 'CPU1 Temp', context: 'CPU', base: 54, rise: 34, caution: 84, critical: 97 },
    { id: 'CPU2Temp', name: 'CPU2 Temp', context: 'CPU', base: 52, rise: 30, caution: 84, critical: 97 },
    {
      id: 'SystemBoardExhaustTemp',
      name: 'System Board Exhaust Temp',
      context: 'Exhaust',
      base: 35,
      rise: 18,
      caution: 70,
      critical: 75,
    },
  ],
  fans: [1, 2, 3, 4, 5, 6].map(n => ({ id: `Fan.Embedded.${n}A`, name: `System Board Fan${n}A`, speed: 8400 })),
  memory: {
    metrics: true,
    part: ddr4,
    dimms: ['A1', 'A2', 'A3', 'A4', 'B1', 'B2', 'B3', 'B4'].map(slot => ({
      id: `DIMM.Socket.${slot}`,
      name: `DIMM ${slot}`,
      capacityMiB: 32_768,
    })),
  },
  processors: cpus(
    counted(1, 2).map(n => ({ id: `CPU.Socket.${n}`, name: `CPU ${n}` })),
    xeonGold,
  ),
  storage: {
    form: 'storage',
    id: 'CPU.1',
    name: 'CPU.1',
    drives: drives(
      counted(0, 2).map(n => ({
        id: `Disk.Bay.${n}:Enclosure.Internal.0-1`,
        name: `PCIe SSD in Slot ${n} in Bay 1`,
      })),
      nvmeDrive,
    ),
  },
  adapters: [
    {
      id: 'NIC.Integrated.1',
      name: 'Integrated NIC 1',
      manufacturer: 'Broadcom',
      model: 'BCM57414 NetXtreme-E OCP 3.0',
      form: 'NetworkPorts',
      ports: ports(
        25_000,
        counted(1, 2).map(n => ({ id: `NIC.Integrated.1-${n}`, interfaceId: `NIC.Integrated.1-${n}-1` })),
      ),
    },
  ],
  power: {
    legacy: true,
    subsystem: true,
    usualWatts: 420,
    supplies: supplies(
      counted(1, 2).map(n => ({ id: `PSU.Slot.${n}`, name: `PS${n} Status` })),
      { model: 'PWR SPLY,1400W,RDNT', capacityWatts: 1400 },
    ),
  },
  firmware: { bmc: '6.10.30.20', bios: '1.9.4', newBios: '1.12.2', earlierBios: '1.7.5', nic: '21.80.16.95' },
  inventory(state) {
    const bios = { softwareId: '159', device: biosDevice, name: 'BIOS' };
    const bmc = { softwareId: '25227', device: bmcDevice, name: 'Integrated Dell Remote Access Controller' };
    return [
      member('Current', { ...bios, version: state.active }),
      member('Installed', { ...bios, version: state.active }),
      ...(state.previous === undefined ? [] : [member('Previous', { ...bios, version: state.previous })]),
      ...(state.staged === undefined ? [] : [member('Available', { ...bios, version: state.staged })]),
      member('Installed', { ...bmc, version: state.bmc }),
      member('Previous', { ...bmc, version: '6.00.02.00' }),
      // One for each port of the card.
      ...['NIC.Integrated.1-1-1', 'NIC.Integrated.1-2-1'].map(device =>
        member('Installed', {
          softwareId: '108089',
          device,
          name: 'Broadcom Adv. Dual 25Gb',
          version: state.nic ?? '',
        }),
      ),
      member('Installed', {
        softwareId: '107649',
        device: 'RAID.Backplane.Firmware.1',
        name: 'Backplane 1',
        version: '3.72',
      }),
    ];
  },
  driveMember: ({ id, name, revision }) =>
    member('Installed', { softwareId: '0', device: id, name, version: revision }),
  update: {
    drives: 'all',
    flash: 'in-post',
    flashMs: 240_000,
    applyTimes: ['Immediate', 'OnReset'],
    userAgent: 'iDRAC/9',
    firstTaskId: 418_200_310_000,
    busy: {
      status: 503,
      messageId: 'IDRAC.2.8.SYS518',
      message: 'The update service is busy with another job. Retry in 30 seconds.',
      retryAfter: 30,
    },
    taskKeptMs: 60_000,
    location: 'task',
  },
  acts: dellActs,
};
