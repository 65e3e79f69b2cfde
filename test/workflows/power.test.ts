/** A server is restarted or switched only when it is empty, or silent and said to be so; what the BMC received proves it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import { FleetError } from '../../src/core/errors.ts';
import type { Operation } from '../../src/core/operation.ts';
import { changes, custodyEntries, unaccounted } from '../support/audit.ts';
import { updateByHand } from '../support/hand-update.ts';
import { approve, blockedDrain, ended, isCordoned, pinned, reached, siteOf } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.63', sites: 2, workers: 3, speed: 60 });
});
afterAll(() => stack?.close());

async function plan(node: string, power: string, more = {}): Promise<ChangeAnswer> {
  const asker = await stack.client('requester');
  const input = { node, power, deleteEmptyDir: power !== 'on', ...more, dryRun: true };
  return (await asker.callTool('setNodePower', input)).output as unknown as ChangeAnswer;
}

async function start({ plan: id, digest }: ChangeAnswer): Promise<Operation> {
  const asker = await stack.client('requester');
  const { operation } = (await asker.callTool('startPlan', { plan: id, digest })).output as unknown as ChangeAnswer;
  return ended(stack, operation ?? '');
}

/** What the BMC was asked, oldest first. */
function resets(node: string): unknown[] {
  return changes(stack.lab.effects.since()).flatMap(({ kind, name, path, body }) =>
    kind === 'bmc' && name === node && path.endsWith('ComputerSystem.Reset')
      ? [(body as { ResetType: unknown }).ResetType]
      : [],
  );
}

function nodeObject(name: string) {
  const node = siteOf(stack, name).cluster.store.get('nodes', { name });
  if (!node) throw new Error(`no node ${name}`);
  return node;
}

function readyStatus(node: string) {
  return nodeObject(node).status.conditions?.find(({ type }) => type === 'Ready')?.status;
}

function podsOn(node: string): string[] {
  return siteOf(stack, node)
    .cluster.store.list('pods')
    .filter(({ spec, metadata }) => spec.nodeName === node && metadata.ownerReferences?.[0]?.kind !== 'DaemonSet')
    .map(({ metadata }) => metadata.name);
}

async function drained(operation: string): Promise<void> {
  const client = await stack.client('requester');
  await eventually('the drain to be over', async () =>
    (await client.operationEvents(operation, { after: 0, waitMs: 0 })).events.find(
      ({ step, status }) => step === 'drain' && status === 'ok',
    ),
  );
}

describe('a restart', () => {
  it('empties the node, resets it once, and uncordons it when it is proved to be back', async () => {
    const node = 'bos-w-1';
    const before = nodeObject(node).status.nodeInfo?.bootID;
    const { state } = await ended(stack, await approve(stack, await plan(node, 'restart')));
    expect(state).toBe('done');
    expect(reached(stack, node)).toEqual(['cordon', 'reset', 'uncordon']);
    const evictions = changes(stack.lab.effects.since()).findIndex(({ path }) => path.endsWith('/eviction'));
    const reset = changes(stack.lab.effects.since()).findIndex(({ path }) => path.endsWith('ComputerSystem.Reset'));
    expect(evictions).toBeGreaterThan(-1);
    expect(evictions).toBeLessThan(reset);
    expect(nodeObject(node).status.nodeInfo?.bootID).not.toBe(before);
    expect(isCordoned(stack, node)).toBe(false);
  });

  it('that is cancelled while its drain waits resets nothing and takes its cordon back', async () => {
    const { node, unpin } = await pinned(siteOf(stack, 'chi-w-1'));
    const operation = await approve(stack, await plan(node, 'restart'));
    await blockedDrain(stack, operation);
    await (await stack.client('requester')).callTool('cancelOperation', { operation });
    expect((await ended(stack, operation)).state).toBe('cancelled');
    unpin();
    expect([resets(node), isCordoned(stack, node)]).toEqual([[], false]);
  });
});

describe('a control-plane node', () => {
  /** Whether the third member of boston's etcd is ready, by its kubelet. */
  function memberIs(ready: boolean): void {
    const pod = { namespace: 'kube-system', name: 'etcd-bos-cp-3' };
    siteOf(stack, 'bos-cp-3').cluster.store.update('pods', pod, draft => {
      for (const condition of draft.status.conditions ?? [])
        if (condition.type === 'Ready') condition.status = ready ? 'True' : 'False';
    });
  }

  it('is restarted while etcd keeps its quorum', async () => {
    const answer = await plan('bos-cp-1', 'restart');
    const { state } = await ended(stack, await approve(stack, answer));
    expect([state, reached(stack, 'bos-cp-1')]).toEqual(['done', ['cordon', 'reset', 'uncordon']]);
  });

  it('is left alone where etcd loses it: no plan is made, and one that was made reaches nothing', async () => {
    const answer = await eventually('etcd to be whole again', () => plan('bos-cp-2', 'restart').catch(() => undefined));
    memberIs(false);
    const refused = await plan('bos-cp-2', 'restart').catch(FleetError.from);
    expect(refused).toMatchObject({ code: 'precondition_failed', message: expect.stringContaining('etcd') });
    const { state, nodes } = await ended(stack, await approve(stack, answer));
    expect([state, nodes[0]?.message]).toEqual(['halted', expect.stringContaining('quorum')]);
    expect(reached(stack, 'bos-cp-2')).toEqual([]);
    memberIs(true);
  });

  it('is not reset where etcd loses it after the drain, and is given back', async () => {
    const answer = await plan('bos-cp-2', 'restart');
    const { server } = stack.lab.node('bos-cp-2');
    server.faults.set({ kind: 'slow', ms: 700 });
    const operation = await approve(stack, answer);
    await drained(operation);
    memberIs(false);
    const { state, nodes } = await ended(stack, operation);
    server.faults.clear('slow');
    expect([state, nodes[0]?.message]).toEqual(['halted', expect.stringContaining('quorum')]);
    expect(reached(stack, 'bos-cp-2')).toEqual(['cordon', 'uncordon']);
    memberIs(true);
  });
});

it('a restart does not apply an update that somebody staged: it is refused before the cordon', async () => {
  const node = ['chi-w-1', 'chi-w-2', 'chi-w-3'].find(name => stack.lab.node(name).vendor === 'dell') ?? '';
  const byHand = await updateByHand(stack, node);
  await byHand.jobIs('Scheduled');
  const before = reached(stack, node);
  const { state, nodes } = await ended(stack, await approve(stack, await plan(node, 'restart')));
  expect([state, nodes[0]?.message]).toEqual(['halted', expect.stringContaining('is staged on the BMC')]);
  expect(reached(stack, node)).toEqual(before);
  await byHand.close();
});

it('a node that somebody uncordoned after its drain is not reset', async () => {
  const node = 'bos-w-3';
  const { server } = stack.lab.node(node);
  const answer = await plan(node, 'restart');
  // Slow enough that there is time between the end of the drain and the reset.
  server.faults.set({ kind: 'slow', ms: 700 });
  const operation = await approve(stack, answer);
  await drained(operation);
  siteOf(stack, node).cluster.store.update('nodes', { name: node }, draft => {
    draft.spec.unschedulable = false;
  });
  const { state, nodes } = await ended(stack, operation);
  server.faults.clear('slow');
  expect([state, nodes[0]?.message]).toEqual(['halted', expect.stringContaining('not cordoned any more')]);
  expect(resets(node)).toEqual([]);
});

it('a server that is not the planned one is not switched', async () => {
  const node = 'bos-w-3';
  const answer = await plan(node, 'off');
  const host = stack.lab.node(node).host as { uuid: string };
  const own = host.uuid;
  host.uuid = own.replace(/.$/, last => (last === '0' ? '1' : '0'));
  const { state, nodes } = await ended(stack, await approve(stack, answer));
  host.uuid = own;
  expect([state, nodes[0]?.message]).toEqual([
    'halted',
    expect.stringContaining('not proved to be the planned machine'),
  ]);
  expect(resets(node)).toEqual([]);
});

describe('a server that is switched off', () => {
  const node = 'bos-w-2';

  it('is shut down when it is empty, and its node stays cordoned', async () => {
    const { state, nodes } = await ended(stack, await approve(stack, await plan(node, 'off')));
    expect([state, nodes[0]?.message]).toEqual(['done', expect.stringContaining('the BMC says off')]);
    expect([resets(node), stack.lab.node(node).host.poweredOn]).toEqual([['GracefulShutdown'], false]);
    expect([isCordoned(stack, node), podsOn(node)]).toEqual([true, []]);
  });

  it('is switched on by one person alone, keeps its cordon, and is released by uncordoning', async () => {
    const { state, nodes } = await start(await plan(node, 'on'));
    expect([state, nodes[0]?.message]).toEqual(['done', expect.stringContaining('Ready since')]);
    expect([resets(node), isCordoned(stack, node)]).toEqual([['GracefulShutdown', 'On'], true]);
    const asker = await stack.client('requester');
    const { output } = await asker.callTool('uncordonNode', { node, dryRun: true });
    expect((await start(output as unknown as ChangeAnswer)).state).toBe('done');
    expect(isCordoned(stack, node)).toBe(false);
  });

  it('is not asked again when it is on already', async () => {
    const { nodes } = await start(await plan(node, 'on'));
    expect([nodes[0]?.message, resets(node).length]).toEqual(['was on already', 2]);
  });
});

describe('undrained', () => {
  const node = 'bos-w-3';

  it('nothing is touched that Kubernetes hears from', async () => {
    const refused = await plan(node, 'restart', { undrained: true }).catch(thrown => FleetError.from(thrown));
    expect(refused).toMatchObject({ code: 'precondition_failed', message: expect.stringContaining('hears from') });
  });

  it('a silent node is restarted, and not when it came back in the meantime', async () => {
    const { host } = stack.lab.node(node);
    const silent = () =>
      eventually('the node to be silent', async () => (readyStatus(node) === 'Unknown' ? true : undefined));
    const heard = () =>
      eventually('the node to be heard', async () => (readyStatus(node) === 'True' ? true : undefined));
    host.emit('down');
    await silent();
    const first = await plan(node, 'restart', { undrained: true });
    expect(first.warnings.join()).toContain('cut off, not moved');
    host.emit('up');
    await heard();
    const spared = await ended(stack, await approve(stack, first));
    expect([spared.state, spared.nodes[0]?.message]).toEqual(['halted', expect.stringContaining('hears from')]);
    expect([resets(node), isCordoned(stack, node)]).toEqual([[], false]);
    host.emit('down');
    await silent();
    const done = await ended(stack, await approve(stack, await plan(node, 'restart', { undrained: true })));
    expect(done.state).toBe('done');
    expect(resets(node)).toHaveLength(1);
    expect([readyStatus(node), isCordoned(stack, node)]).toEqual(['True', false]);
  });
});

it('leaves no write without its record', async () => {
  const client = await stack.client('requester');
  // The one update here was staged by hand, with the same account.
  const ours = stack.lab.effects
    .since()
    .filter(({ caller, path }) => caller.startsWith('groundskeeper') && !path.endsWith('SimpleUpdate'));
  expect(ours.length).toBeGreaterThan(0);
  expect(unaccounted(ours, await custodyEntries(client))).toEqual([]);
});
