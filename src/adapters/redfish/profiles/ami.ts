/**
 * AMI MegaRAC, under many brands. Fetches its images by SimpleUpdate, which its makers gave parameters of their own: Gigabyte's
 * lists what an image may be for, and whether the BMC restarts after its own. A BMC that lists neither gets no image of its own.
 */
import { generic } from './generic.ts';
import type { VendorProfile } from './profile.ts';

export const ami: VendorProfile = {
  ...generic,
  vendor: 'ami',
  bootThroughSettings: true,
  inFlight: 1,
  update: {
    bios: { activation: 'reset-after', settleMs: 30_000, says: { UpdateComponent: 'BIOS' } },
    bmc: {
      activation: 'bmc-restarts',
      settleMs: 60_000,
      says: { UpdateComponent: 'BMC', ResetBMC: true },
      saysAll: true,
    },
  },
};
