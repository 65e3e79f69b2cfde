/** NvidiaChassis.AuxPowerReset: everything loses its power for a moment, the BMC too. The host has to be off before, and is off after. */
import type { Controller } from '../controller.ts';
import { type Body, problem, type Reply, vendorProblem } from '../reply.ts';
import { auxPowerResets } from '../resources/aux-power-reset.ts';

export function auxPowerReset(bmc: Controller, { ResetType: asked }: Body): Reply {
  const { profile, host, updates, life } = bmc;
  if (typeof asked !== 'string') return problem(profile, 400, 'ActionParameterMissing', 'ResetType');
  if (!auxPowerResets.includes(asked)) return problem(profile, 400, 'ActionParameterNotSupported', 'ResetType');
  if (host.poweredOn) {
    return vendorProblem({
      status: 400,
      messageId: 'OpenBMC.0.4.ChassisPowerStateOffRequired',
      message: 'The chassis has to be powered off for this.',
    });
  }
  return {
    status: 204,
    after() {
      updates.powerGoes();
      life.restart();
    },
  };
}
