/** A plan as tools answer it. The digest covers the plan object; change one byte and it is another plan. */
import { z } from 'zod';

export const planOutput = z.object({
  plan: z.record(z.string(), z.unknown()).describe('The immutable plan'),
  digest: z.string().describe('SHA-256 over the canonical plan; votes bind to it'),
  next: z.string(),
});
