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

const number = z.number().int();
const counts = z.object({
  nodes: number,
  well: number.describe('Ready and not cordoned, hardware ok, nothing to say of it'),
  kubernetes: z
    .object({ ready: number, cordoned: number, notReady: number, unknown: number })
    .describe('cordoned: Ready, and takes no new pods'),
  hardware: z.object({ ok: number, warning: number, critical: number, unknown: number }),
  firmware: z.object({ compliant: number, behind: number, ahead: number, unknown: number, noBaseline: number }),
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
      counts: counts.describe('Over all its nodes, whichever are listed'),
      nodes: z.array(nodeRow).describe('Those that this page lists'),
    }),
  ),
  listed: z.object({
    which: z.enum(['all', 'unwell']),
    page: number,
    pages: number.describe('More than one: the next page lists more, and site narrows'),
  }),
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
type OverviewCounts = z.infer<typeof counts>;

export function isWell({ kubernetes, health, problem }: OverviewNode): boolean {
  return kubernetes === 'Ready' && health === 'ok' && problem === undefined;
}

export function countsOf(nodes: OverviewNode[]): OverviewCounts {
  const count = (test: (node: OverviewNode) => boolean) => nodes.filter(test).length;
  const hardware = (which: OverviewNode['health']) => count(({ health }) => health === which);
  const firmware = (which: OverviewNode['firmware']) => count(node => node.firmware === which);
  const kubernetes = (word: RegExp) => count(node => word.test(node.kubernetes));
  return {
    nodes: nodes.length,
    well: count(isWell),
    kubernetes: {
      ready: kubernetes(/^Ready$/),
      cordoned: kubernetes(/^Ready, /),
      notReady: kubernetes(/^NotReady/),
      unknown: kubernetes(/^unknown/),
    },
    hardware: {
      ok: hardware('ok'),
      warning: hardware('warning'),
      critical: hardware('critical'),
      unknown: hardware('unknown'),
    },
    firmware: {
      compliant: firmware('compliant'),
      behind: firmware('behind'),
      ahead: firmware('ahead'),
      unknown: firmware('unknown'),
      noBaseline: firmware('no baseline'),
    },
  };
}

/** What concerns all sites comes before the first heading: a surface with little room shows the beginning. */
export function presentOverview({
  policy,
  freezes,
  sites,
  pendingApprovals,
  openOperations,
  custody,
  listed,
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
    { text: summaryOf(sites.map(site => site.counts)) },
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
    ...(listed.which === 'all' && listed.pages === 1 ? [] : allSites(sites, listed)),
    ...sites.flatMap(site => (site.nodes.length === 0 ? [] : siteBlocks(site))),
  ];
}

type Site = OverviewOutput['sites'][number];

/** Each site in one line, where the nodes that are listed are not all of them. */
function allSites(sites: Site[], { which, page, pages }: OverviewOutput['listed']): Block[] {
  const more = pages > 1 ? ` This is page ${page} of ${pages}; name a site for less.` : '';
  const rows = sites.map(({ site, cluster, counts: { nodes, well, kubernetes, hardware, firmware } }) => [
    site,
    cluster,
    toned(`${well} of ${nodes}`, well === nodes ? 'good' : 'warn'),
    String(kubernetes.ready),
    `${hardware.critical} / ${hardware.warning} / ${hardware.unknown}`,
    firmware.noBaseline === nodes ? toned('no baseline', 'muted') : String(firmware.compliant),
  ]);
  return [
    { heading: 'Sites' },
    { table: { columns: ['site', 'cluster', 'well', 'Ready', 'critical / warning / unknown', 'compliant'], rows } },
    { text: `Below are ${which === 'all' ? 'all nodes' : 'the nodes that are not well'}, if any.${more}` },
  ];
}

function siteBlocks({ site, cluster, counts: { kubernetes, nodes: all }, nodes, asOf }: Site): Block[] {
  return [
    {
      heading: `${site} · cluster ${cluster} · ${kubernetes.ready} of ${all} Ready${asOf === undefined ? '' : ` as of ${asOf}`}`,
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
  ];
}

function summaryOf(sites: OverviewCounts[]): string {
  const sum = (of: (counts: OverviewCounts) => number) => sites.reduce((total, each) => total + of(each), 0);
  return [
    `${sum(({ nodes }) => nodes)} nodes`,
    `${sum(({ kubernetes }) => kubernetes.ready)} Ready`,
    `hardware: ${sum(({ hardware }) => hardware.ok)} ok, ${sum(({ hardware }) => hardware.warning)} warning, ${sum(({ hardware }) => hardware.critical)} critical, ${sum(({ hardware }) => hardware.unknown)} unknown`,
    `firmware: ${sum(({ firmware }) => firmware.compliant)} compliant`,
  ].join(' · ');
}
