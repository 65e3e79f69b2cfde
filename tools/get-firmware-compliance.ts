/** What a site runs against what its baseline wants. */
import { z } from 'zod';
import { showFact, unknown } from '../src/core/bmc.ts';
import { foreign, toned } from '../src/core/document.ts';
import { FleetError } from '../src/core/errors.ts';
import { readTool } from '../src/core/tool.ts';
import { surveyServer } from '../src/operations/survey.ts';
import { withDrives } from '../src/operations/survey-drives.ts';
import { complianceOf } from '../src/planning/compliance.ts';
import { drivesOf } from '../src/planning/drive-changes.ts';
import { baselineImages, siteNamed } from './parts/lookup.ts';

const status = z.enum(['compliant', 'behind', 'ahead', 'unknown', 'not-applicable']);

const output = z.object({
  site: z.string(),
  baseline: z.string(),
  summary: z.record(z.string(), z.number()).describe('Nodes by status'),
  nodes: z.array(
    z.object({
      node: z.string(),
      model: z.string(),
      component: z.string(),
      have: z.string(),
      want: z.string(),
      image: z.string().optional(),
      status,
      reason: z.string().optional(),
    }),
  ),
});

export const getFirmwareCompliance = readTool({
  name: 'getFirmwareCompliance',
  title: 'Firmware compliance of a site',
  description:
    'Running firmware of every node of a site against the site baseline, read from the active inventory member. A version whose order is not known is "unknown", never compliant.',
  risk: 'read',
  scope: 'read',
  input: z.strictObject({ site: z.string().describe('Site name') }),
  positional: ['site'],
  example: { site: 'boston' },
  output,
  async run(context, input) {
    const site = siteNamed(context, input.site);
    if (!site.baseline)
      throw new FleetError({
        code: 'precondition_failed',
        message: `site ${site.name} has no baseline`,
        hint: `name one under sites[].baseline in groundskeeper.yaml`,
      });
    const images = baselineImages(context, site.name);
    const entries = site.clusters.flatMap(cluster => cluster.nodes);
    const rows = await Promise.all(
      entries.map(async entry => {
        const server = await surveyServer(context, entry);
        const { storage } = await withDrives(context.bmcs, { entry, server }, images);
        const { identity, firmware } =
          'value' in server
            ? server.value
            : {
                identity: { model: unknown(server.unknown), vendor: 'generic' as const },
                firmware: unknown(server.unknown),
              };
        const all = complianceOf(
          { name: entry.name, model: identity.model, vendor: identity.vendor, firmware, ...drivesOf(storage) },
          images,
        );
        const applicable = all.filter(compliance => compliance.status !== 'not-applicable');
        const model = showFact(identity.model);
        if (applicable.length === 0)
          return [
            {
              node: entry.name,
              model,
              component: '',
              have: '',
              want: '',
              status: 'unknown' as const,
              reason: 'the baseline has no image for its model',
            },
          ];
        return dedupe(applicable).map(({ image, component, have, want, ...verdict }) => ({
          node: entry.name,
          model,
          component,
          have: showFact(have),
          want,
          image,
          ...verdict,
        }));
      }),
    );
    const nodes = rows.flat();
    const summary: Record<string, number> = {};
    for (const row of nodes) summary[row.status] = (summary[row.status] ?? 0) + 1;
    return { site: site.name, baseline: site.baseline, summary, nodes };
  },
  present: ({ site, baseline, summary, nodes }) => [
    { heading: `${site} against baseline ${baseline}` },
    {
      text: Object.entries(summary)
        .map(([name, count]) => `${count} ${name}`)
        .join(', '),
    },
    {
      table: {
        columns: ['node', 'model', 'component', 'has', 'wants', 'status', ''],
        rows: nodes.map(row => [
          row.node,
          foreign(row.model),
          row.component,
          foreign(row.have),
          row.want,
          toned(row.status, row.status === 'compliant' ? 'good' : 'warn'),
          foreign(toned(row.reason ?? '', 'muted')),
        ]),
      },
    },
  ],
});

/** A server that could not be read is unknown once, not once per image of the baseline. */
function dedupe(all: ReturnType<typeof complianceOf>): ReturnType<typeof complianceOf> {
  return all.every(compliance => compliance.reason?.startsWith('model:')) ? all.slice(0, 1) : all;
}
