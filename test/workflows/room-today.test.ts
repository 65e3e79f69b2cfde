/** A budget binds what runs: as it is configured now, and in every cluster whose nodes are behind the same BMC. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import { bmcProfiles } from '../../src/lab/bmc/profiles/catalog.ts';
import type { LabSite } from '../../src/lab/lab.ts';
import { approve, ended, type LabDocument, planSite, reached, reconfigure, siteOf } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.179', sites: 2, workers: 6, machines: ['dell'], speed: 400 });
});
afterAll(() => stack?.close());

/** Cordons and their ends since this place in the log of effects, and how many stood at once at most. */
function cordons(since: number): { most: number; nodes: number } {
  const standing = new Set<string>();
  const seen = { most: 0, nodes: new Set<string>() };
  for (const { path, body } of stack.lab.effects.since(since)) {
    const node = /^\/api\/v1\/nodes\/([^/]+)$/.exec(path)?.[1];
    const [, to] = /"unschedulable":(true|false)/.exec(JSON.stringify(body)) ?? [];
    if (node === undefined || to === undefined) continue;
    if (to === 'true') standing.add(node);
    else standing.delete(node);
    seen.nodes.add(node);
    seen.most = Math.max(seen.most, standing.size);
  }
  return { most: seen.most, nodes: seen.nodes.size };
}

it('a rollout that was approved under a budget of two goes on with one at a time once the budget is one', async () => {
  const [site] = stack.lab.sites;
  if (!site) throw new Error('the lab has no site');
  await reconfigure(stack, document => Object.assign(document.rollout, { canary: 1 }));
  const plan = await planSite(stack, site.name);
  expect(Math.max(...plan.full.waves.map(wave => wave.length))).toBeGreaterThan(1);
  expect(plan.full.scopes[0]?.budget).toEqual({ maxUnavailable: 2 });
  const operation = await approve(stack, plan);
  await eventually('the canary to be cordoned', async () => cordons(0).nodes > 0 || undefined);
  await reconfigure(stack, ({ sites }) => {
    for (const cluster of sites.flatMap(({ clusters }) => clusters)) cluster.budget.maxUnavailable = 1;
  });
  expect((await ended(stack, operation)).state).toBe('done');
  expect(cordons(0)).toEqual({ most: 1, nodes: plan.full.targets.length });
});

it('what goes down with a node of another cluster is planned, and is done, only where that cluster can spare it', async () => {
  const [here, there] = stack.lab.sites;
  const [node, other] = [workersOf(here)[0], workersOf(there)];
  const [beside, ...rest] = other;
  await reconfigure(stack, document => shareBmc(document, { node, beside }));
  const { store } = siteOf(stack, beside).cluster;
  const close = (names: string[], unschedulable: boolean) => {
    for (const name of names)
      store.update('nodes', { name }, draft => {
        draft.spec.unschedulable = unschedulable;
      });
  };
  const asker = await stack.client('requester');
  const input = { node, power: 'restart', deleteEmptyDir: true, dryRun: true };
  const plan = async () => (await asker.callTool('setNodePower', input)).output as unknown as ChangeAnswer;
  const full = new RegExp(
    `its BMC serves ${beside} of ${there?.cluster.name} too; the budget of ${there?.cluster.name} is 1, and with it 2 nodes`,
  );
  const before = reached(stack, node).length;
  close(rest.slice(0, 1), true);
  await eventually('the plan to be refused', () =>
    plan().then(
      () => undefined,
      thrown => full.test(thrown.message) || undefined,
    ),
  );
  close(rest, false);
  const planned = await eventually('a plan', () => plan().catch(() => undefined));
  close(rest.slice(0, 1), true);
  const { state, nodes } = await ended(stack, await approve(stack, planned));
  expect([state, nodes[0]?.message]).toEqual(['halted', expect.stringMatching(full)]);
  expect(reached(stack, node).slice(before)).toEqual([]);
  close(rest, false);
  const again = await eventually('a plan', () => plan().catch(() => undefined));
  expect((await ended(stack, await approve(stack, again))).state).toBe('done');
  expect(reached(stack, node).slice(before)).toContain('reset');
});

function workersOf(site: LabSite | undefined): [string, ...string[]] {
  const [first, ...others] = (site?.nodes ?? []).filter(({ role }) => role === 'worker').map(({ name }) => name);
  if (first === undefined) throw new Error('the lab has no workers there');
  return [first, ...others];
}

/** Both clusters are at one site, and of the second its one node is behind the BMC of the first's. */
function shareBmc({ sites }: LabDocument, { node, beside }: { node: string; beside: string }): void {
  const [first, second] = sites.flatMap(({ clusters }) => clusters);
  const [one, other] = [
    first?.nodes.find(({ name }) => name === node),
    second?.nodes.find(({ name }) => name === beside),
  ];
  if (!first || !second || !one || !other) throw new Error('the lab has two clusters');
  const { bmc } = one.server;
  Object.assign(one.server, { bmc: { ...bmc, systemUri: `/redfish/v1/Systems/${bmcProfiles.dell.systemId}` } });
  Object.assign(other.server, { bmc: { ...bmc, systemUri: '/redfish/v1/Systems/second' } });
  second.nodes = [other];
  second.budget.maxUnavailable = 1;
  sites[0]?.clusters.push(second);
  sites.splice(1);
}
