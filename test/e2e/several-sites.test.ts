/** Rollouts over several sites: one site is lost in its middle, and the control planes go one by one. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isCritical } from '../../src/core/approval.ts';
import type { ChangeAnswer } from '../../src/core/change.ts';
import { FleetError } from '../../src/core/errors.ts';
import type { OperationNode } from '../../src/core/operation.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { LabSite } from '../../src/lab/lab.ts';
import type { Client } from '../../src/surfaces/cli/client.ts';
import { isHandOver } from '../support/audit.ts';
import { approve, ended, reached, siteOf } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let asker: Client;

beforeAll(async () => {
  stack = await startStack({
    addressBase: '127.187',
    sites: 3,
    workers: 2,
    machines: ['dell'],
    speed: 400,
    etcdEndpoints: true,
    configure({ rollout, sites }, lab) {
      Object.assign(rollout, { waves: [100], stallLimit: '1m' });
      const [boston, , seattle] = sites.flatMap(({ clusters }) => clusters);
      if (!boston || !seattle) throw new Error('the lab has three sites');
      boston.etcd = lab.sites[0]?.cluster.etcdEndpoints ?? [];
      seattle.budget.maxUnavailable = 1;
    },
  });
  asker = await stack.client('requester');
});
afterAll(() => stack?.close());

async function planned(input: object): Promise<{ plan: Plan; digest: string }> {
  const { output } = await asker.callTool('planFirmwareRollout', { deleteEmptyDir: true, ...input });
  return output as unknown as { plan: Plan; digest: string };
}

const partsOf = async (id: string): Promise<OperationNode[]> =>
  (await asker.operationEvents(id, { after: 0, waitMs: 0 })).operation.nodes;

/** Cuts the line to a site, at once for both ends. */
function lose({ cluster, nodes }: LabSite): void {
  cluster.faults.set('reset');
  cluster.cutWatches();
  for (const { server } of nodes) server.faults.set({ kind: 'bmc-down', mode: 'refused' });
}

function find({ cluster, nodes }: LabSite): void {
  cluster.faults.clear('reset');
  for (const { server } of nodes) server.faults.clear('bmc-down');
}

it('ends at the others while a site is lost, fails and gives back nothing there, and goes on once it is back', async () => {
  const { plan, digest } = await planned({ fleet: true, nodes: ['bos-w-1', 'chi-w-1', 'sea-w-1', 'sea-w-2'] });
  const site = siteOf(stack, 'sea-w-1');
  for (const { server } of site.nodes) server.faults.set({ kind: 'update-stalls', stage: 'download' });
  const id = await approve(stack, { plan: plan.id, digest });
  const middle = await eventually('a node of the site to be in the middle of its update', async () =>
    (await partsOf(id)).find(part => part.site === site.name && part.step === '1-bios/transfer'),
  );
  lose(site);
  await eventually('the others to end, and both of the lost site to say what they wait for', async () => {
    const { true: there = [], false: others = [] } = Object.groupBy(
      await partsOf(id),
      part => `${part.site === site.name}` as const,
    );
    const told = there.map(({ node, state, message }) =>
      node === middle.node
        ? state === 'running' && /^not seen now: .* does not accept connections/.test(message)
        : state === 'waiting' && /^cluster seattle cannot be read: contact to it is lost since/.test(message),
    );
    return told.every(Boolean) && others.every(({ state }) => state === 'done') ? true : undefined;
  });
  expect(reached(stack, middle.node)).toEqual(['cordon', 'flash']);
  for (const { server } of site.nodes) server.faults.clear('update-stalls');
  find(site);
  expect(await ended(stack, id)).toMatchObject({ state: 'done', reason: 'every node is done' });
  for (const { node } of plan.targets) expect(reached(stack, node)).toEqual(['cordon', 'flash', 'reset', 'uncordon']);
});

/** Nodes of control planes as they were flashed and as they were given back, in the order of the wire. */
function order(): string[] {
  return stack.lab.effects.since().flatMap(({ name, path, body, status }) => {
    if (status >= 300) return [];
    if (isHandOver(path) && name.includes('-cp-')) return [`flash ${name}`];
    const [, node] = /^\/api\/v1\/nodes\/(\w+-cp-\d)$/.exec(path) ?? [];
    return node && JSON.stringify(body).includes('"unschedulable":false') ? [`back ${node}`] : [];
  });
}

/** Whether a member of etcd is ready, by its kubelet. */
function setMember(node: string, ready: boolean): void {
  siteOf(stack, node).cluster.store.update('pods', { namespace: 'kube-system', name: `etcd-${node}` }, draft => {
    for (const condition of draft.status.conditions ?? [])
      if (condition.type === 'Ready') condition.status = ready ? 'True' : 'False';
  });
}

it('takes control planes by a critical vote, one node at a time, a known leader last, and none that etcd cannot spare', async () => {
  const [leader, follower] = ['bos-cp-1', 'bos-cp-2'] as const;
  const [first, last] = ['chi-cp-1', 'chi-cp-2'] as const;
  const { plan, digest } = await planned({
    sites: ['boston', 'chicago'],
    nodes: [leader, follower, first, last],
    controlPlane: true,
  });
  expect(plan.waves).toEqual([
    [leader, follower],
    [first, last],
  ]);
  expect(plan.warnings.filter(text => text.includes('leader'))).toEqual([
    expect.stringMatching(/^the control plane of chicago goes one by one in this order.*: chi-cp-1, chi-cp-2 \(/),
  ]);

  const answer = (await asker.callTool('startPlan', { plan: plan.id, digest })).output as unknown as ChangeAnswer;
  const voter = await stack.client('approver');
  const approval = answer.approval ?? '';
  expect(isCritical((await voter.approval(approval)).approval)).toBe(true);
  const byToken = { vote: 'approve', reason: 'go', passphrase: stack.passphrase('approver') } as const;
  expect(await voter.vote(approval, byToken).catch(FleetError.from)).toMatchObject({ code: 'forbidden' });

  setMember('chi-cp-3', false);
  const id = await approve(stack, { plan: plan.id, digest });
  await eventually('both of chicago to wait for the quorum', async () => {
    const parts = await partsOf(id);
    const waiting = parts.filter(({ node, message }) => node.startsWith('chi') && message.includes('the quorum of 2'));
    return waiting.length === 2 || undefined;
  });
  expect([first, last].flatMap(node => reached(stack, node))).toEqual([]);
  setMember('chi-cp-3', true);
  expect(await ended(stack, id)).toMatchObject({ state: 'done', reason: 'every node is done' });
  expect(order()).toEqual([follower, leader, first, last].flatMap(node => [`flash ${node}`, `back ${node}`]));
});
