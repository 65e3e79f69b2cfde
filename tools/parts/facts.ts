/** No facts, no plan: what a tool says when a BMC or a cluster could not be read. */
import { FleetError } from '../../src/core/errors.ts';

const hints = {
  bmc_unreachable: 'nothing was changed; look at the power, network and credential of this BMC, then ask again',
  cluster_unreachable: "nothing was changed; look at the cluster's API server and its kubeconfig, then ask again",
  not_found: 'nothing was changed; compare the node names of groundskeeper.yaml with kubectl get nodes',
};

/** The failure that keeps a plan from being made, `why` being the reason of the fact that is unknown. */
export function noPlan(code: keyof typeof hints, why: string): FleetError {
  return new FleetError({ code, retry: 'later', message: `no plan without facts: ${why}`, hint: hints[code] });
}
