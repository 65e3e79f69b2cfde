/** A simulated drain as tools answer it. */
import { z } from 'zod';

const simulatedPod = z.object({
  pod: z.string(),
  node: z.string(),
  workload: z.string(),
  goes: z
    .enum(['now', 'in-turn', 'waits', 'stuck', 'leaving', 'stays', 'blocked'])
    .describe(
      'now: nothing holds it; in-turn: after pods of the same budget run elsewhere; waits: its budget allows none at this moment; stuck: its turn never comes, as pods of its budget fit nowhere; leaving: ends already; stays: a drain leaves it; blocked: the drain must not begin',
    ),
  reason: z.string().describe('Why it stays or blocks; empty where it simply goes'),
  budgets: z.array(z.string()).describe('PodDisruptionBudgets that its eviction needs, with their state'),
  nextNode: z.string().optional().describe('Where a forecast puts it; absent where no node takes it or none is wanted'),
  candidates: z.number().optional().describe('Nodes that could take it at its turn'),
  refused: z.string().optional().describe('Where no node takes it: how many refuse it for which reason'),
  unjudged: z.array(z.string()).describe('What it asks for that the forecast does not judge'),
  losesData: z.array(z.string()).describe('emptyDir volumes that are deleted with it'),
  leavesBehind: z.array(z.string()).describe('Paths of the node that it uses'),
  onlyReplica: z.boolean().describe('No other ready pod of its workload runs elsewhere: it is down until it is back'),
  priority: z.number(),
  graceSeconds: z.number(),
});

export const drainOutput = z.object({
  cluster: z.string(),
  nodes: z.array(z.string()),
  asOf: z.string(),
  verdict: z
    .enum(['blocked', 'stalls', 'waits', 'finishes'])
    .describe('blocked: would not begin; stalls: would begin and not end; waits: ends once a budget recovers'),
  begins: z.boolean(),
  summary: z.string(),
  blockers: z.array(z.string()).describe('All that keeps it from beginning or ending'),
  cautions: z.array(z.string()).describe('What it costs, and what else acts on these nodes'),
  pods: z.array(simulatedPod),
  longestGraceSeconds: z.number().describe('Longest time an evicted pod may take to end'),
  turns: z.number().describe('Most times that pods of one budget must go one after another'),
  volumes: z
    .union([z.array(z.string()), z.string()])
    .describe('Volumes that detach afterwards, or why that is unknown'),
  volumeErrors: z.array(z.string()).describe('Untrusted text of the storage drivers'),
});

export type DrainOutput = z.infer<typeof drainOutput>;
export type DrainPod = z.infer<typeof simulatedPod>;
