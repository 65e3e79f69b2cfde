/** iLO6-like: as iLO5, with `ThermalSubsystem` beside `Thermal`, and NVMe drives. */
import { hpe } from './hpe.ts';
import { counted, cpus, ddr5, drives, nvmeDrive, xeonPlatinum } from './parts.ts';
import type { BmcProfile } from './profile.ts';

export const ilo6: BmcProfile = {
  ...hpe,
  model: 'ProLiant DL380 Gen11',
  root: {
    ...hpe.root,
    product: 'ProLiant DL380 Gen11',
    oem: { Hpe: { Manager: [{ ManagerType: 'iLO 6', ManagerFirmwareVersion: '1.58' }] } },
  },
  manager: { name: 'Manager', model: 'iLO 6', versionPrefix: 'iLO 6 v' },
  baseRegistry: 'Base.1.17',
  system: { ...hpe.system, bootProgress: true },
  thermal: { legacy: true, subsystem: true, fanUnit: 'Percent' },
  memory: { ...hpe.memory, part: ddr5 },
  processors: cpus(
    counted(1, 2).map(n => ({ id: String(n), name: `Proc ${n}` })),
    xeonPlatinum,
  ),
  storage: {
    form: 'storage',
    id: 'DE040000',
    name: 'HPE NS204i-u Gen11 Boot Controller',
    enclosureId: '2',
    drives: drives(
      counted(1, 2).map(n => ({ id: String(n), name: `Drive in Slot 14 Bay ${n}` })),
      nvmeDrive,
    ),
  },
  firmware: {
    bmc: '1.58',
    bios: 'U54 v1.48 (10/19/2023)',
    newBios: 'U54 v2.16 (03/01/2024)',
    earlierBios: 'U54 v1.40 (06/01/2023)',
  },
  inventory: state => hpe.inventory(state).map(member => (member.id === '1' ? { ...member, name: 'iLO 6' } : member)),
  update: { ...hpe.update, userAgent: 'iLO/6' },
};
