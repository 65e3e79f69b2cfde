/** iLO7-like: as iLO6, with a light that has one property alone, no list of event types, and its build date in the version. */
import { ilo7Acts } from './acts/hpe.ts';
import { hpe } from './hpe.ts';
import { ilo6 } from './ilo6.ts';
import type { BmcProfile } from './profile.ts';

export const ilo7: BmcProfile = {
  ...ilo6,
  model: 'ProLiant Compute DL360 Gen12',
  root: {
    ...ilo6.root,
    product: 'ProLiant Compute DL360 Gen12',
    oem: { Hpe: { Manager: [{ ManagerType: 'iLO 7', ManagerFirmwareVersion: '1.11.00' }] } },
  },
  manager: { name: 'Manager', model: 'iLO 7', versionPrefix: '' },
  baseRegistry: 'Base.1.18',
  firmware: {
    bmc: '1.11.00 Feb 18 2025',
    bios: 'U69 v1.20 (02/21/2025)',
    newBios: 'U69 v1.42 (06/27/2025)',
    earlierBios: 'U69 v1.12 (12/05/2024)',
  },
  inventory: state =>
    hpe.inventory(state).map(member => (member.id === '1' ? { ...member, name: 'iLO 7', version: state.bmc } : member)),
  update: { ...ilo6.update, userAgent: 'iLO/7' },
  acts: ilo7Acts,
};
