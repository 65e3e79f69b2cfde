/** The BIOS settings of the servers whose baseline wants any, read now, for a plan that may set them. */
import { type Bmcs, factValue } from '../core/bmc.ts';
import type { BiosBaseline } from '../core/fleet.ts';
import type { Candidate } from '../planning/rollout-target.ts';
import { factOf, type NodeSurvey } from './survey.ts';

export function surveyBios(bmcs: Bmcs, nodes: NodeSurvey[], settings: BiosBaseline[]): Promise<Candidate[]> {
  return Promise.all(
    nodes.map(async found => {
      const { identity } = factValue(found.server) ?? {};
      const model = identity && factValue(identity.model);
      if (!model || !settings.some(({ models }) => models.includes(model))) return found;
      return { ...found, bios: await factOf(() => readSettings(bmcs, found.entry.name)) };
    }),
  );
}

/** What is in force, and what the server's own registry lets it be. */
export async function readSettings(bmcs: Bmcs, node: string) {
  const bmc = bmcs.of(node);
  const [{ active }, registry] = await Promise.all([bmc.bios(), bmc.biosRegistry()]);
  return { active, registry };
}
