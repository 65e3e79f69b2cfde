/** Answers, before anybody cordons anything, what a drain would do and whether it would end. */
import { z } from 'zod';
import { type Fact, factValue } from '../src/core/bmc.ts';
import type { EtcdFacts, RemediatorFacts } from '../src/core/cluster-facts.ts';
import { FleetError } from '../src/core/errors.ts';
import type { FleetNode } from '../src/core/fleet.ts';
import { readTool, type ToolContext } from '../src/core/tool.ts';
import { type SimulatedPod, simulateDrainOf } from '../src/planning/drain-simulation.ts';
import { qualifiedName } from '../src/planning/pdb-groups.ts';
import { describeRefusals } from '../src/planning/placement.ts';
import { quorumSentence } from '../src/planning/quorum.ts';
import { remediatorRefusal } from '../src/planning/remediators.ts';
import { ownerName } from '../src/planning/workload.ts';
import { attachmentErrors, attachmentText, listsOf, operationsOn, orReason } from './parts/cluster-reading.ts';
import { drainInput } from './parts/drain-input.ts';
import { type DrainPod, drainOutput } from './parts/drain-output.ts';
import { drainBlockers, drainCosts, drainSentence } from './parts/drain-summary.ts';
import { clusterOf, nodeNamed } from './parts/lookup.ts';
import { presentDrain } from './parts/present-drain.ts';
import { within } from './parts/within.ts';

export const simulateDrain = readTool({
  name: 'simulateDrain',
  title: 'Simulate a drain',
  description:
    'What draining a node, or several at once, would do now: whether it would begin and finish, what blocks it, which PodDisruptionBudget holds which pod and since when, where each pod would fit, what data is lost, which workloads have no other replica, and what else acts on the node. Touches nothing. Use it before drainNode.',
  risk: 'read',
  scope: 'read',
  input: z.strictObject({
    node: z.string().describe('Node name'),
    also: z.array(z.string()).default([]).describe('More nodes of the same cluster, drained at the same time'),
    deleteEmptyDir: drainInput.deleteEmptyDir,
    force: drainInput.force,
  }),
  positional: ['node'],
  example: { node: 'bos-w-1', deleteEmptyDir: true },
  output: drainOutput,
  async run(context, { node, also, deleteEmptyDir, force }) {
    const entries = entriesOf(context, [node, ...also]);
    const names = entries.map(entry => entry.name);
    const cluster = clusterOf(context, entries[0] as FleetNode);
    const port = context.clusters.of(cluster.name);
    const [facts, attachments, remediators, etcd, uses] = await Promise.all([
      listsOf(context, cluster),
      within(() => port.attachments()),
      within(() => port.remediators()),
      within(() => port.etcd()),
      operationsOn(context, cluster.name, names),
    ]);
    const missing = names.find(name => !facts.nodes.some(each => each.name === name));
    if (missing) throw new FleetError({ code: 'not_found', message: `cluster ${cluster.name} has no Node ${missing}` });
    const listed = new Set(cluster.nodes.map(({ name }) => name));
    const options = { deleteEmptyDir, force, byPriority: false };
    const simulation = simulateDrainOf({ nodes: names, facts, options });
    const { verdict, pods, longestGraceSeconds, turns } = simulation;
    const here = (factValue(attachments) ?? []).filter(each => names.includes(each.node));
    return {
      cluster: cluster.name,
      nodes: names,
      asOf: new Date().toISOString(),
      verdict,
      begins: verdict !== 'blocked',
      summary: drainSentence(simulation),
      blockers: drainBlockers(pods),
      cautions: [
        ...uses.map(
          use =>
            `${use.node} is in use by ${use.operation} (${use.kind}, ${use.state}), and no other may work on it meanwhile`,
        ),
        ...othersActing(entries, remediators),
        ...controlPlane(entries, etcd),
        ...drainCosts(pods),
      ],
      pods: pods.map(pod => podOutput(pod, listed)),
      longestGraceSeconds,
      turns,
      volumes: orReason(attachments, () => here.map(attachmentText)),
      volumeErrors: attachmentErrors(here),
    };
  },
  present: presentDrain,
});

/** Each once. Throws `invalid_input` for nodes of several clusters: they share no budgets and no room. */
function entriesOf(context: ToolContext, names: string[]): FleetNode[] {
  const entries = [...new Set(names)].map(name => nodeNamed(context, name));
  const stranger = entries.find(entry => entry.cluster !== entries[0]?.cluster);
  if (!stranger) return entries;
  throw new FleetError({
    code: 'invalid_input',
    message: `${stranger.name} is in cluster ${stranger.cluster}, ${entries[0]?.name} in ${entries[0]?.cluster}`,
    hint: 'simulate the drains of each cluster by themselves',
  });
}

function othersActing(entries: FleetNode[], remediators: Fact<RemediatorFacts[]>): string[] {
  if ('unknown' in remediators) return [`whether anything else repairs nodes here is unknown: ${remediators.unknown}`];
  return entries.flatMap(({ name: node, server }) => {
    const refusal = remediatorRefusal({ node, bmcUrl: server.bmcUrl }, remediators.value);
    return refusal ? [`${node}: ${refusal}`] : [];
  });
}

function controlPlane(entries: FleetNode[], etcd: Fact<EtcdFacts>): string[] {
  return entries
    .filter(({ role }) => role === 'control-plane')
    .map(({ name }) => `${name} is a control-plane node: ${quorumSentence(etcd, name)}`);
}

/** `listed` are the nodes of the inventory: of others even the name is somebody's. */
function podOutput(
  { pod, goes, reason, budgets, placement, onlyReplica }: SimulatedPod,
  listed: Set<string>,
): DrainPod {
  const { node, candidates, unjudged = [] } = placement ?? {};
  return {
    pod: qualifiedName(pod),
    node: pod.node ?? '',
    workload: ownerName(pod),
    goes,
    reason,
    budgets: budgets.map(({ says }) => says),
    ...(node === undefined ? {} : { nextNode: listed.has(node) ? node : 'one that groundskeeper.yaml does not have' }),
    ...(candidates === undefined ? {} : { candidates }),
    ...(placement && node === undefined ? { refused: describeRefusals(placement) } : {}),
    unjudged,
    losesData: goes === 'stays' ? [] : pod.emptyDirs,
    leavesBehind: goes === 'stays' ? [] : pod.hostPaths,
    onlyReplica,
    priority: pod.priority,
    graceSeconds: pod.graceSeconds,
  };
}
