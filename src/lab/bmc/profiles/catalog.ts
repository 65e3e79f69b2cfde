/** The vendors that the lab can be, in the order in which nodes take them. */
import { dell } from './dell.ts';
import { hpe } from './hpe.ts';
import { openbmc } from './openbmc.ts';
import type { BmcProfile, LabVendor } from './profile.ts';

export const labVendors: readonly LabVendor[] = ['dell', 'hpe', 'openbmc'];

export const bmcProfiles: Readonly<Record<LabVendor, BmcProfile>> = { dell, hpe, openbmc };
