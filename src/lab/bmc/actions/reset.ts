/** ComputerSystem.Reset, with each vendor's answer to a state the host is already in. */
import type { Controller } from '../controller.ts';
import type { ResetName } from '../profiles/profile.ts';
import { type Body, problem, type Reply } from '../reply.ts';

/** Resets or switches the host; answers 204 when it did. A reset during a transfer or flash damages the machine. */
export function performReset(bmc: Controller, body: Body): Reply {
  const { profile, host } = bmc;
  const { ResetType: asked } = body;
  if (typeof asked !== 'string') return problem(profile, 400, 'ActionParameterMissing', 'ResetType');
  const type = profile.system.resetTypes.find(name => name === asked);
  if (type === undefined) return problem(profile, 400, 'ActionParameterNotSupported', 'ResetType');
  if (host.poweredOn === (type === 'On') && type !== 'PushPowerButton') {
    if (profile.sameState === 'conflict') return problem(profile, 409, 'ResourceInUse');
    if (profile.sameState === 'bad-request') return problem(profile, 400, 'NoOperation');
    if (type !== 'ForceRestart' && type !== 'PowerCycle') return { status: 204 };
  }
  if (host.poweredOn) bmc.updates.beforeReset();
  bmc.log.append({ severity: 'OK', messageId: 'SYS1001', message: `The host received the power command ${type}.` });
  switchHost(bmc, type);
  return { status: 204 };
}

function switchHost({ host }: Controller, type: ResetName): void {
  const restarts = type === 'ForceRestart' || type === 'GracefulRestart' || type === 'PowerCycle';
  if (!host.poweredOn) host.powerOn();
  else if (restarts) host.restart();
  else host.powerOff();
}
