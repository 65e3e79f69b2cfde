/** Lets nodes be cordoned for their hardware again, after too many were within an hour. */
import { z } from 'zod';
import { readTool } from '../src/core/tool.ts';
import { cordonsOutput, cordonsText } from './parts/cordons-output.ts';
import { siteNamed } from './parts/lookup.ts';

export const resumeHealthCordons = readTool({
  name: 'resumeHealthCordons',
  title: 'Resume cordons for hardware',
  description:
    'After several nodes were cordoned for their hardware within an hour, no more are until somebody has looked at them: many at once point at a cause that they share, or at a wrong reading. This says that you looked, and the count of the whole fleet begins anew.',
  risk: 'control',
  scope: 'execute',
  asked: ['resume', 'go on'],
  input: z.strictObject({ site: z.string().describe('Site whose nodes you looked at') }),
  positional: ['site'],
  example: { site: 'boston' },
  output: z.object({ cordons: cordonsOutput }),
  async run(context, { site }) {
    siteNamed(context, site);
    return { cordons: await context.resumeHealthCordons() };
  },
  present: ({ cordons }) => [{ text: cordonsText(cordons) }],
});
