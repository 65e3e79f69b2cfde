/** The firmware that a plan wants on a node, and what its BMC shows of it. */
import { type FirmwareMember, factValue, known } from '../core/bmc.ts';
import { FleetError } from '../core/errors.ts';
import type { Storage } from '../core/hardware.ts';
import { type FirmwareChange, isFirmware } from '../core/planned-change.ts';
import { activeVersion } from '../planning/compliance.ts';
import { runningOn, tellDrives } from '../planning/drives-now.ts';
import { compareVersions } from '../planning/version.ts';
import type { NodeJob } from './job.ts';

/** Where the versions of the planned component are read from: the inventory, or the drives that the change is for. */
export type Shown = { members: FirmwareMember[] } | { storage: Storage };

export async function readShown(job: NodeJob): Promise<Shown> {
  const { bmc } = job;
  return changeOf(job).drives ? { storage: await bmc.storage() } : { members: await bmc.firmware() };
}

/** What the one active member of the planned component shows, or what all planned drives run. */
export function runningVersion(job: NodeJob, shown: Shown): string | undefined {
  if ('storage' in shown) return factValue(runningOn(changeOf(job), shown.storage));
  return factValue(activeVersion(known(shown.members), changeOf(job).component));
}

/** The same for people. */
export function showRunning(job: NodeJob, shown: Shown): string {
  if ('storage' in shown) return tellDrives(changeOf(job), shown.storage);
  return `runs ${changeOf(job).component} ${runningVersion(job, shown) ?? 'of unknown version'}`;
}

/** Whether what a member shows is the wanted version, however this vendor spells it in its inventory. */
export function isWanted(job: NodeJob, shown: string | undefined): boolean {
  return shown !== undefined && isSame(job, shown, changeOf(job).to);
}

/** What a member shows and what the catalogue says of the planned component, where either may be spelled in its own way. */
export function isSame(job: NodeJob, shown: string, version: string): boolean {
  return shown === version || compareVersions(job.target.vendor, changeOf(job).component, shown, version) === 'same';
}

export function changeOf({ plan, target, change }: NodeJob): FirmwareChange {
  if (change && isFirmware(change.wanted)) return change.wanted;
  throw new FleetError({ code: 'internal', message: `plan ${plan.id} has no firmware change here for ${target.node}` });
}
