/** The gates that a rollout gets, as approvers will read them. */
import type { PlanGates } from '../../src/core/gate.ts';
import type { ToolContext } from '../../src/core/tool.ts';

export function gatesFor({ rollout }: Pick<ToolContext, 'rollout'>, sites: string[]): PlanGates {
  const own = rollout.ownChecks.flatMap(({ name, after, sites: only }) =>
    sites.filter(site => only === undefined || only.includes(site)).map(site => ({ name, after, site })),
  );
  return { hardware: rollout.hardwareWatched, own };
}
