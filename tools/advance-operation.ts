/** Lets the next wave begin where a person decides on each. */
import { z } from 'zod';
import { readTool } from '../src/core/tool.ts';
import { operationOutput, presentOperation } from './parts/operation-output.ts';

export const advanceOperation = readTool({
  name: 'advanceOperation',
  title: 'Advance an operation',
  description:
    'Lets the next wave of an operation begin whose plan waits for a person after each wave. Only a person can, once the wave before has ended: it is refused over MCP.',
  risk: 'control',
  scope: 'execute',
  input: z.strictObject({ operation: z.string().describe('Operation id') }),
  positional: ['operation'],
  example: { operation: 'op-0123456789' },
  output: operationOutput,
  run: (context, { operation }) => context.steer.advance(operation),
  present: presentOperation,
});
