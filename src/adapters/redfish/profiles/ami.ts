/** AMI MegaRAC, under many brands. Fetches its images by SimpleUpdate. */
import { generic } from './generic.ts';
import type { VendorProfile } from './profile.ts';

export const ami: VendorProfile = {
  ...generic,
  vendor: 'ami',
  bootThroughSettings: true,
  inFlight: 1,
  update: { bios: { activation: 'reset-after', settleMs: 30_000 } },
  refuses: { bmc: 'its makers differ in what they want to be told with the image' },
};
