/** What a caller may allow a drain to lose; both are refused unless asked for. */
import { z } from 'zod';

export const drainInput = {
  deleteEmptyDir: z.boolean().default(false).describe('Allow evicting pods whose emptyDir data is lost'),
  force: z.boolean().default(false).describe('Allow evicting pods that no controller starts again'),
};
