/** Plans the way back from what an operation changed; a plan like any other, with its own approval. */
import { z } from 'zod';
import { factValue } from '../src/core/bmc.ts';
import { FleetError } from '../src/core/errors.ts';
import { allNodes } from '../src/core/fleet.ts';
import { hasEnded, type OperationEvent } from '../src/core/operation.ts';
import { type Plan, type PlanTarget, targetOf } from '../src/core/plan.ts';
import { changeName, isFirmware, type PlannedChange } from '../src/core/planned-change.ts';
import { readTool, type ToolContext } from '../src/core/tool.ts';
import { factOf, type NodeSurvey } from '../src/operations/survey.ts';
import { readSettings } from '../src/operations/survey-bios.ts';
import { planCard } from '../src/planning/plan-card.ts';
import { planRollout } from '../src/planning/plan-rollout.ts';
import { reverseChanges } from '../src/planning/reverse-changes.ts';
import type { Candidate } from '../src/planning/rollout-target.ts';
import { withCanaryDrain } from './parts/canary-drain.ts';
import { drainInput } from './parts/drain-input.ts';
import { gatesFor } from './parts/gates-for.ts';
import { clusterNamed } from './parts/lookup.ts';
import { outageInput } from './parts/outage-input.ts';
import { planOutput } from './parts/plan-output.ts';
import { allParts, readPart } from './parts/read-part.ts';
import { mayWait, windowInput } from './parts/window-input.ts';

export const planRollback = readTool({
  name: 'planRollback',
  title: 'Plan the way back',
  description:
    'Makes an immutable plan that takes back what an operation changed and proved: firmware to the version before, BIOS settings to their old values, the last change first. Only what still runs as the operation left it, and only to versions of the catalogue that the vendor lets it go back to; everything else is left out with its reason. Changes nothing; startPlan asks for the approval.',
  risk: 'read',
  scope: 'plan',
  input: z.strictObject({
    operation: z.string().describe('Operation id'),
    ...drainInput,
    ...outageInput,
    ...windowInput,
  }),
  positional: ['operation'],
  example: { operation: 'op-0123456789', deleteEmptyDir: true },
  output: planOutput,
  async run(context, { operation: id, declareOutage, waitForWindow, ...drain }) {
    const { plan: made, proved } = await whatWasDone(context, id);
    const back = (found: NodeSurvey) => wayBack(context, found, proved);
    const read = made.scopes.map(({ cluster }) =>
      readPart(context, clusterNamed(context, cluster), { nodes: [...proved.keys()], images: [], candidate: back }),
    );
    const parts = allParts(await Promise.all(read));
    const { canary, percentages, limits, soakMs } = context.rollout;
    const draft = withCanaryDrain(
      planRollout({
        action: made.action,
        ...parts,
        named: true,
        fleet: allNodes(context.fleet),
        stones: [],
        declareOutage,
        drain,
        canary,
        percentages,
        limits,
        soakMs,
        gates: gatesFor(context, [...new Set(made.scopes.map(({ site }) => site))]),
        advance: context.rollout.advance,
      }),
      parts.clusters,
    );
    const { plan, digest } = await context.storePlan(mayWait(draft, waitForWindow));
    return {
      plan: plan as unknown as Record<string, unknown>,
      digest,
      next: `start it with: groundskeeper start-plan ${plan.id} ${digest}`,
    };
  },
  present: ({ plan, digest, next }) => [...planCard(plan as unknown as Plan, digest), { text: next }],
});

/** By node of the operation: its changes that were proved. Throws `conflict` while it runs. */
async function whatWasDone({ records }: ToolContext, id: string) {
  const operation = await records.operations.get(id);
  if (!hasEnded(operation.state))
    throw new FleetError({ code: 'conflict', message: `operation ${id} has not ended`, hint: 'cancel it first' });
  const { plan } = await records.plans.get(operation.plan);
  if (!plan.targets.some(target => target.changes))
    throw new FleetError({
      code: 'invalid_input',
      message: `operation ${id} changed no firmware and no BIOS settings`,
    });
  const events = await records.operations.events(id, 0);
  const proved = new Map(
    operation.nodes.map(({ node }) => [node, provedChanges(targetOf(plan, node), events)] as const),
  );
  return { plan, proved };
}

/** By the words of its own steps: what was in force before the operation came is not its to take back. */
function provedChanges({ node, changes = [] }: PlanTarget, events: OperationEvent[]): PlannedChange[] {
  return changes.filter((change, index) =>
    events.some(
      each => each.node === node && each.step === `${changeName(change, index)}/verify` && each.status === 'ok',
    ),
  );
}

async function wayBack(
  { bmcs, fleet }: ToolContext,
  found: NodeSurvey,
  proved: Map<string, PlannedChange[]>,
): Promise<Candidate> {
  const server = factValue(found.server);
  if (!server) return found;
  const made = proved.get(found.entry.name) ?? [];
  const bios = made.every(isFirmware) ? undefined : await factOf(() => readSettings(bmcs, found.entry.name));
  const instead = reverseChanges({ made, server, catalogue: fleet.images, ...(bios ? { bios } : {}) });
  return { ...found, instead };
}
