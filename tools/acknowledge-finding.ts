/** Says that somebody knows of a finding. */
import { z } from 'zod';
import { readTool } from '../src/core/tool.ts';
import { findingColumns, findingOutput, findingRow, findingTold } from './parts/finding-output.ts';

export const acknowledgeFinding = readTool({
  name: 'acknowledgeFinding',
  title: 'Acknowledge a finding',
  description:
    'Says that you know of a finding: it stays until its part is well again, and asks for nothing more. A finding that keeps coming back, or whose part is not read any more, ends with this.',
  risk: 'control',
  scope: 'execute',
  asked: ['acknowledge', 'ack'],
  input: z.strictObject({ finding: z.string().describe('Id, as list-findings shows it') }),
  positional: ['finding'],
  example: { finding: 'fnd-0123456789ab' },
  output: z.object({ asOf: z.string(), finding: findingOutput }),
  async run(context, { finding: id }) {
    const now = new Date();
    return { asOf: now.toISOString(), finding: findingTold(await context.acknowledgeFinding(id), now) };
  },
  present: ({ finding, asOf }) => [{ table: { columns: findingColumns, rows: [findingRow(finding, asOf)] } }],
});
