/** Asks to start a plan. Policy answers; people vote elsewhere. */
import { z } from 'zod';
import { changeAnswer } from '../src/core/change.ts';
import { FleetError } from '../src/core/errors.ts';
import { readTool } from '../src/core/tool.ts';
import { presentChange } from './parts/present-change.ts';

export const startPlan = readTool({
  name: 'startPlan',
  title: 'Ask to start a plan',
  description:
    'Asks policy to start a stored plan. The answer is started, approval_required (another person votes; you cannot) or denied with reasons. The digest must be the one that was shown.',
  risk: 'control',
  scope: 'execute',
  asked: ['start', 'begin', 'go ahead', 'proceed', 'execute', 'launch', 'carry … out', 'do it', 'run it'],
  input: z.strictObject({
    plan: z.string().describe('Plan id'),
    digest: z.string().describe('Digest of the plan as it was shown, sha256:<hex>'),
  }),
  positional: ['plan', 'digest'],
  example: { plan: 'plan-0123456789', digest: 'sha256:…' },
  output: changeAnswer,
  async run(context, { plan: id, digest }) {
    const stored = await context.records.plans.get(id);
    if (stored.digest !== digest)
      throw new FleetError({
        code: 'conflict',
        message: `the digest is not that of plan ${id}`,
        hint: `look at it again: groundskeeper get-plan ${id}`,
      });
    return context.requestStart(stored);
  },
  present: presentChange,
});
