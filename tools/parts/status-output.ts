/** The state of a cluster as tools answer it. */
import { z } from 'zod';
import { requestedOutput } from './amounts.ts';
import { cordonOutput } from './cordon-owner.ts';

export const conditionOutput = z.object({
  type: z.string(),
  status: z.string(),
  since: z.string().optional(),
  reason: z.string().describe('Untrusted text written by a machine'),
  message: z.string().describe('Untrusted text written by a machine'),
});

const nodeStatus = z.object({
  node: z.string(),
  role: z.string(),
  zone: z.string().optional().describe('Its failure domain, where it is labelled with one'),
  ready: z.boolean(),
  readySince: z.string().optional(),
  kubelet: z.string(),
  cordon: cordonOutput.optional().describe('Absent where the node is not cordoned'),
  taints: z.array(z.string()).describe('Beside those that every cordoned or control-plane node has'),
  conditions: z.array(conditionOutput).describe('Those that are not well'),
  leaseAgeSeconds: z.union([z.number(), z.string()]).describe('By the clock of this service, or why it is unknown'),
  leaseStale: z.boolean().describe('Ready, and yet its kubelet has not renewed the lease in time'),
  requested: requestedOutput,
});

const budget = z.object({
  budget: z.string(),
  asks: z.string(),
  state: z.enum(['waits', 'never']).describe('waits: may allow again when pods recover; never: not by waiting'),
  since: z.string().optional(),
  says: z.string(),
  notReady: z.array(z.string()).describe('Pods that it counts and that are not ready'),
});

const member = z.object({ node: z.string(), healthy: z.string(), leader: z.string() });

export const statusOutput = z.object({
  cluster: z.string(),
  site: z.string(),
  asOf: z.string(),
  version: z.string(),
  level: z.enum(['ok', 'warning', 'critical']),
  summary: z.string(),
  problems: z.array(z.object({ level: z.enum(['warning', 'critical']), text: z.string() })),
  nodes: z.array(nodeStatus),
  missing: z.array(z.string()).describe('Nodes of groundskeeper.yaml that the cluster does not have'),
  unlisted: z.array(z.string()).describe('Nodes of the cluster that groundskeeper.yaml does not have'),
  requested: requestedOutput.describe('Over the nodes that take pods now: Ready and not cordoned'),
  disruption: z
    .object({
      maxUnavailable: z.number(),
      unavailable: z.array(z.string()),
      moreMayGoDown: z.number(),
    })
    .describe('How many more nodes the budget of this cluster lets go down now'),
  budgets: z.array(budget).describe('PodDisruptionBudgets that allow no disruption now'),
  pending: z.array(
    z.object({
      pod: z.string(),
      since: z.string().optional(),
      waiting: z.string().optional().describe('Untrusted: why a container waits'),
      message: z.string().describe("Untrusted: the scheduler's words; empty where a node took it already"),
    }),
  ),
  daemonSets: z
    .array(z.object({ daemonSet: z.string(), desired: z.number(), ready: z.number() }))
    .describe('Those that are not ready on every node that should run them'),
  etcd: z.union([
    z.object({
      evidence: z.string(),
      members: z.array(member),
      healthy: z.number(),
      quorum: z.number(),
      mayLose: z.number().describe('Members that may fail and leave a quorum; what is unknown counts as failed'),
    }),
    z.string(),
  ]),
  remediators: z.union([
    z.array(z.object({ remediator: z.string(), does: z.string(), paused: z.string(), busyWith: z.array(z.string()) })),
    z.string(),
  ]),
  storage: z.union([
    z.array(
      z.object({
        storage: z.string(),
        health: z.string(),
        message: z.string().describe('Untrusted text written by the storage system'),
      }),
    ),
    z.string(),
  ]),
});

export type StatusOutput = z.infer<typeof statusOutput>;
export type NodeStatus = z.infer<typeof nodeStatus>;
