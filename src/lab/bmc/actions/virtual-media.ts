/** Images in and out of the virtual drives: by action, or by PATCH where the vendor has no action. */
import type { Controller } from '../controller.ts';
import { type Body, problem, type Reply } from '../reply.ts';
import type { Slot } from '../virtual-media.ts';
import { unlicensed } from './unlicensed.ts';

const parameters: readonly string[] = [
  'Image',
  'Inserted',
  'WriteProtected',
  'TransferMethod',
  'TransferProtocolType',
  'UserName',
  'Password',
];

/** Fetches the image first: 204 means that it was there. */
export async function insertMedia(bmc: Controller, slot: Slot, body: Body): Promise<Reply> {
  const { profile } = bmc;
  const unpaid = unlicensed(bmc);
  if (unpaid !== undefined) return unpaid;
  const { rejects = [] } = profile.acts.virtualMedia ?? {};
  const odd = Object.keys(body).find(name => !parameters.includes(name) || rejects.includes(name));
  if (odd !== undefined) return problem(profile, 400, 'ActionParameterNotSupported', odd);
  const { Image: image, WriteProtected: writeProtected = true } = body;
  if (typeof image !== 'string') return problem(profile, 400, 'ActionParameterMissing', 'Image');
  if (!/^https?:$/.test(URL.parse(image)?.protocol ?? '') || typeof writeProtected !== 'boolean') {
    return problem(profile, 400, 'ActionParameterValueFormatError', 'Image');
  }
  if (slot.medium !== undefined) return problem(profile, 409, 'ResourceInUse');
  const result = await bmc.media.insert(slot.id, image, writeProtected);
  if (result === 'unreachable') return problem(profile, 400, 'CouldNotEstablishConnection', image);
  return result === 'taken' ? problem(profile, 409, 'ResourceInUse') : { status: 204 };
}

export function ejectMedia(bmc: Controller, slot: Slot): Reply {
  return bmc.media.eject(slot.id) ? { status: 204 } : problem(bmc.profile, 400, 'NoOperation');
}

/** PATCH in place of the actions: an Image puts in, null or `Inserted: false` takes out. */
export async function patchMedia(bmc: Controller, slot: Slot, body: Body): Promise<Reply> {
  if (slot.takes === 'nothing') return problem(bmc.profile, 400, 'PropertyNotWritable', 'Image');
  const { Image: image, Inserted: inserted } = body;
  if (image === null || (image === undefined && inserted === false)) return ejectMedia(bmc, slot);
  return insertMedia(bmc, slot, body);
}
