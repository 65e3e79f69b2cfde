/** The drives of the servers that an image for drives may be for, read now, for a plan that may write to them. */
import { type Bmcs, factValue } from '../core/bmc.ts';
import type { FirmwareImage } from '../core/fleet.ts';
import type { Candidate } from '../planning/rollout-target.ts';
import { factOf } from './survey.ts';

export function surveyDrives(bmcs: Bmcs, nodes: Candidate[], images: FirmwareImage[]): Promise<Candidate[]> {
  return Promise.all(
    nodes.map(async found => {
      const { identity } = factValue(found.server) ?? {};
      const model = identity && factValue(identity.model);
      const wanted = images.some(({ component, models }) => component === 'drive' && model && models.includes(model));
      if (!wanted) return found;
      return { ...found, storage: await factOf(() => bmcs.of(found.entry.name).storage()) };
    }),
  );
}
