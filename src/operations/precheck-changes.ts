/** What is still to be done of a node's changes, and whether each may begin. */
import type { BiosReading } from '../core/bios.ts';
import type { FirmwareMember } from '../core/bmc.ts';
import { FleetError } from '../core/errors.ts';
import type { Storage } from '../core/hardware.ts';
import { isFirmware, type PlannedChange, sameParts } from '../core/planned-change.ts';
import { isWanted, runningVersion } from './firmware-change.ts';
import type { NodeJob } from './job.ts';
import { precheckFlash, proveCarried } from './precheck-flash.ts';
import { proveDrives } from './prove-drives.ts';
import { missingBios, precheckBios } from './set-bios.ts';

/**
 * Places of the changes that are not in force yet. The first may begin; of the others it is known that their images can get
 * there, so that the node is not drained for half of the way. Throws `precondition_failed`.
 */
export async function precheckChanges(job: NodeJob): Promise<number[]> {
  const { changes = [], node } = job.target;
  // Such a plan is of another version of the program: that it left nothing to do would be told as done.
  if (changes.length === 0)
    throw new FleetError({
      code: 'internal',
      message: `plan ${job.plan.id} names no change of ${node}`,
      hint: 'plan again',
    });
  const before = await readBefore(job, changes);
  const inForce = inForceBy(job, changes, before);
  const todo = [...changes.keys()].filter(index => !inForce(index));
  const [first, ...later] = todo;
  if (first === undefined) return [];
  await precheckChange(job.of(first));
  await job.keep('before', 'precheck', {
    firmware: before.members,
    storage: before.storage,
    bios: before.bios?.active,
  });
  for (const index of later) {
    if (!isFirmware(changes[index] as PlannedChange)) continue;
    await proveCarried(job.of(index));
    await proveDrives(job.of(index));
  }
  return todo;
}

/** Of one change, when its turn comes. */
export async function precheckChange(job: NodeJob): Promise<'as planned' | 'nothing to do'> {
  const firmware = job.change !== undefined && isFirmware(job.change.wanted);
  const found = await (firmware ? precheckFlash(job) : precheckBios(job));
  return found === 'current' ? 'nothing to do' : 'as planned';
}

type Before = { members: FirmwareMember[]; storage: Storage | undefined; bios: BiosReading | undefined };

async function readBefore({ bmc }: NodeJob, changes: PlannedChange[]): Promise<Before> {
  const [members, storage, bios] = await Promise.all([
    changes.some(isFirmware) ? bmc.firmware() : [],
    changes.some(change => isFirmware(change) && change.drives) ? bmc.storage() : undefined,
    changes.every(isFirmware) ? undefined : bmc.bios(),
  ]);
  return { members, storage, bios };
}

/** A stepping stone is behind a node that runs it, or anything later on its way. */
function inForceBy(
  job: NodeJob,
  changes: PlannedChange[],
  { members, storage, bios }: Before,
): (index: number) => boolean {
  return index => {
    const change = changes[index];
    if (!change) return false;
    if (!isFirmware(change)) return bios !== undefined && missingBios(job.of(index), bios).length === 0;
    return changes.some((later, at) => {
      if (at < index || !isFirmware(later) || !sameParts(later, change)) return false;
      const way = job.of(at);
      return isWanted(way, runningVersion(way, later.drives && storage ? { storage } : { members }));
    });
  };
}
