/** X11-like: an older Supermicro that names itself by Vendor alone, without `$expand`, ECC counters and Drives. */
import { x11Acts } from './acts/supermicro.ts';
import { counted, cpus, ddr4, drives, ports, sataDrive, supplies, xeonGold } from './parts.ts';
import type { BmcProfile } from './profile.ts';
import { supermicro } from './supermicro.ts';

export const x11: BmcProfile = {
  ...supermicro,
  model: 'SYS-6029P-TR',
  root: { name: 'Root Service', redfishVersion: '1.8.0', vendor: 'Supermicro' },
  manager: { name: 'Manager', model: 'ASPEED', versionPrefix: '' },
  baseRegistry: 'Base.v1_4_0',
  expand: 0,
  system: {
    ...supermicro.system,
    bootProgress: false,
    resetTypes: ['On', 'ForceOff', 'GracefulShutdown', 'GracefulRestart', 'ForceRestart'],
  },
  allowableValues: 'inline',
  fans: counted(1, 4).map(n => ({ id: String(n), name: `FAN${n}`, speed: 5600 })),
  memory: {
    metrics: false,
    part: ddr4,
    dimms: counted(1, 12).map(n => ({
      id: String(n),
      name: `P${n < 7 ? 1 : 2}-DIMM${'ABCDEF'[(n - 1) % 6]}1`,
      capacityMiB: 32_768,
    })),
  },
  processors: cpus(
    counted(1, 2).map(n => ({ id: String(n), name: `CPU${n}` })),
    xeonGold,
  ),
  storage: {
    form: 'simple',
    id: '1',
    name: 'Simple Storage',
    drives: drives(
      counted(0, 1).map(n => ({ id: String(n), name: `Disk.Bay.${n}` })),
      sataDrive,
    ),
  },
  adapters: [
    {
      id: '1',
      name: 'Network Adapter 1',
      manufacturer: 'Intel',
      model: 'X722',
      form: 'none',
      ports: ports(
        10_000,
        counted(1, 2).map(n => ({ id: String(n), interfaceId: String(n) })),
      ),
    },
  ],
  power: {
    ...supermicro.power,
    usualWatts: 390,
    supplies: supplies(
      counted(1, 2).map(n => ({ id: String(n), name: `Power Supply Bay ${n}` })),
      { model: 'PWS-741P-1R', capacityWatts: 740 },
    ),
  },
  firmware: { bmc: '01.73.14', bios: '3.4', newBios: '3.8a', earlierBios: '3.1' },
  acts: x11Acts,
};
