/**
 * Who made this BMC. Its own words come first (Oem keys, `Vendor`): a board may
 * carry another maker's name than the firmware that answers.
 */
import type { Vendor } from '../../core/bmc.ts';
import { ami } from './profiles/ami.ts';
import { dell } from './profiles/dell.ts';
import { editionFor } from './profiles/edition.ts';
import { generic } from './profiles/generic.ts';
import { hpe } from './profiles/hpe.ts';
import { lenovo } from './profiles/lenovo.ts';
import { nvidia } from './profiles/nvidia.ts';
import { openbmc } from './profiles/openbmc.ts';
import type { VendorProfile } from './profiles/profile.ts';
import { supermicro } from './profiles/supermicro.ts';
import type { Manager, ServiceRoot } from './schema.ts';

const profiles: Record<Vendor, VendorProfile> = { dell, hpe, openbmc, lenovo, supermicro, ami, nvidia, generic };

const byOemKey: Record<string, Vendor> = {
  dell: 'dell',
  hpe: 'hpe',
  hp: 'hpe',
  lenovo: 'lenovo',
  supermicro: 'supermicro',
  ami: 'ami',
};
const byVendor: Record<string, Vendor> = {
  dell: 'dell',
  hpe: 'hpe',
  lenovo: 'lenovo',
  supermicro: 'supermicro',
  ami: 'ami',
  nvidia: 'nvidia',
  openbmc: 'openbmc',
};

/** The profile of a BMC and of the version that it runs; `generic` when nothing tells. */
export function profileOf(root: ServiceRoot, managers: Pick<Manager, 'Model' | 'FirmwareVersion'>[]): VendorProfile {
  return editionFor(baseOf(root, managers), managers[0]?.FirmwareVersion);
}

function baseOf(root: ServiceRoot, managers: Pick<Manager, 'Model'>[]): VendorProfile {
  for (const key of Object.keys(root.Oem ?? {})) {
    const vendor = byOemKey[key.toLowerCase()];
    if (vendor !== undefined) return profiles[vendor];
  }
  const named = byVendor[(root.Vendor ?? '').trim().toLowerCase()];
  if (named !== undefined) return profiles[named];
  return managers.some(manager => /^openbmc$/i.test(manager.Model ?? '')) ? openbmc : generic;
}
