/** UpdateService.SimpleUpdate: takes an address, answers at once, and works on in a task. */
import type { Controller } from '../controller.ts';
import { type Body, problem, type Reply, vendorProblem } from '../reply.ts';
import { driveUri } from '../resources/storage.ts';
import { resourceTree } from '../resources/tree.ts';
import { transferProtocols } from '../resources/update.ts';
import type { ApplyTime, Purpose } from '../updates.ts';
import { unlicensed } from './unlicensed.ts';
import { updateAccepted } from './update-accepted.ts';

/** Answers 202 with the task, 400 for what it cannot use, or the vendor's refusal while another update goes on. */
export function simpleUpdate(bmc: Controller, body: Body): Reply {
  const { profile, updates, faults } = bmc;
  const unpaid = unlicensed(bmc);
  if (unpaid !== undefined) return unpaid;
  const image = imageUri(bmc, body);
  if ('refusal' in image) return image.refusal;
  const applyTime = applyTimeOf(bmc, body);
  if (typeof applyTime === 'object') return applyTime;
  if (!targetsExist(bmc, body.Targets)) return problem(profile, 400, 'ActionParameterNotSupported', 'Targets');
  if (faults.get('reject-update') !== undefined) {
    return problem(profile, 400, 'ActionParameterValueFormatError', 'ImageURI');
  }
  const purpose = purposeOf(bmc, body);
  if (typeof purpose === 'object') return purpose;
  if (updates.busy) return vendorProblem(profile.update.busy);
  return updateAccepted(bmc, updates.start(image, { applyTime, purpose, drives: drivesNamed(bmc, body.Targets) }));
}

/** Of those that this firmware knows images for; refused where it lists the parameter and not this value, or not the parameter. */
function purposeOf({ profile }: Controller, { UpdateComponent: asked }: Body): Purpose | Reply {
  if (asked === undefined) return undefined;
  const known = profile.update.ownParameters?.UpdateComponent ?? [];
  if (typeof asked !== 'string' || !known.includes(asked)) {
    return problem(profile, 400, 'ActionParameterNotSupported', 'UpdateComponent');
  }
  return asked === 'BMC' ? 'bmc' : 'bios';
}

function imageUri({ profile }: Controller, body: Body): { uri: string } | { refusal: Reply } {
  const { ImageURI: image, TransferProtocol: protocol } = body;
  const refuse = (
    name: 'ActionParameterMissing' | 'ActionParameterNotSupported' | 'ActionParameterValueFormatError',
  ) => ({
    refusal: problem(profile, 400, name, name === 'ActionParameterNotSupported' ? 'TransferProtocol' : 'ImageURI'),
  });
  if (typeof image !== 'string') return refuse('ActionParameterMissing');
  if (protocol !== undefined && !transferProtocols.some(allowed => allowed === protocol)) {
    return refuse('ActionParameterNotSupported');
  }
  const scheme = typeof protocol === 'string' ? protocol.toLowerCase() : undefined;
  const text = image.includes('://') ? image : `${scheme}://${image}`;
  const uri = URL.parse(text);
  if (uri === null || !['http:', 'https:'].includes(uri.protocol)) return refuse('ActionParameterValueFormatError');
  if (scheme !== undefined && uri.protocol !== `${scheme}:`) return refuse('ActionParameterValueFormatError');
  return { uri: uri.href };
}

/** Where apply times exist, none at all means now: the BMC then reboots the host by itself. */
function applyTimeOf({ profile }: Controller, body: Body): ApplyTime | Reply {
  const asked = body['@Redfish.OperationApplyTime'];
  const { applyTimes, ownParameters } = profile.update;
  if (ownParameters !== undefined && asked === undefined) return body.ResetBMC === true ? 'now' : 'on-reset';
  if (asked === undefined) return applyTimes === undefined ? 'on-reset' : 'now';
  if (typeof asked !== 'string' || !applyTimes?.includes(asked)) {
    return problem(profile, 400, 'PropertyValueNotInList', '@Redfish.OperationApplyTime');
  }
  return asked === 'OnReset' ? 'on-reset' : 'now';
}

/** Ids of those among the targets; undefined where the request has none. */
function drivesNamed(bmc: Controller, targets: unknown): string[] | undefined {
  if (!Array.isArray(targets)) return undefined;
  return bmc.profile.storage.drives.map(({ id }) => id).filter(id => targets.includes(driveUri(bmc, id)));
}

function targetsExist(bmc: Controller, targets: unknown): boolean {
  const only = bmc.profile.update.simpleTargets;
  if (targets === undefined) return only === undefined;
  if (bmc.profile.update.drives === 'all') return false;
  if (!Array.isArray(targets)) return false;
  if (only !== undefined) return targets.length > 0 && targets.every(target => only.includes(target));
  const tree = resourceTree(bmc);
  return targets.every(target => typeof target === 'string' && Object.hasOwn(tree, target));
}
