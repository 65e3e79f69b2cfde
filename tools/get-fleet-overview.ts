/** The first question of a shift: is everything well, and what waits for whom. */
import { z } from 'zod';
import { factValue, type ServerHealth } from '../src/core/bmc.ts';
import type { ClusterView } from '../src/core/cluster-facts.ts';
import { covers } from '../src/core/policy.ts';
import { readTool, type ToolContext } from '../src/core/tool.ts';
import { overallHealth, remarksOf } from '../src/health/meaning.ts';
import { type NodeSurvey, type Survey, surveyView } from '../src/operations/survey.ts';
import { withDrives } from '../src/operations/survey-drives.ts';
import { complianceOf } from '../src/planning/compliance.ts';
import { drivesOf } from '../src/planning/drive-changes.ts';
import type { Candidate } from '../src/planning/rollout-target.ts';
import { baselineImages, siteNamed } from './parts/lookup.ts';
import { type OverviewNode, overviewOutput, presentOverview } from './parts/overview-output.ts';
import { nodesOnPage, onPage } from './parts/overview-page.ts';

export const getFleetOverview = readTool({
  name: 'getFleetOverview',
  title: 'Fleet overview',
  description:
    'All sites, clusters and nodes: readiness, hardware health, firmware compliance, pending approvals and running operations. Start here.',
  risk: 'read',
  scope: 'read',
  input: z.strictObject({
    site: z.string().optional().describe('Only this site'),
    nodes: z
      .enum(['all', 'unwell'])
      .optional()
      .describe(`Which to list; without it all of up to ${nodesOnPage}, and of more those that are not well`),
    page: z.number().int().min(1).default(1).describe('Which page of the list'),
  }),
  positional: ['site'],
  example: {},
  output: overviewOutput,
  async run(context, { site, nodes: which, page }) {
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
      context.records.approvals.list('pending').then(all => context.readable(all, 'getApproval', site)),
      context.records.operations
        .list({ open: true, limit: 50 })
        .then(all => context.readable(all, 'getOperation', site)),
    ]);
    return {
      policy: context.policyStanding(),
      freezes: freezes.filter(freeze => site === undefined || covers(freeze.site, site)),
      ...onPage(
        surveys.map(survey => overviewOf(context, survey)),
        { which, page },
      ),
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
  present: presentOverview,
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
) {
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

function nodeOverview(context: ToolContext, { entry, server, node, storage }: Row): OverviewNode {
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
): OverviewNode['firmware'] {
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
