/** A stored plan, word for word. */
import { z } from 'zod';
import type { Plan } from '../src/core/plan.ts';
import { readTool } from '../src/core/tool.ts';
import { planCard } from '../src/planning/plan-card.ts';
import { planOutput } from './parts/plan-output.ts';

export const getPlan = readTool({
  name: 'getPlan',
  title: 'Show a plan',
  description: 'The stored plan and its digest, exactly as approvers see it.',
  risk: 'read',
  scope: 'read',
  input: z.strictObject({ plan: z.string().describe('Plan id') }),
  positional: ['plan'],
  example: { plan: 'plan-0123456789' },
  output: planOutput,
  async run(context, input) {
    const { plan, digest } = await context.records.plans.get(input.plan);
    const approval = await context.records.approvals.forPlan(plan.id);
    const next = approval
      ? `approval request ${approval.id} is ${approval.state}${approval.operation ? `, operation ${approval.operation}` : ''}`
      : `start it with: groundskeeper start-plan ${plan.id} ${digest}`;
    return { plan: plan as unknown as Record<string, unknown>, digest, next };
  },
  present: ({ plan, digest, next }) => [...planCard(plan as unknown as Plan, digest), { text: next }],
});
