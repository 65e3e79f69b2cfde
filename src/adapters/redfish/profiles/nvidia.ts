/** NVIDIA GB200 and HGX on OpenBMC: several managers, each linking its active image. Which host firmware runs it does not tell. */
import { generic } from './generic.ts';
import type { VendorProfile } from './profile.ts';

export const nvidia: VendorProfile = {
  ...generic,
  vendor: 'nvidia',
  logs: [/^eventlog$/i],
  refuses: {
    bios: 'its BMC does not show which BIOS runs, so no update of it could be proved',
    bmc: 'what it is sent comes into force by a power cycle of the whole tray, which is not done from here',
  },
};
