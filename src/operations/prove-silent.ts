/** Proof that a node cannot be drained because Kubernetes does not hear from it. */
import { FleetError } from '../core/errors.ts';
import { isSilent } from '../planning/silent.ts';
import type { NodeJob } from './job.ts';

/** Throws `precondition_failed` when its kubelet reports: then its pods can be moved first. */
export async function proveSilent({ cluster, target }: NodeJob): Promise<void> {
  if (isSilent(await cluster.node(target.node))) return;
  throw new FleetError({
    code: 'precondition_failed',
    message: `Kubernetes hears from ${target.node}: it is not reset or switched off undrained`,
    hint: 'plan it again without --undrained',
  });
}
