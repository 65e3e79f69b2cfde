/** A freeze as tools answer it. */
import { z } from 'zod';
import { frozenPart } from '../../src/core/freeze.ts';

export const freezeOutput = z.object({
  id: z.string(),
  site: z.string().describe('Site, or * for all'),
  cluster: z.string().describe('Cluster, or * for all'),
  reason: z.string(),
  by: z.string().describe('Who froze'),
  at: z.string(),
});

export function freezeLine({ id, by, at, reason, ...where }: z.infer<typeof freezeOutput>): string {
  return `${frozenPart(where)}, by ${by} at ${at}: ${reason} (${id})`;
}
