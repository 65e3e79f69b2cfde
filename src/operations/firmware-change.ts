/** The firmware that a plan wants on a node, and what its BMC shows of it. */
import { type FirmwareMember, factValue, known } from '../core/bmc.ts';
import { FleetError } from '../core/errors.ts';
import { type FirmwareChange, isFirmware } from '../core/planned-change.ts';
import { activeVersion } from '../planning/compliance.ts';
import { compareVersions } from '../planning/version.ts';
import type { NodeJob } from './job.ts';

/** What the one active member of the planned component shows. */
export function runningVersion(job: NodeJob, members: FirmwareMember[]): string | undefined {
  return factValue(activeVersion(known(members), changeOf(job).component));
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
