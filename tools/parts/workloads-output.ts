/** What runs on a node as tools answer it. */
import { z } from 'zod';
import { requestedOutput } from './amounts.ts';

const podOnNode = z.object({
  pod: z.string(),
  phase: z.string(),
  ready: z.boolean(),
  terminating: z.boolean(),
  restarts: z.number(),
  waiting: z.string().optional().describe('Untrusted: why a container waits'),
});

const workload = z.object({
  workload: z.string(),
  pods: z.array(podOnNode),
  readyElsewhere: z.number().describe('Ready pods of it on other nodes'),
  requests: z
    .object({ cpu: z.number(), memory: z.number(), ephemeralStorage: z.number() })
    .describe('Millicores, bytes, bytes'),
  priority: z.number(),
  priorityClass: z.string().optional(),
  localData: z.array(z.string()).describe('emptyDir volumes and paths of the node: gone or left behind when it moves'),
  claims: z.array(z.string()).describe('PersistentVolumeClaims that it mounts'),
  budgets: z
    .array(z.object({ budget: z.string(), says: z.string() }))
    .describe('PodDisruptionBudgets that count its pods, with their state'),
  ifNodeFails: z
    .enum(['local', 'degraded', 'down', 'lost'])
    .describe(
      'local: belongs to this node; degraded: replicas elsewhere go on; down: none is left until it is started elsewhere; lost: nothing starts it again',
    ),
  consequences: z.array(z.string()),
});

export const workloadsOutput = z.object({
  node: z.string(),
  cluster: z.string(),
  asOf: z.string(),
  summary: z.string(),
  workloads: z.array(workload).describe('Those that a failure of this node hits hardest first'),
  finished: z.number().describe('Pods that have finished and only wait to be cleaned up'),
  requested: requestedOutput,
  volumes: z.union([z.array(z.string()), z.string()]).describe('Volumes attached to the node, or why that is unknown'),
  volumeErrors: z.array(z.string()).describe('Untrusted text of the storage drivers'),
});

export type WorkloadsOutput = z.infer<typeof workloadsOutput>;
export type WorkloadRow = z.infer<typeof workload>;
