/** The firmware that a plan wants on a node, and what its BMC shows of it. */
import { type FirmwareMember, factValue, known } from '../core/bmc.ts';
import { FleetError } from '../core/errors.ts';
import type { FirmwareChange } from '../core/plan.ts';
import { activeVersion } from '../planning/compliance.ts';
import { compareVersions } from '../planning/version.ts';
import type { NodeJob } from './job.ts';

/** What the one active member of the planned component shows. */
export function runningVersion(job: NodeJob, members: FirmwareMember[]): string | undefined {
  return factValue(activeVersion(known(members), changeOf(job).component));
}

/** Whether what a member shows is the wanted version, however this vendor spells it in its inventory. */
export function isWanted({ plan, target }: Pick<NodeJob, 'plan' | 'target'>, shown: string | undefined): boolean {
  const { component, to } = changeOf({ plan, target });
  return shown !== undefined && compareVersions(target.vendor, component, shown, to) === 'same';
}

export function changeOf({ plan, target }: Pick<NodeJob, 'plan' | 'target'>): FirmwareChange {
  if (target.firmware) return target.firmware;
  throw new FleetError({ code: 'internal', message: `plan ${plan.id} has no firmware change for ${target.node}` });
}
