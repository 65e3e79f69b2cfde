/** The names under which we find again what we wrote into a cluster, and those that others agree on with us. */

/** The name under which the API records our writes: it takes it from the User-Agent, up to the slash. */
export const fieldManager = 'groundskeeper';
/** Who cordoned: written on the Node with the cordon, and the only thing that lets us uncordon (invariant 17). */
export const cordonOwner = 'groundskeeper.io/cordoned-by';
/** Why, for people who run `kubectl describe node`. */
export const cordonReason = 'groundskeeper.io/cordon-reason';
/** Node label: the failure domain that a node says it is in. */
export const zoneLabel = 'topology.kubernetes.io/zone';
/** Node condition: True while one of our operations works on the node, and after one that did not end well. */
export const maintenanceCondition = 'groundskeeper.io/Maintenance';
/** Node condition: False while the hardware under the node fails, in the name that other health checks use too. */
export const hardwareCondition = 'HardwareHealthy';
/** Which taints are ours: a JSON object on the Node, from `key:effect` to the operation that set it. */
export const taintOwner = 'groundskeeper.io/tainted-by';
/** Who of us keeps a remediator paused: holders, written on its object with the pause and joined by commas. */
export const pauseHolders = 'groundskeeper.io/paused-by';
/** Tells Kubernetes that a node is off for good: its pods are forgotten and its volumes detached by force. */
export const outOfService = 'node.kubernetes.io/out-of-service';
