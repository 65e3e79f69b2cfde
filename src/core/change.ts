/** The answer of every change: what was planned, and what policy said about starting it. */
import { z } from 'zod';

export const changeAnswer = z.object({
  status: z.enum(['planned', 'started', 'approval_required', 'denied']),
  plan: z.string(),
  digest: z.string(),
  summary: z.string(),
  warnings: z.array(z.string()),
  reasons: z.array(z.string()),
  approval: z.string().optional().describe('Approval request id, when approval is required'),
  operation: z.string().optional().describe('Operation id, when it was started'),
  next: z.string().describe('What to do now'),
});

export type ChangeAnswer = z.infer<typeof changeAnswer>;
