/** The machines that the lab can be. A vendor's name is its usual machine; further ones have names of their own. */
import { ami } from './ami.ts';
import { cray } from './cray.ts';
import { dell } from './dell.ts';
import { dmtf } from './dmtf.ts';
import { hpe } from './hpe.ts';
import { idrac10 } from './idrac10.ts';
import { ilo6 } from './ilo6.ts';
import { ilo7 } from './ilo7.ts';
import { lenovo } from './lenovo.ts';
import { nvidia } from './nvidia.ts';
import { openbmc } from './openbmc.ts';
import type { BmcProfile } from './profile.ts';
import { supermicro } from './supermicro.ts';
import { x11 } from './x11.ts';

/** Every machine that has a BMC of its own, which a fleet of the lab is made of. */
export const labMachines = [
  'dell',
  'hpe',
  'openbmc',
  'idrac10',
  'ilo6',
  'lenovo',
  'supermicro',
  'ami',
  'nvidia',
  'ilo7',
  'x11',
  'dmtf',
] as const;

export type LabMachine = (typeof labMachines)[number];

/** `cray` is a blade: one BMC with two servers. */
export type BmcMachine = LabMachine | 'cray';

export const bmcProfiles: Readonly<Record<BmcMachine, BmcProfile>> = {
  dell,
  hpe,
  openbmc,
  idrac10,
  ilo6,
  lenovo,
  supermicro,
  ami,
  nvidia,
  ilo7,
  x11,
  dmtf,
  cray,
};

/** What nodes are where nobody chose, in the order in which they take them. */
export const usualMachines: readonly LabMachine[] = ['dell', 'hpe', 'openbmc'];
