/** NVIDIA GB200 and HGX on OpenBMC: several managers, each linking its active image. Reads only: it tells no BIOS version that could prove an update. */
import { generic } from './generic.ts';
import type { VendorProfile } from './profile.ts';

export const nvidia: VendorProfile = { ...generic, vendor: 'nvidia', logs: [/^eventlog$/i] };
