/** Restarts a server, or switches it off or on. */
import { z } from 'zod';
import { sharpSwitch } from '../src/core/switches.ts';
import { changeTool } from '../src/core/tool.ts';
import { planNodeChange } from './parts/change-plan.ts';
import { drainInput } from './parts/drain-input.ts';
import { outageInput } from './parts/outage-input.ts';

const kinds = { restart: 'restart', off: 'power-off', on: 'power-on' } as const;
const asked = {
  restart: ['restart', 'reboot', 'power cycle', 'power-cycle'],
  off: ['switch … off', 'power … off', 'turn … off', 'power down', 'shut … down'],
  on: ['switch … on', 'power … on', 'turn … on', 'power up'],
};

export const setNodePower = changeTool({
  name: 'setNodePower',
  title: 'Restart a server or switch it off or on',
  description:
    'Restarts the server of a node, or switches it off or on, through its BMC. Before a restart or power-off the node is cordoned and drained; after a restart it is uncordoned once it is proved to be back, after a power-off it stays cordoned. A node that Kubernetes does not hear from cannot be drained: undrained restarts it all the same. Refused where BIOS settings wait on its BMC that the start would bring into force; applyWaiting lets it.',
  risk: 'disruptive',
  scope: 'execute',
  asked: ({ power }) => power && asked[power],
  input: z.strictObject({
    node: z.string().describe('Node name'),
    power: z.enum(['restart', 'off', 'on']).describe('What to do with its power'),
    undrained: sharpSwitch('Skip the drain; allowed only while Kubernetes does not hear from the node', [
      'undrained',
      'without … drain',
      'without draining',
      'skip … drain',
      'no drain',
      'not drain',
    ]),
    applyWaiting: sharpSwitch('Start it although BIOS settings wait on its BMC that the start brings into force', [
      'apply … settings',
      'apply … waiting',
      'settings may',
      'bring … into force',
      'come into force',
    ]),
    ...drainInput,
    ...outageInput,
  }),
  positional: ['node', 'power'],
  example: { node: 'bos-w-1', power: 'restart', deleteEmptyDir: true },
  plan: (context, { node, power, undrained, applyWaiting, declareOutage, ...drain }) =>
    planNodeChange(context, {
      kind: kinds[power],
      action: power === 'on' ? 'switchOnServer' : 'setNodePower',
      node,
      drain,
      applyWaiting,
      declareOutage,
      ...(undrained && power !== 'on' ? { undrained } : {}),
    }),
});
