/** An image that is sent to the BMC itself, whole, and StartUpdate, which writes it where the BMC only checked it. */
import type { Controller } from '../controller.ts';
import { type Body, problem, type Reply, vendorProblem } from '../reply.ts';
import { inventoryUri } from '../resources/update.ts';
import type { ApplyTime } from '../updates.ts';
import { UploadedFile } from '../uploaded-file.ts';
import { unlicensed } from './unlicensed.ts';
import { updateAccepted } from './update-accepted.ts';

/** Answers 202 with the task, 400 for what it cannot use, or the vendor's refusal while another update goes on. */
export function pushUpdate(bmc: Controller, body: Body): Reply {
  const { profile, updates, faults } = bmc;
  const unpaid = unlicensed(bmc);
  if (unpaid !== undefined) return unpaid;
  const { UpdateFile: file, UpdateParameters: parameters } = body;
  if (!(file instanceof UploadedFile)) return problem(profile, 400, 'PropertyMissing', 'UpdateFile');
  const unread = parameters !== undefined && faults.get('push-bytes-only') !== undefined;
  if (!unread && profile.update.push?.namesTarget && parameters !== undefined && !namesOne(bmc, parameters)) {
    return problem(profile, 400, 'PropertyValueNotInList', 'Targets');
  }
  if (profile.update.push?.waitsForStart && !waits(bmc, parameters)) {
    return problem(profile, 400, 'PropertyValueNotInList', 'UpdateParameters');
  }
  if (faults.get('reject-update') !== undefined) {
    return problem(profile, 400, 'ActionParameterValueFormatError', 'UpdateFile');
  }
  if (updates.busy) return vendorProblem(profile.update.busy);
  return updateAccepted(
    bmc,
    updates.start({ bytes: unread ? Buffer.from('--form') : file.bytes }, { applyTime: applyTimeOf(bmc, parameters) }),
  );
}

/** Answers 400 when no image waits to be written. */
export function startUpdate(bmc: Controller): Reply {
  const task = bmc.updates.startVerified();
  return task === undefined ? problem(bmc.profile, 400, 'NoOperation') : updateAccepted(bmc, task);
}

/** What a form says; for bare bytes what the service says of them. */
function applyTimeOf({ profile }: Controller, parameters: unknown): ApplyTime {
  const asked = ((parameters ?? {}) as Body)['@Redfish.OperationApplyTime'];
  return (asked ?? profile.update.push?.applyTime) === 'Immediate' ? 'now' : 'on-reset';
}

/** OpenBMC's own parser: one target, which is the manager or an image. What the image is for it finds out by itself. */
function namesOne({ uris }: Controller, parameters: unknown): boolean {
  const { Targets: targets } = (parameters ?? {}) as Body;
  if (!Array.isArray(targets) || targets.length !== 1) return false;
  return targets[0] === uris.manager || String(targets[0]).startsWith(`${inventoryUri}/`);
}

/** Supermicro wants to be told what the image is for, and that it is to wait. */
function waits({ uris }: Controller, parameters: unknown): boolean {
  if (typeof parameters !== 'object' || parameters === null) return false;
  const { Targets: targets, '@Redfish.OperationApplyTime': applyTime } = parameters as Body;
  const known = [`${uris.system}/Bios`, uris.manager];
  const named = Array.isArray(targets) && targets.length === 1 && known.includes(targets[0]);
  return named && applyTime === 'OnStartUpdateRequest';
}
