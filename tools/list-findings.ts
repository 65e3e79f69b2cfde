/** What is wrong with the servers, followed over time. */
import { z } from 'zod';
import type { Block } from '../src/core/document.ts';
import { FleetError } from '../src/core/errors.ts';
import { findingKinds, isStanding } from '../src/core/finding.ts';
import { readTool } from '../src/core/tool.ts';
import { byUrgency } from '../src/health/watch.ts';
import { cordonsOutput, cordonsText } from './parts/cordons-output.ts';
import { type FindingOutput, findingColumns, findingOutput, findingRow, findingTold } from './parts/finding-output.ts';
import { nodeNamed, siteNamed } from './parts/lookup.ts';

const most = 500;

export const listFindings = readTool({
  name: 'listFindings',
  title: 'Findings below Kubernetes',
  description:
    'What is wrong with the servers of a node, a site or the whole fleet, as enough samples showed it: memory errors, fans, temperatures, power, drives, BMCs that do not answer, clocks. The worst first. What many servers of a site show at once is one alarm. With since it tells what stood in that time, cleared findings included.',
  risk: 'read',
  scope: 'read',
  input: z.strictObject({
    node: z.string().optional().describe('Only of this node'),
    site: z.string().optional().describe('Only of this site'),
    kind: z.enum(findingKinds).optional().describe('Only of this kind'),
    hours: z.number().positive().max(10_000).optional().describe('Also those that were over, as far back as this'),
  }),
  example: { site: 'boston' },
  output: z.object({ asOf: z.string(), findings: z.array(findingOutput), cordons: cordonsOutput }),
  async run(context, { node, site, kind, hours }) {
    if (node !== undefined) nodeNamed(context, node);
    if (site !== undefined) siteNamed(context, site);
    if (node !== undefined && site !== undefined)
      throw new FleetError({ code: 'invalid_input', message: 'name a node or a site, not both' });
    const now = new Date();
    const standing = byUrgency(context.health.findings(node));
    const over = hours === undefined ? [] : await earlier(hours);
    const here = [...standing, ...over].filter(
      finding => (site === undefined || finding.site === site) && (kind === undefined || finding.kind === kind),
    );
    return {
      asOf: now.toISOString(),
      findings: here.slice(0, most).map(finding => findingTold(finding, now)),
      cordons: context.health.cordons(),
    };

    async function earlier(hoursBack: number) {
      const since = new Date(now.getTime() - hoursBack * 3_600_000);
      const found = await context.health.archive.list({ ...(node ? { node } : {}), since, limit: most });
      const current = new Set(standing.map(finding => `${finding.id} ${finding.since}`));
      return found.filter(finding => !isStanding(finding) && !current.has(`${finding.id} ${finding.since}`));
    }
  },
  present: ({ findings, asOf, cordons }) => [...cordonBlocks(cordons), ...findingBlocks(findings, asOf)],
});

/** Where nothing is cordoned, and nothing stopped, there is nothing to say. */
function cordonBlocks(cordons: z.infer<typeof cordonsOutput>): Block[] {
  if (cordons.state === 'off' || (cordons.state === 'on' && cordons.nodes.length === 0)) return [];
  return [{ text: cordonsText(cordons), tone: cordons.state === 'stopped' ? 'bad' : 'warn' }];
}

function findingBlocks(findings: FindingOutput[], asOf: string): Block[] {
  if (findings.length === 0)
    return [
      {
        text: 'Nothing was found. What was not read is not known to be well: get-node-health says what was.',
        tone: 'good',
      },
    ];
  const rows = findings.filter(({ foldedUnder }) => !foldedUnder).map(finding => findingRow(finding, asOf));
  return [{ table: { columns: findingColumns, rows } }];
}
