/** Keeps new pods off a node, marked as ours on the Node. Pods that run there stay. */
import { z } from 'zod';
import { changeTool } from '../src/core/tool.ts';
import { planNodeChange } from './parts/change-plan.ts';
import { outageInput } from './parts/outage-input.ts';

export const cordonNode = changeTool({
  name: 'cordonNode',
  title: 'Cordon a node',
  description: 'Keeps new pods off a node, marked as ours on the Node. Pods that run there stay.',
  risk: 'disruptive',
  scope: 'execute',
  asked: ['cordon', 'keep … pods off'],
  input: z.strictObject({ node: z.string().describe('Node name'), ...outageInput }),
  positional: ['node'],
  example: { node: 'bos-w-1' },
  plan: (context, { node, declareOutage }) =>
    planNodeChange(context, { kind: 'cordon', action: 'cordonNode', node, declareOutage }),
});
