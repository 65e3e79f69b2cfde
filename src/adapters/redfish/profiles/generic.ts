/**
 * For machines whose vendor says nothing about its inventory: a member runs if
 * a manager names it as its active image, or if it alone agrees with the
 * version that the ComputerSystem or Manager reports. Anything else is unknown.
 */
import { plain } from '../links.ts';
import { sameVersion } from '../version-agreement.ts';
import type { FirmwareClues, RunningFirmware, VendorProfile, Verdict } from './profile.ts';

const biosLike = /\b(bios|uefi)\b|system rom/i;
const bmcLike = /\bbmc\b/i;

function classifyByAgreement(members: FirmwareClues[], running: RunningFirmware): Verdict[] {
  const words = (member: FirmwareClues) => `${member.id} ${member.name}`.replaceAll(/[_.]/g, ' ');
  const bios = members.filter(
    member => biosLike.test(words(member)) && sameVersion(member.version, running.biosVersion),
  );
  const own = bios.filter(member => running.systemId !== undefined && member.id.startsWith(`${running.systemId}.`));
  const runningBios = bios.length === 1 ? bios[0] : own.length === 1 ? own[0] : undefined;
  const bmc = members.filter(
    member =>
      bmcLike.test(words(member)) && running.managerVersions.some(version => sameVersion(version, member.version)),
  );
  return members.map(member => {
    if (running.activeImages.has(plain(member.uri))) return { state: 'active', component: 'bmc' };
    if (member === runningBios) return { state: 'active', component: 'bios' };
    if (running.activeImages.size === 0 && bmc.length === 1 && member === bmc[0]) {
      return { state: 'active', component: 'bmc' };
    }
    return { state: 'unknown' };
  });
}

export const generic: VendorProfile = {
  vendor: 'generic',
  logs: [],
  trustsGracefulRestart: true,
  update: {},
  classify: classifyByAgreement,
};
