/** How a request stands: which votes it has, and what became of it. Deciding is nobody's but people's, elsewhere. */
import { z } from 'zod';
import { type TrackedApproval, tracked } from '../src/core/approval.ts';
import { readTool } from '../src/core/tool.ts';
import { presentApproval } from './parts/present-approval.ts';

const person = z.object({ by: z.string(), reason: z.string(), at: z.string() });

export const getApproval = readTool({
  name: 'getApproval',
  title: 'Show an approval request',
  description:
    'How a request to start a plan stands: pending, approved, rejected, expired or revoked, the votes on it, and how far its operation is. Only people vote, and not here.',
  risk: 'read',
  scope: 'read',
  input: z.strictObject({ approval: z.string().describe('Id of the request') }),
  positional: ['approval'],
  example: { approval: 'apr-0123456789' },
  output: z.object({
    id: z.string(),
    plan: z.string(),
    digest: z.string(),
    requester: z.string(),
    state: z.enum(['pending', 'approved', 'rejected', 'expired', 'revoked']),
    requirements: z.array(z.record(z.string(), z.unknown())).describe('What it takes, by policy'),
    votes: z.array(
      z.object({
        person: z.string(),
        vote: z.enum(['approve', 'reject']),
        channel: z.string(),
        reason: z.string(),
        at: z.string(),
      }),
    ),
    createdAt: z.string(),
    expiresAt: z.string().describe('Until when it may be approved'),
    operation: z.string().optional(),
    execution: z.enum(['executing', 'done', 'failed', 'halted', 'cancelled']).optional(),
    executeUntil: z.string().optional().describe('Nothing but settling steps begins after it'),
    breakGlass: person.optional().describe('Started without its votes, in an emergency'),
    closing: person.optional().describe('Who ended it, where it was not by votes'),
  }),
  async run({ records }, { approval: id }) {
    const approval = await records.approvals.get(id);
    const operation = approval.operation ? await records.operations.get(approval.operation) : undefined;
    const requirements = approval.requirements.map(need => ({ ...need }));
    return { ...tracked(approval, operation), requirements };
  },
  present: output => presentApproval(output as unknown as TrackedApproval),
});
