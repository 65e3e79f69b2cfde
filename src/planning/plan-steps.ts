/** The steps that each kind of plan promises, in order, as approvers read them. */
import type { PlanKind, PlanStep } from '../core/plan.ts';

const identity: PlanStep = {
  name: 'identity',
  does: 'prove that BMC and Node are the planned machine',
  settling: false,
};
const cordon: PlanStep = { name: 'cordon', does: 'cordon, marked as ours', settling: false };
const drain: PlanStep = {
  name: 'drain',
  does: 'evict the pods through the eviction API and wait until they are gone',
  settling: false,
};
const budgets: PlanStep = {
  name: 'budgets',
  does: 'wait until no other node is down under a disruption budget that covers its pods',
  settling: false,
};
const uncordon: PlanStep = { name: 'uncordon', does: 'uncordon, only where the cordon is ours', settling: true };

export const stepsOf: Record<PlanKind, PlanStep[]> = {
  cordon: [identity, cordon],
  uncordon: [identity, { ...uncordon, settling: false }],
  drain: [identity, cordon, budgets, drain],
  'firmware-rollout': [
    identity,
    { name: 'precheck', does: 'model, running version, power, no other task on the BMC', settling: false },
    cordon,
    budgets,
    drain,
    {
      name: 'flash',
      does: 'offer the image to this BMC alone and start the update: cannot be undone from here',
      settling: false,
    },
    { name: 'transfer', does: 'follow the task', settling: true },
    { name: 'reset', does: 'restart the empty host so that the image becomes active', settling: true },
    { name: 'verify', does: 'read the active version from the inventory, three times', settling: true },
    { name: 'rejoin', does: 'new boot ID, Ready, lease advancing', settling: true },
    uncordon,
    { name: 'soak', does: 'watch the node before the next wave', settling: true },
  ],
};
