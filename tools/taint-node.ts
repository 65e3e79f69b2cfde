/** Sets or removes one taint of a node, marked as ours. */
import { z } from 'zod';
import { sharpSwitch } from '../src/core/switches.ts';
import { changeTool } from '../src/core/tool.ts';
import { planNodeChange } from './parts/change-plan.ts';
import { outageInput } from './parts/outage-input.ts';

/** As the API checks them: an optional DNS prefix, and a name or value of at most 63 characters. */
const taintKey = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/;
const taintValue = /^([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?$/;

export const taintNode = changeTool({
  name: 'taintNode',
  title: 'Taint a node',
  description:
    'Adds one taint to a node, marked as ours, or removes one of ours. NoExecute deletes every pod that does not tolerate it, whatever its PodDisruptionBudget says. node.kubernetes.io/out-of-service is only set on a server whose BMC says that it is off.',
  risk: 'disruptive',
  scope: 'execute',
  asked: ['taint', 'untaint'],
  input: z.strictObject({
    node: z.string().describe('Node name'),
    key: z
      .string()
      .regex(taintKey, 'expected a taint key, such as maintenance or example.com/reason')
      .describe('Taint key, such as example.com/reason'),
    effect: z
      .enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
      .describe('NoExecute also deletes the pods that run there and do not tolerate it'),
    value: z
      .string()
      .regex(taintValue, 'expected at most 63 letters, digits, dots, dashes')
      .optional()
      .describe('Taint value; none when left out'),
    remove: sharpSwitch('Remove the taint instead, if it is one of ours', [
      'remove',
      'untaint',
      'take … off',
      'take … away',
      'take back',
      'delete',
      'drop',
      'clear',
      'lift',
    ]),
    ...outageInput,
  }),
  positional: ['node', 'key', 'effect'],
  example: { node: 'bos-w-1', key: 'example.com/suspect', effect: 'PreferNoSchedule' },
  plan: (context, { node, key, effect, value, remove, declareOutage }) =>
    planNodeChange(context, {
      kind: 'taint',
      action: remove ? 'untaintNode' : 'taintNode',
      node,
      declareOutage,
      taint: { taint: { key, effect, ...(value ? { value } : {}) }, remove },
    }),
});
