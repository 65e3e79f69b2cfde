/** Proof that the BMC we would flash and the node we would drain are one machine: a typo must not drain A and reboot B. */
import { factValue, showFact } from '../core/bmc.ts';
import { FleetError } from '../core/errors.ts';
import { sameMachine } from '../planning/identity.ts';
import type { NodeJob } from './job.ts';

/** Throws `identity_mismatch` unless Redfish UUID, Node `systemUUID`, serial and node uid are those of the plan and of each other. */
export async function proveIdentity({ bmc, cluster, target }: NodeJob): Promise<string> {
  const [server, node] = await Promise.all([bmc.identity(), cluster.node(target.node)]);
  const uuid = factValue(server.uuid);
  if (!uuid || !sameMachine(uuid, node.systemUuid))
    throw mismatch(
      target.node,
      `the BMC reports UUID ${showFact(server.uuid)}, the node systemUUID ${node.systemUuid}`,
    );
  if (!sameMachine(uuid, target.systemUuid) || server.systemUri !== target.systemUri)
    throw mismatch(target.node, `the plan is for the machine ${target.systemUuid}, the BMC shows ${uuid}`);
  if (bmc.url !== new URL(target.bmcUrl).origin)
    throw mismatch(target.node, `the plan is for the BMC ${target.bmcUrl}, the configuration names ${bmc.url}`);
  if (node.uid !== target.nodeUid) throw mismatch(target.node, 'the Node was deleted and made again since the plan');
  const planned = factValue(target.serial);
  const found = factValue(server.serial);
  if (planned && found !== planned)
    throw mismatch(target.node, `the plan is for serial ${planned}, the BMC reports ${found ?? 'none'}`);
  return `Redfish UUID ${uuid} is the Node's systemUUID; serial ${found ?? 'unknown'}`;
}

function mismatch(node: string, why: string): FleetError {
  return new FleetError({
    code: 'identity_mismatch',
    message: `${node} is not proved to be the planned machine: ${why}`,
    hint: 'check which BMC address belongs to this node in groundskeeper.yaml',
  });
}
