/** Manager.Reset: the answer goes out, then the BMC restarts. The host runs on. */
import type { Controller } from '../controller.ts';
import { type Body, problem, type Reply } from '../reply.ts';

export function resetManager(bmc: Controller, body: Body): Reply {
  const { profile, life, faults } = bmc;
  const { ResetType: asked } = body;
  if (typeof asked !== 'string') return problem(profile, 400, 'ActionParameterMissing', 'ResetType');
  if (!profile.acts.managerReset.types.includes(asked)) {
    return problem(profile, 400, 'ActionParameterNotSupported', 'ResetType');
  }
  const ignored = faults.get('bmc-reset-ignored') !== undefined;
  return { status: 204, ...(ignored ? {} : { after: () => life.restart() }) };
}
