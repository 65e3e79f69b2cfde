/** Cordons a node and moves its pods away. */
import { z } from 'zod';
import { changeTool } from '../src/core/tool.ts';
import { planNodeChange } from './parts/change-plan.ts';
import { drainInput } from './parts/drain-input.ts';
import { outageInput } from './parts/outage-input.ts';

export const drainNode = changeTool({
  name: 'drainNode',
  title: 'Drain a node',
  description:
    'Cordons a node and evicts its pods through the eviction API, respecting every PodDisruptionBudget. The node stays cordoned. A drain that cannot finish takes its cordon back and is never called drained.',
  risk: 'disruptive',
  scope: 'execute',
  asked: ['drain'],
  input: z.strictObject({ node: z.string().describe('Node name'), ...drainInput, ...outageInput }),
  positional: ['node'],
  example: { node: 'bos-w-1', deleteEmptyDir: true, force: false },
  plan: (context, { node, declareOutage, ...drain }) =>
    planNodeChange(context, { kind: 'drain', action: 'drainNode', node, declareOutage, drain }),
});
