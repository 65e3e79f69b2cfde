/** How a drive offers its secure erase, and how far one is. */
import type { Controller } from '../controller.ts';
import type { Body } from '../reply.ts';

/** Actions of drives by their target, where the vendor offers them. */
export function eraseTargets(bmc: Controller): { drive: string; target: string }[] {
  const { profile, uris } = bmc;
  const { id, form, enclosureId, drives } = profile.storage;
  if (!profile.acts.secureErase || form === 'simple') return [];
  const holder = enclosureId === undefined ? `${uris.system}/Storage/${id}` : `/redfish/v1/Chassis/${enclosureId}`;
  return drives.map(drive => ({
    drive: drive.id,
    target: `${holder}/Drives/${drive.id}/Actions/Drive.SecureErase`,
  }));
}

/** What the drive shows of it. */
export function eraseMembers(bmc: Controller, drive: string | undefined): Body {
  const offer = eraseTargets(bmc).find(each => each.drive === drive);
  if (offer === undefined) return {};
  const percent = bmc.erase.percent(offer.drive);
  return {
    ...(percent === undefined ? {} : { Operations: [{ OperationName: 'Secure Erase', PercentageComplete: percent }] }),
    Actions: { '#Drive.SecureErase': { target: offer.target } },
  };
}
