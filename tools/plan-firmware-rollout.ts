/** Plans a rollout and shows it; asks for nothing. */
import { z } from 'zod';
import { FleetError } from '../src/core/errors.ts';
import { allNodes, type FleetCluster } from '../src/core/fleet.ts';
import type { Plan } from '../src/core/plan.ts';
import { inputNeeds, sharpSwitch } from '../src/core/switches.ts';
import { readTool, type ToolContext } from '../src/core/tool.ts';
import { surveyBios } from '../src/operations/survey-bios.ts';
import { withDrives } from '../src/operations/survey-drives.ts';
import { planCard } from '../src/planning/plan-card.ts';
import { planRollout } from '../src/planning/plan-rollout.ts';
import { componentOrder } from '../src/planning/wanted-changes.ts';
import { withCanaryDrain } from './parts/canary-drain.ts';
import { drainInput } from './parts/drain-input.ts';
import { gatesFor } from './parts/gates-for.ts';
import { baselineImages, baselineSettings, nodeNamed, siteNamed } from './parts/lookup.ts';
import { outageInput } from './parts/outage-input.ts';
import { planOutput } from './parts/plan-output.ts';
import { allParts, readPart } from './parts/read-part.ts';
import { mayWait, windowInput } from './parts/window-input.ts';

const parts = [...componentOrder, 'bios-settings'] as const;
type Part = (typeof parts)[number];

export const planFirmwareRollout = readTool({
  name: 'planFirmwareRollout',
  title: 'Plan a firmware rollout',
  description:
    'Makes an immutable plan that brings the nodes of a site, of several or of all to the baselines of their sites, firmware and BIOS settings, each node in one drain: targets by UID and serial, versions, image SHA-256, waves with canaries first, what each drain meets, what cannot be undone. Changes nothing; startPlan asks for the approval.',
  risk: 'read',
  scope: 'plan',
  input: z.strictObject({
    site: z.string().optional().describe('One site'),
    sites: z.array(z.string()).min(1).optional().describe('Several sites'),
    fleet: sharpSwitch('All sites', [
      'whole fleet',
      'entire fleet',
      'all of the fleet',
      'across the fleet',
      'fleet-wide',
      'all sites',
      'all of the sites',
      'every site',
      'each site',
      'everywhere',
      'update … fleet',
      'upgrade … fleet',
      'bring … fleet',
      'rollout … fleet',
      'roll … fleet',
    ]),
    cluster: z.string().optional().describe('Only this cluster of the site'),
    controlPlane: sharpSwitch('Nodes of the control plane too, after all others, one at a time in each cluster', [
      'control plane',
      'control planes',
      'control-plane',
      'masters',
    ]),
    advance: z
      .enum(['automatic', 'manual'])
      .optional()
      .describe('With manual, a person lets each wave after the first begin')
      .register(inputNeeds, { choices: { automatic: ['automatic', 'automatically', 'by itself', 'unattended'] } }),
    nodes: z.array(z.string()).min(1).optional().describe('Only these nodes'),
    components: z
      .array(z.enum(parts))
      .min(1)
      .optional()
      .describe('Only these parts of the baseline, such as bmc and bios; all of it unless said'),
    ...drainInput,
    ...outageInput,
    ...windowInput,
  }),
  positional: ['site'],
  example: { site: 'boston', deleteEmptyDir: true },
  output: planOutput,
  async run(context, input) {
    const { advance, nodes, components = [...parts], controlPlane, declareOutage } = input;
    const { deleteEmptyDir, force, byPriority } = input;
    const clusters = clustersFor(context, input);
    const read = clusters.map(cluster => readBaseline(context, cluster, { nodes, components }));
    const { canary, percentages, limits, soakMs } = context.rollout;
    const all = allParts(await Promise.all(read));
    const draft = withCanaryDrain(
      planRollout({
        action: 'firmwareRollout',
        ...all,
        fleet: allNodes(context.fleet),
        stones: context.fleet.images,
        controlPlane,
        declareOutage,
        drain: { deleteEmptyDir, force, byPriority },
        canary,
        percentages,
        limits,
        soakMs,
        gates: gatesFor(context, [...new Set(clusters.map(({ site }) => site))]),
        advance: advance ?? context.rollout.advance,
      }),
      all.clusters,
    );
    const { plan, digest } = await context.storePlan(mayWait(draft, input.waitForWindow));
    return {
      plan: plan as unknown as Record<string, unknown>,
      digest,
      next: `start it with: groundskeeper start-plan ${plan.id} ${digest}`,
    };
  },
  present: ({ plan, digest, next }) => [...planCard(plan as unknown as Plan, digest), { text: next }],
});

type Asked = { site?: string; sites?: string[]; fleet: boolean; cluster?: string; nodes?: string[] };

/** Throws `invalid_input` unless it is said which sites are meant, and in one way only. */
function clustersFor(context: ToolContext, { site, sites, fleet, cluster: name, nodes }: Asked): FleetCluster[] {
  if ([site !== undefined, sites !== undefined, fleet].filter(Boolean).length !== 1)
    throw new FleetError({ code: 'invalid_input', message: 'name a site, sites, or the whole fleet' });
  const asked = fleet ? context.fleet.sites : [...new Set(sites ?? [site ?? ''])].map(each => siteNamed(context, each));
  const all = asked.flatMap(({ clusters }) => clusters);
  const found = name === undefined ? all : all.filter(cluster => cluster.name === name);
  if (found.length === 0)
    throw new FleetError({
      code: 'invalid_input',
      message: `no cluster of these sites is called ${JSON.stringify(name)}`,
      hint: `name one of: ${all.map(cluster => cluster.name).join(', ')}`,
    });
  const clusters = new Set(found.map(cluster => cluster.name));
  const stranger = nodes?.find(node => !clusters.has(nodeNamed(context, node).cluster));
  if (stranger !== undefined)
    throw new FleetError({ code: 'invalid_input', message: `node ${stranger} is in none of these clusters` });
  if (!nodes) return found;
  return found.filter(cluster => cluster.nodes.some(node => nodes.includes(node.name)));
}

async function readBaseline(
  context: ToolContext,
  cluster: FleetCluster,
  { nodes, components }: { nodes: string[] | undefined; components: Part[] },
) {
  const settings = components.includes('bios-settings') ? baselineSettings(context, cluster.site) : [];
  const images = baselineImages(context, cluster.site).filter(({ component }) => components.includes(component));
  const read = await readPart(context, cluster, { nodes, images, settings });
  if ('failed' in read) return read;
  const candidates = await surveyBios(context.bmcs, read.candidates, settings);
  return { ...read, candidates: await Promise.all(candidates.map(each => withDrives(context.bmcs, each, images))) };
}
