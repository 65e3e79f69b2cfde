/** Reads what a one-node change stands on and plans it. */
import { factValue } from '../../src/core/bmc.ts';
import { allNodes, fleetNow } from '../../src/core/fleet.ts';
import type { PlanDraft } from '../../src/core/plan.ts';
import type { ToolContext } from '../../src/core/tool.ts';
import { proveRoomBeside } from '../../src/operations/prove-room-beside.ts';
import { surveyCluster } from '../../src/operations/survey.ts';
import { surveyEvidence } from '../../src/operations/survey-evidence.ts';
import { waitingBios } from '../../src/operations/waiting-bios.ts';
import type { DrainOptions } from '../../src/planning/drain-filter.ts';
import { type ChangeRequest, planChange } from '../../src/planning/plan-change.ts';
import { disrupts } from '../../src/planning/plan-kinds.ts';
import { noPlan } from './facts.ts';
import { clusterOf, nodeNamed } from './lookup.ts';

type Change = Pick<
  ChangeRequest,
  'kind' | 'action' | 'taint' | 'undrained' | 'bmcChange' | 'bios' | 'applyWaiting' | 'declareOutage'
> & {
  node: string;
  drain?: DrainOptions;
};

/** Throws `bmc_unreachable` or `cluster_unreachable` where facts are missing: no facts, no plan. */
export async function planNodeChange(
  context: ToolContext,
  { node: name, drain, ...change }: Change,
): Promise<PlanDraft> {
  const entry = nodeNamed(context, name);
  const cluster = clusterOf(context, entry);
  const survey = await surveyCluster(context, cluster, [name]);
  const [found] = survey.nodes;
  const facts = factValue(survey.kubernetes);
  if (!found || !facts)
    throw noPlan('cluster_unreachable', 'unknown' in survey.kubernetes ? survey.kubernetes.unknown : '');
  if ('unknown' in found.server) throw noPlan('bmc_unreachable', found.server.unknown);
  if ('unknown' in found.node) throw noPlan('not_found', `${name}: ${found.node.unknown}`);
  const restarts = change.kind === 'restart' || change.kind === 'power-on' || change.bmcChange?.act === 'reset-bmc';
  const draft = planChange({
    ...change,
    ...(restarts ? { waiting: await waitingBios(context.bmcs.of(name)) } : {}),
    cluster,
    entry,
    fleet: allNodes(context.fleet),
    server: found.server.value,
    node: found.node.value,
    facts,
    ...(disrupts(change) ? { evidence: await surveyEvidence(context, cluster) } : {}),
    drain: drain ?? { deleteEmptyDir: false, force: false, byPriority: false },
  });
  const { clusters, fleet } = context;
  // What others work on ends; a plan that waits for that is made.
  for (const target of draft.targets)
    await proveRoomBeside({ clusters, ...fleetNow(fleet) }, draft, { target, running: [] });
  return draft;
}
