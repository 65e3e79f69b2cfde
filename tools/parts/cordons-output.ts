/** Whether nodes are cordoned by themselves when their hardware fails. */
import { z } from 'zod';

export const cordonsOutput = z.discriminatedUnion('state', [
  z.object({ state: z.literal('off') }),
  z.object({ state: z.literal('on'), nodes: z.array(z.string()).describe('Cordoned for their hardware') }),
  z.object({
    state: z.literal('stopped').describe('Too many within an hour: somebody looks first'),
    since: z.string(),
    nodes: z.array(z.string()),
  }),
]);

export function cordonsText(cordons: z.infer<typeof cordonsOutput>): string {
  if (cordons.state === 'off')
    return 'Nodes are not cordoned for their hardware: health.cordon is off, or sampling is.';
  const nodes = cordons.nodes.length === 0 ? 'none at present' : cordons.nodes.join(', ');
  return cordons.state === 'on'
    ? `Cordoned for their hardware: ${nodes}.`
    : `No more nodes are cordoned for their hardware since ${cordons.since}: too many were within an hour (${nodes}). Look at them, then: groundskeeper resume-health-cordons SITE`;
}
