/** What depends on one node, for whoever decides whether it may go now or must be saved first. */
import { z } from 'zod';
import { factValue } from '../src/core/bmc.ts';
import { FleetError } from '../src/core/errors.ts';
import { readTool } from '../src/core/tool.ts';
import { failureOf, type WorkloadOnNode } from '../src/planning/node-failure.ts';
import { isFinished, qualifiedName } from '../src/planning/pdb-groups.ts';
import { requestedOf, totalRequests } from './parts/amounts.ts';
import { attachmentErrors, attachmentText, listsOf, orReason } from './parts/cluster-reading.ts';
import { clusterOf, nodeNamed } from './parts/lookup.ts';
import { presentWorkloads } from './parts/present-workloads.ts';
import { within } from './parts/within.ts';
import { type WorkloadRow, workloadsOutput } from './parts/workloads-output.ts';

export const getNodeWorkloads = readTool({
  name: 'getNodeWorkloads',
  title: 'Workloads of one node',
  description:
    'What runs on one node by workload: replicas elsewhere, requests, priority, local data, volumes, PodDisruptionBudgets, restarts, and what a failure of this node would stop. Use it to judge how much a node matters; simulateDrain tells whether it can be emptied.',
  risk: 'read',
  scope: 'read',
  input: z.strictObject({ node: z.string().describe('Node name as in groundskeeper.yaml') }),
  positional: ['node'],
  example: { node: 'bos-w-1' },
  output: workloadsOutput,
  async run(context, input) {
    const entry = nodeNamed(context, input.node);
    const cluster = clusterOf(context, entry);
    const [facts, attachments] = await Promise.all([
      listsOf(context, cluster),
      within(() => context.clusters.of(cluster.name).attachments(entry.name)),
    ]);
    const node = facts.nodes.find(each => each.name === entry.name);
    if (!node)
      throw new FleetError({ code: 'not_found', message: `cluster ${cluster.name} has no Node ${entry.name}` });
    const workloads = failureOf(entry.name, facts);
    return {
      node: entry.name,
      cluster: cluster.name,
      asOf: new Date().toISOString(),
      summary: sentence(workloads),
      workloads: workloads.map(workloadRow),
      finished: facts.pods.filter(pod => pod.node === entry.name && isFinished(pod)).length,
      requested: requestedOf([node], facts.pods),
      volumes: orReason(attachments, all => all.map(attachmentText)),
      volumeErrors: attachmentErrors(factValue(attachments) ?? []),
    };
  },
  present: presentWorkloads,
});

function sentence(workloads: WorkloadOnNode[]): string {
  const count = (impact: WorkloadOnNode['impact']) => workloads.filter(each => each.impact === impact).length;
  const pods = workloads.reduce((sum, each) => sum + each.pods.length, 0);
  return [
    `${pods} pods of ${workloads.length} workloads`,
    `if this node fails: ${count('down')} down, ${count('lost')} lost, ${count('degraded')} go on elsewhere`,
  ].join(' · ');
}

function workloadRow({ name, pods, readyElsewhere, budgets, impact, consequences }: WorkloadOnNode): WorkloadRow {
  const { cpu, memory, ephemeralStorage } = totalRequests(pods);
  const priority = Math.max(...pods.map(pod => pod.priority));
  const priorityClass = pods.find(pod => pod.priority === priority)?.priorityClass;
  const each = (read: (pod: (typeof pods)[number]) => string[]) => [...new Set(pods.flatMap(read))];
  return {
    workload: name,
    pods: pods.map(pod => ({
      pod: qualifiedName(pod),
      phase: pod.phase,
      ready: pod.ready,
      terminating: pod.terminating,
      restarts: pod.restarts,
      ...(pod.waiting === undefined ? {} : { waiting: pod.waiting }),
    })),
    readyElsewhere,
    requests: { cpu, memory, ephemeralStorage },
    priority,
    ...(priorityClass === undefined ? {} : { priorityClass }),
    localData: each(pod => [...pod.emptyDirs.map(name => `emptyDir ${name}`), ...pod.hostPaths]),
    claims: each(pod => pod.claims),
    budgets: budgets.map(budget => ({ budget: budget.name, says: budget.says })),
    ifNodeFails: impact,
    consequences,
  };
}
