/** An operation as tools answer and tell it. */
import { z } from 'zod';
import { type Block, type Cell, foreign, type Tone, toned } from '../../src/core/document.ts';
import { nodeStates, type Operation } from '../../src/core/operation.ts';
import type { ToolContext } from '../../src/core/tool.ts';
import { stuckSteps } from '../../src/planning/step-limits.ts';

/** What takes longer than it may in an operation with these nodes, in words. */
export function stuckIn(
  { rollout }: Pick<ToolContext, 'rollout'>,
  operation: Pick<Operation, 'id' | 'nodes'>,
): string[] {
  return stuckSteps(operation, { ...rollout.timings, soakMs: rollout.soakMs }, new Date());
}

export const operationOutput = z.object({
  id: z.string(),
  plan: z.string(),
  digest: z.string(),
  kind: z.string(),
  site: z.string(),
  cluster: z.string(),
  state: z.enum(['queued', 'running', 'done', 'halted', 'cancelled']),
  reason: z.string(),
  requester: z.string(),
  channel: z.string(),
  approval: z.string().optional(),
  cancelRequestedBy: z.string().optional(),
  pausedBy: z.string().optional(),
  advancedTo: z.number().optional(),
  stuck: z.array(z.string()).optional().describe('Steps that take longer than they may, with what to do'),
  createdAt: z.string(),
  endedAt: z.string().optional(),
  nodes: z.array(
    z.object({
      node: z.string(),
      wave: z.number(),
      state: z.enum(nodeStates),
      step: z.string(),
      message: z.string(),
      stepSince: z.string().optional(),
      code: z.string().optional(),
      updatedAt: z.string(),
      begunAt: z.string().optional(),
    }),
  ),
});

const tones: Record<string, Tone> = {
  done: 'good',
  running: 'plain',
  queued: 'muted',
  waiting: 'muted',
  skipped: 'muted',
  halted: 'bad',
  failed: 'bad',
  ambiguous: 'bad',
  cancelled: 'warn',
};

export function presentOperation(operation: z.infer<typeof operationOutput>): Block[] {
  return [
    { heading: `Operation ${operation.id}: ${operation.kind} in ${operation.cluster}` },
    {
      facts: [
        ['state', toned(operation.state, tones[operation.state] ?? 'plain')],
        ['because', foreign(operation.reason)],
        ['asked by', operation.requester],
        ['plan', operation.plan],
        ['since', operation.createdAt],
        ...(operation.endedAt ? ([['until', operation.endedAt]] as [string, string][]) : []),
        ...(operation.pausedBy && !operation.endedAt
          ? ([['paused by', toned(`${operation.pausedBy}; nodes that began go on`, 'warn')]] as [string, Cell][])
          : []),
        ...(operation.cancelRequestedBy
          ? ([['cancel asked by', operation.cancelRequestedBy]] as [string, string][])
          : []),
      ],
    },
    ...(operation.stuck && operation.stuck.length > 0
      ? [{ title: 'Stuck', list: operation.stuck.map(text => foreign(toned(text, 'bad'))) }]
      : []),
    {
      table: {
        columns: ['wave', 'node', 'state', 'step', ''],
        rows: operation.nodes.map(node => [
          String(node.wave),
          node.node,
          toned(node.state, tones[node.state] ?? 'plain'),
          node.step,
          foreign(node.message),
        ]),
      },
    },
  ];
}
