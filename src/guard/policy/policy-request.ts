/** The request as it must look before a policy sees it: whatever is missing or odd is denied, never filled in. */
import { z } from 'zod';
import type { PolicyRequest } from '../../core/policy.ts';

const name = z.string().min(1).max(253);
const count = z.int().min(0);
/** No `/`: site and cluster are joined by it. */
const place = name.regex(/^[^/]+$/);

const shape = z.strictObject({
  principal: z.strictObject({ name, groups: z.array(name).max(256), schedule: z.boolean().optional() }),
  action: name,
  risk: z.enum(['read', 'control', 'disruptive', 'destructive']),
  resource: z.strictObject({ site: place, cluster: place }),
  context: z.strictObject({
    via: name,
    blast: z
      .strictObject({
        peakUnavailable: count,
        targets: count,
        controlPlane: count,
        quorumLost: z.boolean(),
        lastOf: z.array(name).max(256),
      })
      .optional(),
    declaredOutage: z.boolean().optional(),
    frozen: z.boolean().optional(),
    window: z.strictObject({ open: z.boolean(), closesInMs: count, expectedMs: count }).optional(),
    budget: z.strictObject({ maxUnavailable: count }).optional(),
    cleared: z.array(name).max(256),
  }),
});

/** A change must say what it would break, where, and under which conditions; none may span the fleet. */
export const policyRequestSchema: z.ZodType<PolicyRequest> = shape.refine(({ risk, context, resource }) => {
  const change = risk === 'disruptive' || risk === 'destructive';
  const { blast, budget, frozen, window } = context;
  const measured = [blast, budget, frozen, window].every(fact => fact !== undefined);
  const placed = resource.site !== '*' && resource.cluster !== '*';
  return !change || (measured && placed);
});
