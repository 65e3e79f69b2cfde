/** What stands first in the overview of a large fleet, and how much of it there is. */
import { describe, expect, it } from 'vitest';
import type { ReadTool } from '../../src/core/tool.ts';
import { fencedText } from '../../src/surfaces/mcp/fences.ts';
import { slackBlocks } from '../../src/surfaces/slack/blocks/render-blocks.ts';
import { homeOrder, homeRoom } from '../../src/surfaces/slack/home.ts';
import { listFindings } from '../../tools/list-findings.ts';
import {
  type OverviewNode,
  type OverviewOutput,
  overviewOutput,
  presentOverview,
} from '../../tools/parts/overview-output.ts';
import { onPage } from '../../tools/parts/overview-page.ts';

const row = (node: string, change: Partial<OverviewNode>): OverviewNode => ({
  node,
  role: 'worker',
  model: 'PowerEdge R750',
  kubernetes: 'Ready',
  health: 'ok',
  firmware: 'compliant',
  ...change,
});

type Sizes = { sites: number; nodes: number; change?: Partial<OverviewNode> };
type Asked = { which?: 'all' | 'unwell'; page?: number };

/** `change` is of every node but the first of each site. */
function overview({ sites, nodes, change = {} }: Sizes, { page = 1, ...asked }: Asked = {}): OverviewOutput {
  const all = Array.from({ length: sites }, (_, at) => ({
    site: `site-${at}`,
    cluster: `cluster-${at}`,
    reachable: true,
    nodes: Array.from({ length: nodes }, (__, index) => row(`s${at}-w-${index}`, index === 0 ? {} : change)),
  }));
  return {
    policy: { state: 'current', digest: 'd' },
    freezes: [],
    ...onPage(all, { ...asked, page }),
    pendingApprovals: [
      {
        approval: 'apr-0123456789',
        plan: 'plan-0123456789',
        requester: 'day-shift',
        expiresAt: '2026-01-01T12:00:00Z',
      },
    ],
    openOperations: [{ operation: 'op-0123456789', kind: 'drain', cluster: 'cluster-7', state: 'running' }],
    custody: ['The custody log cannot be written'],
  };
}

const finding = {
  id: 'fnd-0123456789',
  site: 'site-59',
  node: 's59-w-1',
  kind: 'fan',
  level: 'critical' as const,
  state: 'open' as const,
  text: 'Fan 3 stands still',
  part: 'Fan 3',
  since: '2026-01-01T11:00:00Z',
  lastSeen: '2026-01-01T12:00:00Z',
  latched: false,
  evidence: [],
};

describe('of 60 sites', () => {
  const blocks = presentOverview(overview({ sites: 60, nodes: 50 }, { which: 'all' }));

  it('what waits and what runs is in a message of Slack', () => {
    const shown = JSON.stringify(slackBlocks(blocks));
    for (const word of ['cannot be written', 'apr-0123456789', 'op-0123456789', '3000 nodes'])
      expect(shown).toContain(word);
  });

  it('what waits, what runs and what is wrong is on the home in Slack', () => {
    const answer = { asOf: '2026-01-01T12:00:00Z', findings: [finding], cordons: { state: 'off' } };
    const found = (listFindings as ReadTool).present(answer as never);
    const shown = JSON.stringify(slackBlocks(homeOrder(blocks, found), homeRoom));
    for (const word of ['apr-0123456789', 'op-0123456789', 'fnd-0123456789', '3000 nodes'])
      expect(shown).toContain(word);
  });
});

describe('of very many nodes', () => {
  const silent = { kubernetes: 'NotReady', health: 'unknown', firmware: 'unknown', problem: 'x'.repeat(100) } as const;

  it.each([
    ['that are well', {}],
    ['that do not answer', silent],
  ])('%s it is as long as a model can read, and counts all of them', (_what, change) => {
    for (const which of [undefined, 'all', 'unwell'] as const) {
      const output = overviewOutput.parse(overview({ sites: 4, nodes: 250, change }, which ? { which } : {}));
      expect(JSON.stringify(output).length + fencedText(presentOverview(output)).length).toBeLessThan(120_000);
      expect(output.sites.map(({ counts }) => counts.nodes)).toEqual([250, 250, 250, 250]);
      expect(output.sites.map(({ counts }) => counts.well)).toEqual(Array(4).fill(change === silent ? 1 : 250));
    }
  });

  it('all are told, each on one page', () => {
    const sizes = { sites: 4, nodes: 250 };
    const { pages } = overview(sizes, { which: 'all' }).listed;
    const told = Array.from({ length: pages }, (_, index) =>
      overview(sizes, { which: 'all', page: index + 1 }),
    ).flatMap(({ sites }) => sites.flatMap(({ nodes }) => nodes.map(({ node }) => node)));
    expect(pages).toBe(5);
    expect(new Set(told).size).toBe(1000);
    expect(told).toHaveLength(1000);
  });

  it('those that are not Ready come first, wherever they are', () => {
    const warned = Array.from({ length: 300 }, (_, index) => row(`w-${index}`, { health: 'warning' }));
    const down = row('down', { kubernetes: 'NotReady', health: 'ok' });
    const at = (site: string, nodes: OverviewNode[]) => ({ site, cluster: site, reachable: true, nodes });
    const shown = onPage([at('first', warned), at('second', []), at('third', [down])], { page: 1 });
    expect(shown.sites.map(({ nodes }) => nodes.length)).toEqual([199, 0, 1]);
    expect(shown.listed).toEqual({ which: 'unwell', page: 1, pages: 2 });
  });

  it('few are listed whole', () => {
    const { listed, sites } = overview({ sites: 2, nodes: 100 });
    expect([listed.which, sites.flatMap(({ nodes }) => nodes)]).toEqual([
      'all',
      expect.objectContaining({ length: 200 }),
    ]);
  });
});
