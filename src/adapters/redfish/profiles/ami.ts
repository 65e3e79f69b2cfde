/** AMI MegaRAC, under many brands. Reads only; BIOS settings and updates come later. */
import { generic } from './generic.ts';
import type { VendorProfile } from './profile.ts';

export const ami: VendorProfile = { ...generic, vendor: 'ami', bootThroughSettings: true, inFlight: 1 };
