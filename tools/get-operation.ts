/** How far an operation is, and how each node fares. */
import { z } from 'zod';
import { readTool } from '../src/core/tool.ts';
import { operationOutput, presentOperation, stuckIn } from './parts/operation-output.ts';

export const getOperation = readTool({
  name: 'getOperation',
  title: 'Show an operation',
  description: 'State of an operation and of each of its nodes, with the step it is at and why it stopped if it did.',
  risk: 'read',
  scope: 'read',
  input: z.strictObject({ operation: z.string().describe('Operation id') }),
  positional: ['operation'],
  example: { operation: 'op-0123456789' },
  output: operationOutput,
  async run(context, { operation: id }) {
    const operation = await context.records.operations.get(id);
    return { ...operation, stuck: stuckIn(context, operation) };
  },
  present: presentOperation,
});
