/** The first question of a shift: is everything well, and what waits for whom. */
import { z } from 'zod';
import { factValue, type ServerHealth } from '../src/core/bmc.ts';
import type { ClusterView } from '../src/core/cluster-facts.ts';
import { foreign, healthCell, toned } from '../src/core/document.ts';
import { readTool, type ToolContext } from '../src/core/tool.ts';
import { overallHealth, remarksOf } from '../src/health/meaning.ts';
import { type NodeSurvey, type Survey, surveyView } from '../src/operations/survey.ts';
import { withDrives } from '../src/operations/survey-drives.ts';
import { complianceOf } from '../src/planning/compliance.ts';
import { drivesOf } from '../src/planning/drive-changes.ts';
import type { Candidate } from '../src/planning/rollout-target.ts';
import { freezeLine, freezeOutput } from './parts/freeze-output.ts';
import { baselineImages, siteNamed } from './parts/lookup.ts';

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

const output = z.object({
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

export const getFleetOverview = readTool({
  name: 'getFleetOverview',
  title: 'Fleet overview',
  description:
    'All sites, clusters and nodes: readiness, hardware health, firmware compliance, pending approvals and running operations. Start here.',
  risk: 'read',
  scope: 'read',
  input: z.strictObject({ site: z.string().optional().describe('Only this site') }),
  positional: ['site'],
  example: {},
  output,
  async run(context, { site }) {
    const sites = site ? [siteNamed(context, site)] : context.fleet.sites;
    const surveys = await Promise.all(
      sites
        .flatMap(entry => entry.clusters)
        .map(async cluster => {
          const survey = await surveyView(context, cluster);
          const images = baselineImages(context, cluster.site);
          const nodes = await Promise.all(survey.nodes.map(node => withDrives(context.bmcs, node, images)));
          return { ...survey, nodes };
        }),
    );
    const [freezes, pending, open] = await Promise.all([
      context.records.freezes.standing(),
      context.records.approvals.list('pending'),
      context.records.operations.list({ open: true, limit: 50 }),
    ]);
    return {
      policy: context.policyStanding(),
      freezes,
      sites: surveys.map(survey => overviewOf(context, survey)),
      pendingApprovals: pending.map(({ id, plan, requester, expiresAt }) => ({
        approval: id,
        plan,
        requester,
        expiresAt,
      })),
      openOperations: open.map(({ id, kind, cluster, state }) => ({ operation: id, kind, cluster, state })),
      custody: custodyWarnings(context.continuity),
    };
  },
  present: ({ policy, freezes, sites, pendingApprovals, openOperations, custody }) => [
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
  ],
});

function custodyWarnings({ standstill, anchors }: ToolContext['continuity']): string[] {
  const status = standstill();
  return [
    ...(status.state === 'none' ? [] : [`Nothing has an effect since ${status.since}: ${status.reason}`]),
    ...anchors().flatMap(({ anchor, failing }) =>
      failing ? [`The custody log's anchor ${anchor} fails since ${failing.since}: ${failing.problem}`] : [],
    ),
  ];
}

/** A cluster in which nothing happens speaks once a minute; what is older has missed something. */
const usualAgeMs = 75_000;

type Row = NodeSurvey<ServerHealth> & Pick<Candidate, 'storage'>;

function overviewOf(
  context: ToolContext,
  { cluster, kubernetes, nodes }: Omit<Survey<ClusterView>, 'nodes'> & { nodes: Row[] },
): z.infer<typeof output>['sites'][number] {
  const { asOf, lostSince } = factValue(kubernetes) ?? {};
  const old = asOf !== undefined && (lostSince !== undefined || Date.now() - Date.parse(asOf) > usualAgeMs);
  return {
    site: cluster.site,
    cluster: cluster.name,
    reachable: 'value' in kubernetes,
    ...(old ? { asOf } : {}),
    nodes: nodes.map(node => nodeOverview(context, node)),
  };
}

function nodeOverview(context: ToolContext, { entry, server, node, storage }: Row): z.infer<typeof nodeRow> {
  const facts = factValue(node);
  const cordoned = facts?.unschedulable ? ', cordoned' : '';
  const seen = factValue(server);
  const findings = seen ? remarksOf({ server: seen, node: facts, pods: [], singles: [] }) : [];
  return {
    node: entry.name,
    role: entry.role,
    model: (seen && factValue(seen.identity.model)) ?? 'unknown',
    kubernetes: facts ? `${facts.ready ? 'Ready' : 'NotReady'}${cordoned}` : 'unknown',
    health: seen ? overallHealth(seen, findings) : 'unknown',
    firmware: firmwareStatus(context, entry.site, { server, storage }),
    problem: 'unknown' in server ? server.unknown : 'unknown' in node ? node.unknown : findings[0]?.text,
  };
}

function firmwareStatus(
  context: ToolContext,
  site: string,
  { server, storage }: Pick<Row, 'server' | 'storage'>,
): z.infer<typeof nodeRow>['firmware'] {
  const images = baselineImages(context, site);
  if (images.length === 0) return 'no baseline';
  if ('unknown' in server) return 'unknown';
  const { identity, firmware } = server.value;
  const about = { name: site, model: identity.model, vendor: identity.vendor, firmware, ...drivesOf(storage) };
  const statuses = complianceOf(about, images)
    .map(compliance => compliance.status)
    .filter(status => status !== 'not-applicable');
  for (const status of ['unknown', 'behind', 'ahead'] as const) if (statuses.includes(status)) return status;
  return statuses.length > 0 ? 'compliant' : 'unknown';
}

function summaryOf(nodes: z.infer<typeof nodeRow>[]): string {
  const count = (test: (node: z.infer<typeof nodeRow>) => boolean) => nodes.filter(test).length;
  return [
    `${nodes.length} nodes`,
    `${count(node => node.kubernetes === 'Ready')} Ready`,
    `hardware: ${count(node => node.health === 'ok')} ok, ${count(node => node.health === 'warning')} warning, ${count(node => node.health === 'critical')} critical, ${count(node => node.health === 'unknown')} unknown`,
    `firmware: ${count(node => node.firmware === 'compliant')} compliant`,
  ].join(' · ');
}
