/** NVIDIA GB200 and HGX on OpenBMC: several managers, each linking its active image. Which host firmware runs it does not tell. */
import { generic } from './generic.ts';
import type { VendorProfile } from './profile.ts';

export const nvidia: VendorProfile = {
  ...generic,
  vendor: 'nvidia',
  logs: [/^eventlog$/i],
  refuses: { bios: 'its BMC does not show which BIOS runs, so no update of it could be proved' },
};
