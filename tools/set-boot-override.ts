/** Sets what a server starts from next. */
import { z } from 'zod';
import { bootSources } from '../src/core/bmc-change.ts';
import { changeTool } from '../src/core/tool.ts';
import { planNodeChange } from './parts/change-plan.ts';

export const setBootOverride = changeTool({
  name: 'setBootOverride',
  title: 'Set the next start of a server',
  description:
    'Sets what a server starts from the next time, once: network, HTTP, disk, CD or its setup. It does not restart the server.',
  risk: 'disruptive',
  scope: 'execute',
  asked: ['boot', 'start … from'],
  input: z.strictObject({
    node: z.string().describe('Node name'),
    from: z.enum(bootSources).describe('What the next start is from; none takes an earlier choice back'),
  }),
  positional: ['node', 'from'],
  example: { node: 'bos-w-1', from: 'disk' },
  plan: (context, { node, from }) =>
    planNodeChange(context, {
      kind: 'bmc-change',
      action: 'setBootOverride',
      node,
      bmcChange: { act: 'boot-once', from },
    }),
});
