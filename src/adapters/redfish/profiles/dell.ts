/**
 * Dell iDRAC. The inventory lists one component up to three times: `Installed-`
 * runs, `Current-` is a copy that the Lifecycle Controller keeps for repair,
 * `Previous-` is what a rollback would install. A BIOS update becomes a job
 * that waits for a host reset and does its work inside POST.
 */
import type { Component } from '../../../core/bmc.ts';
import { sameVersion } from '../version-agreement.ts';
import type { FirmwareClues, RunningFirmware, VendorProfile, Verdict } from './profile.ts';

export const dell: VendorProfile = {
  vendor: 'dell',
  logs: [/^sel$/i, /^lclog$/i],
  // Its `Thermal` fails now and then (check_redfish#195).
  editions: [{ since: '7.30', switches: { newerThermalFirst: true } }],
  // GracefulRestart is missing on many iDRACs and a hard reset on others.
  trustsGracefulRestart: false,
  biosSaysWhen: true,
  httpBoot: uri => ({ HttpDev1EnDis: 'Enabled', HttpDev1Uri: uri }),
  // Without an apply time some versions reboot the host by themselves.
  update: {
    bios: { activation: 'reset-while-pending', settleMs: 30_000, applyTime: 'OnReset' },
    bmc: { activation: 'bmc-restarts', settleMs: 30_000, applyTime: 'Immediate' },
    nic: { activation: 'reset-while-pending', settleMs: 30_000, applyTime: 'OnReset' },
    // It takes no Targets (iDRAC-Redfish-Scripting#247).
    drive: { activation: 'reset-while-pending', settleMs: 30_000, applyTime: 'OnReset' },
  },
  classify: (members, running) => members.map(member => classify(member, running)),
};

function classify(member: FirmwareClues, running: RunningFirmware): Verdict {
  const component = componentOf(member.id);
  if (/^(previous|current|available)-/i.test(member.id)) return { state: 'inactive', component };
  if (!/^installed-/i.test(member.id)) return { state: 'unknown', component };
  // The inventory is gathered after POST and may lag behind; then nobody knows yet.
  const contradicted =
    component === 'bios' && running.biosVersion !== undefined && !sameVersion(member.version, running.biosVersion);
  const drive = component === 'drive' ? { drive: member.id.replace(/^.*?__/, '') } : {};
  return { state: contradicted ? 'unknown' : 'active', component, ...drive };
}

function componentOf(id: string): Component | undefined {
  if (/__BIOS\.Setup\./i.test(id)) return 'bios';
  if (/__iDRAC\.Embedded\./i.test(id)) return 'bmc';
  if (/__NIC\./i.test(id)) return 'nic';
  if (/__Disk\./i.test(id)) return 'drive';
  return undefined;
}
