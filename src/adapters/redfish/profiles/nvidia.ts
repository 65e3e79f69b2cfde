/**
 * NVIDIA GB200 and HGX on OpenBMC: several managers, each linking its active image. Which host firmware runs it does not tell.
 *
 * A form without targets is for the BMC's tray (nvfwupd guide, GB200 and GB300 NVL); its image comes into force by a power
 * cycle of the whole tray. ForceUpdate, which would let it go back to an older version, is never sent.
 */
import { generic } from './generic.ts';
import type { VendorProfile } from './profile.ts';

export const nvidia: VendorProfile = {
  ...generic,
  vendor: 'nvidia',
  logs: [/^eventlog$/i],
  update: { bmc: { activation: 'power-cycle', settleMs: 60_000, push: true } },
  refuses: { bios: 'its BMC does not show which BIOS runs, so no update of it could be proved' },
};
