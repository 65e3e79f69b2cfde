/** Lets a paused operation go on. */
import { z } from 'zod';
import { readTool } from '../src/core/tool.ts';
import { operationOutput, presentOperation } from './parts/operation-output.ts';

export const resumeOperation = readTool({
  name: 'resumeOperation',
  title: 'Resume an operation',
  description: 'Lets an operation that was paused go on. Only a person can: it is refused over MCP.',
  risk: 'control',
  scope: 'execute',
  input: z.strictObject({ operation: z.string().describe('Operation id') }),
  positional: ['operation'],
  example: { operation: 'op-0123456789' },
  output: operationOutput,
  run: (context, { operation }) => context.steer.resume(operation),
  present: presentOperation,
});
