/** The whole plan in a window of a Slack of ours: page by page, each made of the plan as it is stored. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { PlanTarget } from '../../src/core/plan.ts';
import type { Caller } from '../../src/core/tool.ts';
import { loadPolicy } from '../../src/guard/policy/load-policy.ts';
import { recordReads } from '../../src/guard/record-reads.ts';
import { planCard } from '../../src/planning/plan-card.ts';
import { type OpenView, openReview, type ReviewParts, turnReview } from '../../src/surfaces/slack/review.ts';
import { slackClient } from '../../src/surfaces/slack/slack-client.ts';
import { examplePlan } from '../support/example-plan.ts';
import { shippedPolicies } from '../support/guard.ts';
import { type FakeSlack, startFakeSlack } from '../support/slack/slack-server.ts';

let slack: FakeSlack;
const stop = new AbortController();

beforeEach(async () => {
  slack = await startFakeSlack();
});
afterEach(async () => {
  stop.abort();
  await slack.close();
});

const view = () => [...slack.workspace.views.values()].at(-1) as (OpenView & { blocks: object[] }) | undefined;
const buttons = (): string[] => [...JSON.stringify(view()?.blocks).matchAll(/review-\w+/g)].map(([name]) => name);

it('shows every node, warning and pod of a plan that no window holds at once', async () => {
  const [target] = examplePlan().plan.targets as [PlanTarget];
  const evict = Array.from({ length: 40 }, (_, index) => `shop/pod-${index}-of-a-name-that-is-long`);
  const targets = Array.from({ length: 120 }, (_, index) => ({
    ...target,
    node: `w-${index}.`,
    drain: { evict, skip: [], block: [], warnings: [], pdbs: [] },
  }));
  const warnings = Array.from({ length: 50 }, (_, index) => `warning ${index}.`);
  const stored = examplePlan({ targets, warnings });
  const records = { plans: { get: async () => stored }, approvals: { get: async () => ({ plan: stored.plan.id }) } };
  const reads = recordReads({ policy: loadPolicy(shippedPolicies), plans: records.plans });
  const caller: Caller = { person: { name: 'ana', groups: [] }, channel: 'slack', scope: 'execute' };
  const parts = {
    client: slackClient({ token: slack.botToken, apiUrl: slack.apiUrl, signal: stop.signal }),
    door: { planCard, reads, records },
  } as unknown as ReviewParts;
  slack.workspace.addUser('U0DAY');
  const trigger = slack.people.trigger();
  await openReview(parts, { about: 'apr-1', trigger, caller });
  expect(buttons()).toEqual(['review-next']);
  const pages = [JSON.stringify(view()?.blocks)];
  while (buttons().includes('review-next')) {
    await turnReview(parts, { view: view() as OpenView, by: 1, caller });
    pages.push(JSON.stringify(view()?.blocks));
  }
  expect(pages.length).toBeGreaterThan(3);
  expect(pages.at(-1)).toContain(`Page ${pages.length} of ${pages.length}`);
  const all = pages.join('');
  for (const { node } of targets) expect(all).toContain(`node ${node}`);
  for (const pod of evict) expect(all.split(pod).length - 1).toBe(targets.length);
  for (const warning of warnings) expect(all).toContain(warning);
  await turnReview(parts, { view: view() as OpenView, by: 1, caller }); // pressed twice
  expect(JSON.stringify(view()?.blocks)).toBe(pages.at(-1));
  await turnReview(parts, { view: view() as OpenView, by: -1, caller });
  expect(JSON.stringify(view()?.blocks)).toBe(pages.at(-2));
  expect(slack.workspace.views.size).toBe(1);
});
