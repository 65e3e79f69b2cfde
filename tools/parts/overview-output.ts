/** The overview as the tool answers it, and as people read it. */
import { z } from 'zod';
import { type Block, foreign, healthCell, toned } from '../../src/core/document.ts';
import { freezeLine, freezeOutput } from './freeze-output.ts';

const level = z.enum(['ok', 'warning', 'critical', 'unknown']);

const nodeRow = z.object({
  node: z.string(),
  role: z.string(),
  model: z.string(),
  kubernetes: z.string().describe('Ready, NotReady, or unknown; cordoned where it is'),
  health: level,
  firmware: z.enum(['compliant', 'behind', 'ahead', 'unknown', 'no baseline']),
  problem: z.string().optional(),
});

export const overviewOutput = z.object({
  policy: z
    .object({ state: z.enum(['current', 'kept']), digest: z.string(), problem: z.string().optional() })
    .describe('kept: the policies in the folder are not usable, and those of the digest are followed'),
  freezes: z.array(freezeOutput).describe('Where all changes are stopped'),
  sites: z.array(
    z.object({
      site: z.string(),
      cluster: z.string(),
      reachable: z.boolean(),
      asOf: z
        .string()
        .optional()
        .describe('Time of what Kubernetes told, where contact is lost or it is older than usual'),
      nodes: z.array(nodeRow),
    }),
  ),
  pendingApprovals: z.array(
    z.object({ approval: z.string(), plan: z.string(), requester: z.string(), expiresAt: z.string() }),
  ),
  openOperations: z.array(
    z.object({ operation: z.string(), kind: z.string(), cluster: z.string(), state: z.string() }),
  ),
  custody: z
    .array(z.string())
    .describe('Why nothing may have an effect now, and which anchors of the custody log fail'),
});
export type OverviewOutput = z.infer<typeof overviewOutput>;
export type OverviewNode = z.infer<typeof nodeRow>;

/** What concerns all sites comes before the first heading: a surface with little room shows the beginning. */
export function presentOverview({
  policy,
  freezes,
  sites,
  pendingApprovals,
  openOperations,
  custody,
}: OverviewOutput): Block[] {
  return [
    ...custody.map(text => ({ text, tone: 'bad' as const })),
    ...(policy.state === 'kept'
      ? [
          {
            text: `Earlier policies are followed: those in the folder are not usable. ${policy.problem}`,
            tone: 'bad' as const,
          },
        ]
      : []),
    ...freezes.map(freeze => ({ text: `Frozen: ${freezeLine(freeze)}`, tone: 'bad' as const, foreign: true as const })),
    { text: summaryOf(sites.flatMap(site => site.nodes)) },
    {
      title: 'Pending approvals',
      list: pendingApprovals.map(
        ({ approval, plan, requester, expiresAt }) =>
          `${approval} for ${plan}, asked by ${requester}, until ${expiresAt}`,
      ),
    },
    {
      title: 'Open operations',
      list: openOperations.map(
        ({ operation, kind, cluster, state }) => `${operation}: ${kind} in ${cluster}, ${state}`,
      ),
    },
    ...sites.flatMap(({ site, cluster, nodes, asOf }) => [
      {
        heading: `${site} · cluster ${cluster} · ${nodes.filter(node => node.kubernetes === 'Ready').length} of ${nodes.length} Ready${asOf === undefined ? '' : ` as of ${asOf}`}`,
      },
      {
        table: {
          columns: ['node', 'role', 'model', 'kubernetes', 'hardware', 'firmware', ''],
          rows: nodes.map(node => [
            node.node,
            node.role,
            foreign(node.model),
            toned(node.kubernetes, node.kubernetes === 'Ready' ? 'good' : 'warn'),
            healthCell(node.health),
            toned(
              node.firmware,
              node.firmware === 'compliant' ? 'good' : node.firmware === 'no baseline' ? 'muted' : 'warn',
            ),
            foreign(toned(node.problem ?? '', 'muted')),
          ]),
        },
      },
    ]),
  ];
}

function summaryOf(nodes: OverviewNode[]): string {
  const count = (test: (node: OverviewNode) => boolean) => nodes.filter(test).length;
  return [
    `${nodes.length} nodes`,
    `${count(node => node.kubernetes === 'Ready')} Ready`,
    `hardware: ${count(node => node.health === 'ok')} ok, ${count(node => node.health === 'warning')} warning, ${count(node => node.health === 'critical')} critical, ${count(node => node.health === 'unknown')} unknown`,
    `firmware: ${count(node => node.firmware === 'compliant')} compliant`,
  ].join(' · ');
}
