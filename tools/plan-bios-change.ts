/** Plans a change of BIOS settings and shows it; asks for nothing. */
import { z } from 'zod';
import type { Plan } from '../src/core/plan.ts';
import { readTool } from '../src/core/tool.ts';
import { readSettings } from '../src/operations/survey-bios.ts';
import { checkBios } from '../src/planning/bios-settings.ts';
import { planCard } from '../src/planning/plan-card.ts';
import { planNodeChange } from './parts/change-plan.ts';
import { drainInput } from './parts/drain-input.ts';
import { nodeNamed } from './parts/lookup.ts';
import { outageInput } from './parts/outage-input.ts';
import { planOutput } from './parts/plan-output.ts';

export const planBiosChange = readTool({
  name: 'planBiosChange',
  title: 'Plan a change of BIOS settings',
  description:
    'Makes an immutable plan that drains a node, sets BIOS attributes, restarts the server and proves by reading that they are in force. Names and values are checked against the attribute registry that the server itself serves. Changes nothing; startPlan asks for the approval.',
  risk: 'read',
  scope: 'plan',
  input: z.strictObject({
    node: z.string().describe('Node name'),
    settings: z
      .array(z.string())
      .min(1)
      .max(50)
      .describe('Attributes as the BIOS calls them, each as Name=value, such as LogicalProc=Disabled'),
    ...drainInput,
    ...outageInput,
  }),
  positional: ['node', 'settings'],
  example: { node: 'bos-w-3', settings: ['LogicalProc=Disabled'], deleteEmptyDir: true },
  output: planOutput,
  async run(context, { node, settings, declareOutage, ...drain }) {
    const bios = await readSettings(context.bmcs, nodeNamed(context, node).name);
    const draft = await planNodeChange(context, {
      kind: 'bios-change',
      action: 'biosChange',
      node,
      declareOutage,
      drain,
      bios: checkBios({ ...bios, settings }),
    });
    const { plan, digest } = await context.storePlan(draft);
    return {
      plan: plan as unknown as Record<string, unknown>,
      digest,
      next: `start it with: groundskeeper start-plan ${plan.id} ${digest}`,
    };
  },
  present: ({ plan, digest, next }) => [...planCard(plan as unknown as Plan, digest), { text: next }],
});
