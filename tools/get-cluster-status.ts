/** One cluster at a glance: what is wrong, what has room, and what may be taken down next. */
import { z } from 'zod';
import { showFact } from '../src/core/bmc.ts';
import type { FleetCluster } from '../src/core/fleet.ts';
import { readTool, type ToolContext } from '../src/core/tool.ts';
import { qualifiedName } from '../src/planning/pdb-groups.ts';
import type { ClusterFacts } from '../src/planning/rollout-target.ts';
import { requestedOf } from './parts/amounts.ts';
import { listsOf, orReason } from './parts/cluster-reading.ts';
import { cordonOf } from './parts/cordon-owner.ts';
import { clusterNamed } from './parts/lookup.ts';
import { machineWord } from './parts/machine-word.ts';
import { presentStatus } from './parts/present-status.ts';
import { type NodeStatus, type StatusOutput, statusOutput } from './parts/status-output.ts';
import { levelOf, problemsOf, summaryOf } from './parts/status-problems.ts';
import { blockedBudgets, etcdRow, nodeStatus, pendingPods, remediatorRow, storageRow } from './parts/status-rows.ts';
import { eachWithin, within } from './parts/within.ts';

export const getClusterStatus = readTool({
  name: 'getClusterStatus',
  title: 'Status of one cluster',
  description:
    'One cluster as Kubernetes sees it: nodes with readiness, leases, cordons (by whom) and taints, requests against what the nodes offer, PodDisruptionBudgets that allow nothing (for now or for ever), pending pods, DaemonSets, etcd members and quorum, other controllers that repair nodes, storage, and how many more nodes may go down now. Problems come first.',
  risk: 'read',
  scope: 'read',
  input: z.strictObject({ cluster: z.string().describe('Name of a cluster, or of a site that has only one') }),
  positional: ['cluster'],
  example: { cluster: 'boston' },
  output: statusOutput,
  async run(context, input) {
    const cluster = clusterNamed(context, input.cluster);
    const port = context.clusters.of(cluster.name);
    const [facts, version, etcd, remediators, storage] = await Promise.all([
      listsOf(context, cluster),
      within(() => port.version()),
      within(() => port.etcd()),
      within(() => port.remediators()),
      within(() => port.storage()),
    ]);
    return judged({
      cluster: cluster.name,
      site: cluster.site,
      asOf: new Date().toISOString(),
      version: 'value' in version ? machineWord(version.value) : showFact(version),
      nodes: await nodeRows(context, cluster, facts),
      ...inventoryGaps(cluster, facts),
      requested: requestedOf(
        facts.nodes.filter(node => node.ready && !node.unschedulable),
        facts.pods,
      ),
      disruption: disruptionOf(cluster, facts),
      budgets: blockedBudgets(facts.pdbs, facts.pods),
      pending: pendingPods(facts.pods),
      daemonSets: facts.daemonSets
        .filter(({ desired, ready }) => ready < desired)
        .map(each => ({ daemonSet: qualifiedName(each), desired: each.desired, ready: each.ready })),
      etcd: orReason(etcd, etcdRow),
      remediators: orReason(remediators, all => all.map(remediatorRow)),
      storage: orReason(storage, all => all.map(storageRow)),
    });
  },
  present: presentStatus,
});

function judged(seen: Omit<StatusOutput, 'level' | 'summary' | 'problems'>): StatusOutput {
  const problems = problemsOf(seen);
  return { ...seen, problems, level: levelOf(problems), summary: summaryOf(seen, problems) };
}

async function nodeRows(context: ToolContext, { name }: FleetCluster, facts: ClusterFacts): Promise<NodeStatus[]> {
  const port = context.clusters.of(name);
  const leases = await eachWithin(
    facts.nodes.map(node => node.name),
    node => port.leaseRenewed(node),
  );
  const now = new Date().toISOString();
  return Promise.all(
    facts.nodes.map(async node =>
      nodeStatus({
        node,
        pods: facts.pods,
        cordon: await cordonOf(context, node),
        lease: leases.get(node.name) ?? { unknown: 'not read' },
        now,
      }),
    ),
  );
}

function inventoryGaps(cluster: FleetCluster, { nodes }: ClusterFacts): Pick<StatusOutput, 'missing' | 'unlisted'> {
  const listed = new Set(cluster.nodes.map(entry => entry.name));
  const present = new Set(nodes.map(node => node.name));
  return {
    missing: [...listed].filter(name => !present.has(name)),
    unlisted: [...present].filter(name => !listed.has(name)),
  };
}

/** Counted as plans count it: a node that is not Ready or cordoned is down, whoever caused it; so is one that is gone. */
function disruptionOf(cluster: FleetCluster, facts: ClusterFacts): StatusOutput['disruption'] {
  const { maxUnavailable } = cluster.budget;
  const down = facts.nodes.filter(node => !node.ready || node.unschedulable).map(node => node.name);
  const unavailable = [...down, ...inventoryGaps(cluster, facts).missing];
  return { maxUnavailable, unavailable, moreMayGoDown: Math.max(0, maxUnavailable - unavailable.length) };
}
