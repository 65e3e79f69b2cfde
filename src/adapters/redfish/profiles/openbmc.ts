/**
 * OpenBMC. Every stored image is a member; a hash or a name is its Id. For its
 * own image the Manager links the functional one. For host firmware the version
 * that the system reports decides; where it reports none, a sole enabled image.
 *
 * It is sent its images: in a form, or as bare bytes to builds that know no
 * form. The form has to name a target, and the manager is the one that every
 * build takes: what the image really is for stands in its own manifest.
 */
import { plain } from '../links.ts';
import { sameVersion } from '../version-agreement.ts';
import type { FirmwareClues, RunningFirmware, VendorProfile, Verdict } from './profile.ts';

export const openbmc: VendorProfile = {
  vendor: 'openbmc',
  logs: [/^eventlog$/i],
  trustsGracefulRestart: true,
  update: {
    bios: { activation: 'reset-after', settleMs: 10_000, push: true, targets: 'manager', applyTime: 'OnReset' },
    bmc: { activation: 'bmc-restarts', settleMs: 10_000, push: true, targets: 'manager', applyTime: 'Immediate' },
  },
  classify: classifyImages,
};

function classifyImages(members: FirmwareClues[], running: RunningFirmware): Verdict[] {
  const host = members.filter(isHostImage);
  const candidates = host.filter(
    member =>
      isEnabled(member) && (running.biosVersion === undefined || sameVersion(member.version, running.biosVersion)),
  );
  return members.map(member => {
    if (running.activeImages.has(plain(member.uri))) return { state: 'active', component: 'bmc' };
    if (isHostImage(member)) {
      if (candidates.length === 1 && candidates[0] === member) return { state: 'active', component: 'bios' };
      const told = candidates.length === 1 || !isEnabled(member);
      return { state: told ? 'inactive' : 'unknown', component: 'bios' };
    }
    if (!isManagerImage(member)) return { state: 'unknown' };
    return { state: running.activeImages.size > 0 ? 'inactive' : 'unknown', component: 'bmc' };
  });
}

function isEnabled(member: FirmwareClues): boolean {
  return member.state === undefined || member.state === 'Enabled';
}

function isHostImage(member: FirmwareClues): boolean {
  return (
    /(^|_)(bios|uefi)(_|$)/i.test(member.id) || member.related.some(link => /\/systems\/[^/]+(\/bios)?\/?$/i.test(link))
  );
}

function isManagerImage(member: FirmwareClues): boolean {
  return /(^|_)bmc(_|$)/i.test(member.id) || member.related.some(link => /\/managers\/[^/]+\/?$/i.test(link));
}
