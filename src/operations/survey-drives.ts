/** The drives of a server that an image for drives may be for, read now, for whoever compares them or plans to write to them. */
import { type Bmcs, factValue } from '../core/bmc.ts';
import type { FirmwareImage } from '../core/fleet.ts';
import type { Candidate } from '../planning/rollout-target.ts';
import { factOf } from './survey.ts';

/** As found, with its storage where an image of these is for drives of its model. */
export async function withDrives<C extends Pick<Candidate, 'entry' | 'server'>>(
  bmcs: Bmcs,
  found: C,
  images: FirmwareImage[],
): Promise<C & Pick<Candidate, 'storage'>> {
  const { identity } = factValue(found.server) ?? {};
  const model = identity && factValue(identity.model);
  const wanted = images.some(({ component, models }) => component === 'drive' && model && models.includes(model));
  return wanted ? { ...found, storage: await factOf(() => bmcs.of(found.entry.name).storage()) } : found;
}
