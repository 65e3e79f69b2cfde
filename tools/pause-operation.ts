/** Holds an operation: no other node begins. */
import { z } from 'zod';
import { readTool } from '../src/core/tool.ts';
import { operationOutput, presentOperation } from './parts/operation-output.ts';

export const pauseOperation = readTool({
  name: 'pauseOperation',
  title: 'Pause an operation',
  description:
    'Holds an operation: no other node begins, nodes that began go on to their end. It survives restarts, and lasts until a person resumes the operation or its plan expires.',
  risk: 'control',
  scope: 'execute',
  asked: ['pause', 'hold'],
  input: z.strictObject({ operation: z.string().describe('Operation id') }),
  positional: ['operation'],
  example: { operation: 'op-0123456789' },
  output: operationOutput,
  run: (context, { operation }) => context.pause(operation),
  present: presentOperation,
});
