/** Plans a rollout and shows it; asks for nothing. */
import { z } from 'zod';
import { factValue } from '../src/core/bmc.ts';
import { FleetError } from '../src/core/errors.ts';
import { allNodes } from '../src/core/fleet.ts';
import type { Plan } from '../src/core/plan.ts';
import { readTool, type ToolContext } from '../src/core/tool.ts';
import { surveyCluster } from '../src/operations/survey.ts';
import { surveyBios } from '../src/operations/survey-bios.ts';
import { surveyEvidence } from '../src/operations/survey-evidence.ts';
import { planCard } from '../src/planning/plan-card.ts';
import { planRollout } from '../src/planning/plan-rollout.ts';
import { componentOrder } from '../src/planning/wanted-changes.ts';
import { withCanaryDrain } from './parts/canary-drain.ts';
import { drainInput } from './parts/drain-input.ts';
import { noPlan } from './parts/facts.ts';
import { gatesFor } from './parts/gates-for.ts';
import { baselineImages, baselineSettings, nodeNamed, siteNamed } from './parts/lookup.ts';
import { outageInput } from './parts/outage-input.ts';
import { planOutput } from './parts/plan-output.ts';

const parts = [...componentOrder, 'bios-settings'] as const;

export const planFirmwareRollout = readTool({
  name: 'planFirmwareRollout',
  title: 'Plan a firmware rollout',
  description:
    'Makes an immutable plan that brings the nodes of a site to its baseline, firmware and BIOS settings, each node in one drain: targets by UID and serial, versions, image SHA-256, waves with a canary first, what each drain meets, what cannot be undone. Changes nothing; startPlan asks for the approval.',
  risk: 'read',
  scope: 'plan',
  input: z.strictObject({
    site: z.string().describe('Site name'),
    cluster: z.string().optional().describe('Cluster of the site; needed where it has several'),
    advance: z
      .enum(['automatic', 'manual'])
      .optional()
      .describe('With manual, a person lets each wave after the first begin'),
    nodes: z.array(z.string()).min(1).optional().describe('Only these nodes'),
    components: z
      .array(z.enum(parts))
      .min(1)
      .optional()
      .describe('Only these parts of the baseline, such as bmc and bios; all of it unless said'),
    ...drainInput,
    ...outageInput,
  }),
  positional: ['site'],
  example: { site: 'boston', deleteEmptyDir: true },
  output: planOutput,
  async run(context, { site, cluster: name, advance, nodes, components = [...parts], declareOutage, ...drain }) {
    const cluster = clusterFor(context, site, name);
    for (const node of nodes ?? [])
      if (nodeNamed(context, node).cluster !== cluster.name)
        throw new FleetError({ code: 'invalid_input', message: `node ${node} is not in cluster ${cluster.name}` });
    const survey = await surveyCluster(context, cluster, nodes);
    const facts = factValue(survey.kubernetes);
    if (!facts) throw noPlan('cluster_unreachable', 'unknown' in survey.kubernetes ? survey.kubernetes.unknown : '');
    const settings = components.includes('bios-settings') ? baselineSettings(context, site) : [];
    const { plan, digest } = await context.storePlan(
      withCanaryDrain(
        planRollout({
          action: 'firmwareRollout',
          cluster,
          facts,
          evidence: await surveyEvidence(context, cluster.name),
          candidates: await surveyBios(context.bmcs, survey.nodes, settings),
          fleet: allNodes(context.fleet),
          images: baselineImages(context, site).filter(({ component }) => components.includes(component)),
          settings,
          stones: context.fleet.images,
          declareOutage,
          drain,
          canary: context.rollout.canary,
          soakMs: context.rollout.soakMs,
          gates: gatesFor(context, [cluster.site]),
          advance: advance ?? context.rollout.advance,
        }),
        facts,
      ),
    );
    return {
      plan: plan as unknown as Record<string, unknown>,
      digest,
      next: `start it with: groundskeeper start-plan ${plan.id} ${digest}`,
    };
  },
  present: ({ plan, digest, next }) => [...planCard(plan as unknown as Plan, digest), { text: next }],
});

function clusterFor(context: ToolContext, site: string, name: string | undefined) {
  const { clusters } = siteNamed(context, site);
  const [only] = clusters;
  if (!name && clusters.length === 1 && only) return only;
  const found = clusters.find(cluster => cluster.name === name);
  if (found) return found;
  const names = clusters.map(cluster => cluster.name).join(', ');
  throw new FleetError({
    code: 'invalid_input',
    message: name ? `site ${site} has no cluster ${JSON.stringify(name)}` : `site ${site} has several clusters`,
    hint: `name one of: ${names}`,
  });
}
