/** Makes the one-node plans: cordon, uncordon, drain. Pure. */
import { factValue, type ServerHealth, showFact } from '../core/bmc.ts';
import { cordonReason, type NodeFacts } from '../core/cluster.ts';
import { FleetError } from '../core/errors.ts';
import type { FleetCluster, FleetNode } from '../core/fleet.ts';
import type { PlanDraft } from '../core/plan.ts';
import type { DrainOptions } from './drain-filter.ts';
import { sameMachine } from './identity.ts';
import { type ClusterFacts, forecastDrain, targetBase } from './plan-rollout.ts';
import { stepsOf } from './plan-steps.ts';

export type ChangeRequest = {
  kind: 'cordon' | 'uncordon' | 'drain';
  action: string;
  cluster: FleetCluster;
  entry: FleetNode;
  server: ServerHealth;
  node: NodeFacts;
  facts: ClusterFacts;
  drain: DrainOptions;
};

/** Throws `identity_mismatch` when BMC and Node are not proved one machine, `precondition_failed` when the drain would stop. */
export function planChange(request: ChangeRequest): PlanDraft {
  const { kind, cluster, entry, server, node, facts } = request;
  const uuid = factValue(server.identity.uuid);
  if (!uuid || !sameMachine(uuid, node.systemUuid))
    throw new FleetError({
      code: 'identity_mismatch',
      message: `${entry.name}: Redfish UUID ${showFact(server.identity.uuid)} is not the Node's systemUUID ${node.systemUuid}`,
      hint: 'check which BMC address belongs to this node in groundskeeper.yaml',
    });
  const forecast = kind === 'drain' ? forecastDrain(request, entry.name) : undefined;
  if (forecast && forecast.block.length > 0) {
    const why = forecast.block.map(block => `${block.pod}: ${block.reason}`).join('; ');
    throw new FleetError({ code: 'precondition_failed', message: `the drain of ${entry.name} would stop: ${why}` });
  }
  const down = facts.nodes
    .filter(candidate => !candidate.ready || candidate.unschedulable)
    .map(candidate => candidate.name);
  const left = node.annotations[cordonReason];
  return {
    kind,
    action: request.action,
    site: cluster.site,
    cluster: cluster.name,
    targets: [{ ...targetBase(entry, server, node), ...(forecast ? { drain: forecast } : {}) }],
    waves: [[entry.name]],
    steps: stepsOf[kind],
    excluded: [],
    budget: cluster.budget,
    blast: {
      peakUnavailable: kind === 'uncordon' ? down.length : new Set([...down, entry.name]).size,
      targets: 1,
      controlPlane: entry.role === 'control-plane' ? 1 : 0,
    },
    drain: request.drain,
    warnings: [
      ...(forecast?.warnings ?? []),
      ...(kind === 'uncordon' && left ? [`it was left cordoned: ${left}`] : []),
    ],
    irreversible: kind === 'drain' ? ['evicted pods are deleted and started elsewhere'] : [],
    soakMs: 0,
  };
}
