/** What a caller may allow a drain to lose, refused unless asked for, and the order in which pods leave. */
import { z } from 'zod';

export const drainInput = {
  deleteEmptyDir: z.boolean().default(false).describe('Allow evicting pods whose emptyDir data is lost'),
  force: z.boolean().default(false).describe('Allow evicting pods that no controller starts again'),
  byPriority: z
    .boolean()
    .default(false)
    .describe('Evict the lowest priority first, each group gone before the next, instead of all at once'),
};
