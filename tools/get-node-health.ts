/** One node from both sides: what Kubernetes sees, what the BMC sees, and what that means for the pods on it. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { factValue, type ServerHealth } from '../src/core/bmc.ts';
import type { PodFacts } from '../src/core/cluster-facts.ts';
import { readTool } from '../src/core/tool.ts';
import { overallHealth, type Remark, remarksOf } from '../src/health/meaning.ts';
import { wantsPlace } from '../src/planning/placement.ts';
import { readyReplicas, workloadName, workloadOf } from '../src/planning/workload.ts';
import { healthOutput, type Level } from './parts/health-output.ts';
import { kubernetesFindings, kubernetesOutput, podsHere, readKubernetes } from './parts/kubernetes-health.ts';
import { nodeNamed } from './parts/lookup.ts';
import { presentHealth } from './parts/present-health.ts';
import { serverOutput } from './parts/server-health.ts';
import { within } from './parts/within.ts';

/** Wait before corrected errors are counted again, to tell whether they rise. */
const secondLookSeconds = 2;
/** A BMC that is well answers dozens of requests in this time, slow ones too. */
const bmcLimitMs = 20_000;

export const getNodeHealth = readTool({
  name: 'getNodeHealth',
  title: 'Health of one node',
  description:
    'One node from both sides: Kubernetes conditions, lease, cordon, requests, volumes, events and pods beside its server: power, sensors, memory errors, event log and firmware, and what they mean for the workloads. What cannot be read is "unknown" with the reason; either side answers without the other.',
  risk: 'read',
  scope: 'read',
  input: z.strictObject({ node: z.string().describe('Node name as in groundskeeper.yaml') }),
  positional: ['node'],
  example: { node: 'bos-w-1' },
  output: healthOutput,
  async run(context, input) {
    const entry = nodeNamed(context, input.node);
    const readServer = () => within(() => context.bmcs.of(entry.name).health(), bmcLimitMs);
    const [server, kubernetes] = await Promise.all([
      readServer().then(async first => {
        const seen = factValue(first);
        return { first, later: seen && hasCorrected(seen) ? await lookAgain(readServer) : undefined };
      }),
      readKubernetes(context, entry),
    ]);
    const seen = factValue(server.first);
    const { node, asOf } = kubernetes;
    const pods = podsHere(kubernetes, entry.name);
    const singles = onlyReplicas(entry.name, pods, factValue(kubernetes.pods) ?? []);
    const told = kubernetesOutput(kubernetes);
    const findings = [
      ...(seen ? remarksOf({ server: seen, later: server.later, node, pods, singles }) : []),
      ...kubernetesFindings(told),
    ];
    return {
      node: entry.name,
      site: entry.site,
      asOf,
      health: healthOf(seen, findings, node !== undefined),
      findings,
      server: serverOutput(server.first),
      kubernetes: told,
    };
  },
  present: presentHealth,
});

/** A healthy server whose node nobody can see is not known to be well, nor is a Ready node whose server nobody can see. */
function healthOf(server: ServerHealth | undefined, findings: Remark[], nodeSeen: boolean): Level {
  if (server) {
    const health = overallHealth(server, findings);
    return health === 'ok' && !nodeSeen ? 'unknown' : health;
  }
  if (findings.some(({ level }) => level === 'critical')) return 'critical';
  return findings.length > 0 ? 'warning' : 'unknown';
}

function hasCorrected(server: ServerHealth): boolean {
  const memory = factValue(server.memory) ?? [];
  return memory.some(dimm => (factValue(dimm.corrected) ?? 0) > 0);
}

async function lookAgain(read: () => ReturnType<typeof within<ServerHealth>>) {
  await delay(secondLookSeconds * 1000);
  const again = factValue(await read());
  const memory = again && factValue(again.memory);
  return memory && { memory, seconds: secondLookSeconds };
}

/** Workloads that have no other ready pod in the cluster than those on this node. */
function onlyReplicas(node: string, here: PodFacts[], all: PodFacts[]): string[] {
  const elsewhere = readyReplicas(all, new Set([node]));
  const names = here.filter(wantsPlace).flatMap(pod => {
    const workload = workloadOf(pod);
    return workload ? [workloadName(workload)] : [];
  });
  return [...new Set(names)].filter(name => !elsewhere.has(name));
}
