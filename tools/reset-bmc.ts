/** Restarts a BMC. */
import { z } from 'zod';
import { sharpSwitch } from '../src/core/switches.ts';
import { changeTool } from '../src/core/tool.ts';
import { planNodeChange } from './parts/change-plan.ts';

export const resetBmc = changeTool({
  name: 'resetBmc',
  title: 'Restart a BMC',
  description:
    'Restarts the BMC of a node and proves that it is back. The server and its pods run on. For a BMC that answers slowly or wrongly; refused while it applies an update. A job that is stuck is freed with recover.',
  risk: 'disruptive',
  scope: 'execute',
  asked: ['reset … bmc', 'restart … bmc', 'reboot … bmc'],
  input: z.strictObject({
    node: z.string().describe('Node name'),
    recover: sharpSwitch('Restart it although a task works on it, if that task makes no progress for the stall limit', [
      'recover',
      'stuck',
      'stalled',
      'hung',
      'hangs',
      'free … job',
      'free … task',
    ]),
  }),
  positional: ['node'],
  example: { node: 'bos-w-1' },
  plan: (context, { node, recover }) =>
    planNodeChange(context, {
      kind: 'bmc-change',
      action: 'resetBmc',
      node,
      bmcChange: { act: 'reset-bmc', ...(recover ? { recover } : {}) },
    }),
});
