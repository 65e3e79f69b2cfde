/** Operations, newest first. */
import { z } from 'zod';
import { foreign, toned } from '../src/core/document.ts';
import { readTool } from '../src/core/tool.ts';
import { operationOutput, shownOperation } from './parts/operation-output.ts';

export const listOperations = readTool({
  name: 'listOperations',
  title: 'List operations',
  description: 'Operations, newest first; with open, only those that are queued or running.',
  risk: 'read',
  scope: 'read',
  input: z.strictObject({
    open: z.boolean().default(false).describe('Only queued and running ones'),
    limit: z.number().int().min(1).max(200).default(20).describe('How many at most'),
  }),
  example: { open: true, limit: 20 },
  output: z.object({ operations: z.array(operationOutput) }),
  async run(context, { open, limit }) {
    const { operations } = context.records;
    const shown: z.infer<typeof operationOutput>[] = [];
    // One by one: over a fleet each has thousands of nodes.
    for (const { id } of await operations.list({ open, limit }))
      shown.push(shownOperation(context, await operations.get(id)));
    return { operations: shown };
  },
  present: ({ operations }) => [
    {
      table: {
        columns: ['operation', 'kind', 'cluster', 'state', 'asked by', 'since', ''],
        rows: operations.map(operation => [
          operation.id,
          operation.kind,
          operation.cluster,
          operation.state,
          operation.requester,
          operation.createdAt,
          foreign(operation.stuck?.[0] ? toned(`stuck: ${operation.stuck[0]}`, 'bad') : operation.reason),
        ]),
      },
    },
  ],
});
