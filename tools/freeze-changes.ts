/** Stops every change, at once. Going on takes a person who is there. */
import { z } from 'zod';
import { FleetError } from '../src/core/errors.ts';
import { type PolicyResource, wholeFleet } from '../src/core/policy.ts';
import { readTool, type ToolContext } from '../src/core/tool.ts';
import { freezeLine, freezeOutput } from './parts/freeze-output.ts';
import { clusterNamed, siteNamed } from './parts/lookup.ts';

export const freezeChanges = readTool({
  name: 'freezeChanges',
  title: 'Freeze all changes',
  description:
    'Stops all changes at once, in the whole fleet unless a site or cluster is named: nothing new starts, running operations stop before their next step, and a node that is past its first irreversible step settles first. It stands, restarts included, until a person who is there lifts it, with groundskeeper unfreeze or on the approval page.',
  risk: 'control',
  scope: 'execute',
  asked: ['freeze', 'stop', 'halt'],
  input: z.strictObject({
    reason: z.string().min(1).max(500).describe('Why, for everybody who meets the freeze'),
    site: z.string().optional().describe('Only this site'),
    cluster: z.string().optional().describe('Only this cluster'),
  }),
  positional: ['reason'],
  example: { reason: 'power-failure', site: 'boston' },
  output: z.object({ freeze: freezeOutput, next: z.string() }),
  async run(context, { reason, ...where }) {
    const freeze = await context.freezeChanges(placeOf(context, where), reason);
    return { freeze, next: `lift it with: groundskeeper unfreeze ${freeze.id}` };
  },
  present: ({ freeze, next }) => [
    { text: `Frozen: ${freezeLine(freeze)}`, tone: 'warn', foreign: true },
    { text: next },
  ],
});

function placeOf(context: ToolContext, { site, cluster }: { site?: string; cluster?: string }): PolicyResource {
  if (cluster !== undefined) {
    const named = clusterNamed(context, cluster);
    if (site === undefined || named.site === site) return { site: named.site, cluster: named.name };
    throw new FleetError({ code: 'invalid_input', message: `cluster ${cluster} is not at the site ${site}` });
  }
  return site === undefined ? wholeFleet : { site: siteNamed(context, site).name, cluster: '*' };
}
