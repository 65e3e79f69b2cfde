/** Updates one node to one image of the catalogue: a rollout with a single target. */
import { z } from 'zod';
import { factValue } from '../src/core/bmc.ts';
import { allNodes } from '../src/core/fleet.ts';
import { sharpSwitch } from '../src/core/switches.ts';
import { changeTool } from '../src/core/tool.ts';
import { surveyCluster } from '../src/operations/survey.ts';
import { withDrives } from '../src/operations/survey-drives.ts';
import { surveyEvidence } from '../src/operations/survey-evidence.ts';
import { planRollout } from '../src/planning/plan-rollout.ts';
import { withCanaryDrain } from './parts/canary-drain.ts';
import { drainInput } from './parts/drain-input.ts';
import { noPlan } from './parts/facts.ts';
import { gatesFor } from './parts/gates-for.ts';
import { clusterOf, imageNamed, nodeNamed } from './parts/lookup.ts';
import { outageInput } from './parts/outage-input.ts';

export const flashFirmware = changeTool({
  name: 'flashFirmware',
  title: 'Flash one node',
  description:
    'Updates one node to one image of the firmware catalogue, named by id, by stepping stones of the catalogue where it needs them: identity proved, cordon, drain, flash, reset, version proved from the active inventory, rejoin, uncordon.',
  risk: 'disruptive',
  scope: 'execute',
  asked: ['flash', 'update', 'upgrade', 'downgrade'],
  input: z.strictObject({
    node: z.string().describe('Node name'),
    image: z.string().describe('Id of a catalogue image, never an address'),
    downgrade: sharpSwitch('Allow going back to an older version, or to one whose order is not known', [
      'downgrade',
      'roll back',
      'rollback',
      'go back',
      'back to',
      'older',
      'previous version',
      'revert',
    ]),
    ...drainInput,
    ...outageInput,
  }),
  positional: ['node', 'image'],
  example: { node: 'bos-w-3', image: 'dell-bios-1.12.2', deleteEmptyDir: true, force: false },
  async plan(context, { node: name, image, downgrade, declareOutage, ...drain }) {
    const entry = nodeNamed(context, name);
    const wanted = imageNamed(context, image);
    const cluster = clusterOf(context, entry);
    const survey = await surveyCluster(context, cluster, [name]);
    const facts = factValue(survey.kubernetes);
    if (!facts) throw noPlan('cluster_unreachable', 'unknown' in survey.kubernetes ? survey.kubernetes.unknown : '');
    const [found] = survey.nodes;
    if (found && 'unknown' in found.server) throw noPlan('bmc_unreachable', found.server.unknown);
    const { canary, percentages, limits, soakMs } = context.rollout;
    const evidence = await surveyEvidence(context, cluster);
    const candidates = await Promise.all(survey.nodes.map(each => withDrives(context.bmcs, each, [wanted])));
    const clusters = [{ cluster, facts, evidence, candidates, images: [wanted] }];
    return withCanaryDrain(
      planRollout({
        action: 'flashFirmware',
        clusters,
        named: true,
        fleet: allNodes(context.fleet),
        stones: context.fleet.images,
        downgrade,
        declareOutage,
        drain,
        canary,
        percentages,
        limits,
        soakMs,
        gates: gatesFor(context, [cluster.site]),
      }),
      clusters,
    );
  },
});
