/** Takes back a cordon that Groundskeeper made. A cordon made by somebody else is refused. */
import { z } from 'zod';
import { changeTool } from '../src/core/tool.ts';
import { planNodeChange } from './parts/change-plan.ts';

export const uncordonNode = changeTool({
  name: 'uncordonNode',
  title: 'Uncordon a node',
  description: 'Takes back a cordon that Groundskeeper made. A cordon made by somebody else is refused.',
  risk: 'disruptive',
  scope: 'execute',
  asked: ['uncordon', 'lift … cordon', 'remove … cordon', 'take back … cordon'],
  input: z.strictObject({ node: z.string().describe('Node name') }),
  positional: ['node'],
  example: { node: 'bos-w-1' },
  plan: (context, { node }) => planNodeChange(context, { kind: 'uncordon', action: 'uncordonNode', node }),
});
