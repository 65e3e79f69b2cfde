/** Supermicro: `BIOS` and `BMC` run; Staging, Golden, Backup and Capsule members are copies. An image is sent, checked, and written once StartUpdate says so. */
import type { Component } from '../../../core/bmc.ts';
import { sameVersion } from '../version-agreement.ts';
import type { FirmwareClues, RunningFirmware, VendorProfile, Verdict } from './profile.ts';

export const supermicro: VendorProfile = {
  vendor: 'supermicro',
  logs: [],
  trustsGracefulRestart: true,
  bootMode: 'UEFI',
  // It lists Cd too, and starts its virtual media as UsbCd.
  bootsFrom: { cd: ['UsbCd', 'Cd'] },
  update: {
    bios: {
      activation: 'reset-after',
      settleMs: 60_000,
      push: true,
      waitsForStart: true,
      targets: 'bios',
      applyTime: 'OnStartUpdateRequest',
    },
    bmc: {
      activation: 'bmc-restarts',
      settleMs: 60_000,
      push: true,
      waitsForStart: true,
      targets: 'manager',
      applyTime: 'OnStartUpdateRequest',
    },
  },
  refuses: { drive: 'its BMC lists them as not updateable' },
  classify: (members, running) => members.map(member => classify(member, running)),
};

function classify(member: FirmwareClues, running: RunningFirmware): Verdict {
  const copy = /^(staging|golden|backup|capsule)_(.+)$/i.exec(member.id);
  if (copy !== null) return { state: 'inactive', component: componentOf(copy[2] ?? '') };
  const component = componentOf(member.id);
  if (component === undefined) return { state: 'unknown' };
  const contradicted =
    component === 'bios' && running.biosVersion !== undefined && !sameVersion(member.version, running.biosVersion);
  return { state: contradicted ? 'unknown' : 'active', component };
}

function componentOf(id: string): Component | undefined {
  if (/^bios$/i.test(id)) return 'bios';
  return /^bmc$/i.test(id) ? 'bmc' : undefined;
}
