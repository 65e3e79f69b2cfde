/**
 * Lenovo XCC: the running images beside `-Pending` (staged) and `-Backup` ones. SimpleUpdate takes the backup image alone, so
 * images are sent. Its own runs once it was told to restart (digitalrebar/provision-content#477).
 */
import { plain } from '../links.ts';
import type { FirmwareClues, RunningFirmware, VendorProfile, Verdict } from './profile.ts';

export const lenovo: VendorProfile = {
  vendor: 'lenovo',
  logs: [/^platformlog$/i, /^activelog$/i],
  trustsGracefulRestart: true,
  // RDOC and Remote slots are listed, and fail.
  mediaSlots: /^ext\d+$/i,
  update: {
    bios: { activation: 'reset-after', settleMs: 60_000, push: true },
    bmc: { activation: 'restart-bmc', settleMs: 60_000, push: true },
  },
  refuses: { drive: 'its BMC lists them as not updateable' },
  classify: (members, running) => members.map(member => classify(member, running)),
};

function classify(member: FirmwareClues, running: RunningFirmware): Verdict {
  const component = /^uefi\b/i.test(member.id) ? 'bios' : /^bmc\b/i.test(member.id) ? 'bmc' : undefined;
  if (running.activeImages.has(plain(member.uri))) return { state: 'active', component };
  if (/-pending$/i.test(member.id)) return { state: 'inactive', component };
  if (component === 'bmc') return { state: running.activeImages.size > 0 ? 'inactive' : 'unknown', component };
  if (/-backup$/i.test(member.id)) return { state: 'inactive', component };
  return { state: component === 'bios' ? 'active' : 'unknown', component };
}
