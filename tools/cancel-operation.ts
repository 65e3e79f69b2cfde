/** Asks a running operation to stop at the next safe point. */
import { z } from 'zod';
import { readTool } from '../src/core/tool.ts';
import { operationOutput, presentOperation } from './parts/operation-output.ts';

export const cancelOperation = readTool({
  name: 'cancelOperation',
  title: 'Cancel an operation',
  description:
    'Asks an operation to stop. Nodes that were not flashed are uncordoned; a node past its flash settles first (task, reset, proof), because stopping there would leave it worse.',
  risk: 'control',
  scope: 'execute',
  asked: ['cancel', 'stop', 'abort'],
  input: z.strictObject({ operation: z.string().describe('Operation id') }),
  positional: ['operation'],
  example: { operation: 'op-0123456789' },
  output: operationOutput,
  run: (context, { operation }) => context.requestCancel(operation),
  present: presentOperation,
});
