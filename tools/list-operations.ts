/** Operations, newest first. */
import { z } from 'zod';
import { type Cell, foreign, toned } from '../src/core/document.ts';
import { nodeStates } from '../src/core/operation.ts';
import { readTool } from '../src/core/tool.ts';
import { operationOutput, stuckIn } from './parts/operation-output.ts';

const nodeCounts = z.partialRecord(z.enum(nodeStates), z.number());

export const listOperations = readTool({
  name: 'listOperations',
  title: 'List operations',
  description:
    'Operations, newest first, each with how many of its nodes are in which state; with open, only those that are queued or running. getOperation tells of each node.',
  risk: 'read',
  scope: 'read',
  input: z.strictObject({
    open: z.boolean().default(false).describe('Only queued and running ones'),
    limit: z.number().int().min(1).max(200).default(20).describe('How many at most'),
  }),
  example: { open: true, limit: 20 },
  output: z.object({ operations: z.array(operationOutput.omit({ nodes: true }).extend({ nodes: nodeCounts })) }),
  async run(context, { open, limit }) {
    const { operations } = context.records;
    const heads = await context.readable(await operations.list({ open, limit }), 'getOperation');
    const progress = await operations.progress(heads.map(({ id }) => id));
    return {
      operations: heads.map((head, at) => {
        const { counts = {}, atWork = [] } = progress[at] ?? {};
        return { ...head, nodes: counts, stuck: stuckIn(context, { id: head.id, nodes: atWork }) };
      }),
    };
  },
  present: ({ operations }) => [
    {
      table: {
        columns: ['operation', 'kind', 'cluster', 'state', 'nodes', 'asked by', 'since', ''],
        rows: operations.map(operation => [
          operation.id,
          operation.kind,
          operation.cluster,
          operation.state,
          nodesCell(operation.nodes),
          operation.requester,
          operation.createdAt,
          foreign(operation.stuck?.[0] ? toned(`stuck: ${operation.stuck[0]}`, 'bad') : operation.reason),
        ]),
      },
    },
  ],
});

/** `12 of 60 done, 3 running, 1 failed`: what waits is the rest. */
function nodesCell(counts: z.infer<typeof nodeCounts>): Cell {
  const all = Object.values(counts).reduce((sum, nodes) => sum + nodes, 0);
  const told = nodeStates.filter(state => state !== 'waiting' && state !== 'done' && counts[state] !== undefined);
  const words = [`${counts.done ?? 0} of ${all} done`, ...told.map(state => `${counts[state]} ${state}`)].join(', ');
  return counts.failed || counts.ambiguous ? toned(words, 'bad') : words;
}
