/** Switches the locating light of a server. */
import { z } from 'zod';
import { sharpSwitch } from '../src/core/switches.ts';
import { changeTool } from '../src/core/tool.ts';
import { planNodeChange } from './parts/change-plan.ts';

export const identifyNode = changeTool({
  name: 'identifyNode',
  title: 'Light up a server',
  description:
    'Switches the locating light of a server on or off, so that somebody in front of the rack finds it. Nothing else changes.',
  risk: 'disruptive',
  scope: 'execute',
  asked: [
    'identify',
    'locate',
    'light up',
    'light … up',
    'switch … light',
    'turn … light',
    'let … blink',
    'make … blink',
  ],
  input: z.strictObject({
    node: z.string().describe('Node name'),
    off: sharpSwitch('Switch the light off again', ['off', 'out', 'stop']),
  }),
  positional: ['node'],
  example: { node: 'bos-w-1' },
  plan: (context, { node, off }) =>
    planNodeChange(context, {
      kind: 'bmc-change',
      action: 'identifyNode',
      node,
      bmcChange: { act: 'identify', lit: !off },
    }),
});
