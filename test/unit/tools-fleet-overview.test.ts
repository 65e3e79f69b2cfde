/** What stands first in the overview of a large fleet, and how much of it there is. */
import { describe, expect, it } from 'vitest';
import type { ReadTool } from '../../src/core/tool.ts';
import { slackBlocks } from '../../src/surfaces/slack/blocks/render-blocks.ts';
import { homeOrder, homeRoom } from '../../src/surfaces/slack/home.ts';
import { listFindings } from '../../tools/list-findings.ts';
import { type OverviewNode, type OverviewOutput, presentOverview } from '../../tools/parts/overview-output.ts';

const row = (node: string): OverviewNode => ({
  node,
  role: 'worker',
  model: 'PowerEdge R750',
  kubernetes: 'Ready',
  health: 'ok',
  firmware: 'compliant',
});

function overview(sites: number, nodes: number): OverviewOutput {
  return {
    policy: { state: 'current', digest: 'd' },
    freezes: [],
    sites: Array.from({ length: sites }, (_, at) => ({
      site: `site-${at}`,
      cluster: `cluster-${at}`,
      reachable: true,
      nodes: Array.from({ length: nodes }, (__, index) => row(`s${at}-w-${index}`)),
    })),
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
  const blocks = presentOverview(overview(60, 50));

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
