/** What a caller says who takes a whole role or zone away. */
import { z } from 'zod';

export const outageInput = {
  declareOutage: z
    .boolean()
    .default(false)
    .describe('Go on although a role or zone is left without any node that takes pods; it needs a critical approval'),
};
