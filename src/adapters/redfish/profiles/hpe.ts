/**
 * HPE iLO. Members have numbers for Ids, so the name tells them apart: `System
 * ROM` runs, `Redundant System ROM` is the older copy. A flash finishes first;
 * the ROM that was written runs after the next host reset.
 */
import { sameVersion } from '../version-agreement.ts';
import type { FirmwareClues, RunningFirmware, VendorProfile, Verdict } from './profile.ts';

export const hpe: VendorProfile = {
  vendor: 'hpe',
  logs: [/^iml$/i, /^iel$/i],
  trustsGracefulRestart: true,
  // HttpBootUri is taken, and ignored.
  httpBoot: uri => ({ UrlBootFile: uri }),
  update: {
    bios: { activation: 'reset-after', settleMs: 20_000 },
    bmc: { activation: 'bmc-restarts', settleMs: 20_000 },
    nic: { activation: 'reset-after', settleMs: 20_000 },
    drive: { activation: 'reset-after', settleMs: 20_000, namesDrives: true },
  },
  classify: (members, running) => members.map(member => classify(member, running)),
};

function classify(member: FirmwareClues, running: RunningFirmware): Verdict {
  const name = member.name.trim();
  if (/^system rom$/i.test(name)) {
    const contradicted = running.biosVersion !== undefined && !sameVersion(member.version, running.biosVersion);
    return { state: contradicted ? 'unknown' : 'active', component: 'bios' };
  }
  if (/^(redundant|backup) system rom$/i.test(name)) return { state: 'inactive', component: 'bios' };
  if (/^ilo \d+$/i.test(name)) return { state: 'active', component: 'bmc' };
  // A drive's model alone; those that no controller of iLO's manages are listed without a link.
  const drive = member.related.find(link => /\/drives\/[^/]+\/?$/i.test(link));
  if (drive !== undefined) return { state: 'active', component: 'drive', drive };
  // `Ethernet 10/25Gb 2-port …`, `Intel Eth Adptr …`: the model alone.
  if (/\beth(ernet)?\b/i.test(name)) return { state: 'active', component: 'nic' };
  return { state: 'unknown' };
}
