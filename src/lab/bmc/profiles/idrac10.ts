/** iDRAC10-like: the resources of an iDRAC9 with newer ports, without `Thermal` and `Power`, and a graceful restart. */
import { idrac10Acts } from './acts/dell.ts';
import { dell } from './dell.ts';
import { counted, cpus, ddr5, ports, xeonPlatinum } from './parts.ts';
import type { BmcProfile } from './profile.ts';

export const idrac10: BmcProfile = {
  ...dell,
  model: 'PowerEdge R670',
  root: { ...dell.root, redfishVersion: '1.20.1' },
  manager: { name: 'Manager', model: '17G Monolithic', versionPrefix: '', lastReset: true },
  baseRegistry: 'Base.1.18',
  system: {
    ...dell.system,
    bootProgress: true,
    resetTypes: [
      'On',
      'ForceOff',
      'ForceRestart',
      'GracefulRestart',
      'GracefulShutdown',
      'PushPowerButton',
      'PowerCycle',
    ],
  },
  thermal: { legacy: false, subsystem: true, fanUnit: 'RPM' },
  power: { ...dell.power, legacy: false, usualWatts: 510 },
  memory: { ...dell.memory, part: ddr5 },
  processors: cpus(
    counted(1, 2).map(n => ({ id: `CPU.Socket.${n}`, name: `CPU ${n}` })),
    xeonPlatinum,
  ),
  adapters: [
    {
      id: 'NIC.Slot.1',
      name: 'NIC in Slot 1',
      manufacturer: 'Broadcom',
      model: 'BCM57508 NetXtreme-E',
      form: 'Ports',
      ports: ports(
        100_000,
        counted(1, 2).map(n => ({ id: `NIC.Slot.1-${n}`, interfaceId: `NIC.Slot.1-${n}-1` })),
      ),
    },
  ],
  firmware: { bmc: '1.20.25.00', bios: '1.3.2', newBios: '1.6.1', earlierBios: '1.2.6' },
  update: { ...dell.update, userAgent: 'iDRAC/10' },
  acts: idrac10Acts,
};
