/** Machines that say no, fail or are not who they seem: the node's end tells the truth, and nothing goes on by guessing. */
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { changes } from '../support/audit.ts';
import { type Cut, cuttingProxy } from '../support/cutting-proxy.ts';
import {
  approve,
  blockedDrain,
  ended,
  flash,
  isCordoned,
  type LabDocument,
  pinned,
  planFlash,
  reached,
  reconfigure,
  siteOf,
} from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.52', sites: 4, workers: 3, speed: 60 });
});
afterAll(() => stack?.close());

function faultsOf(node: string) {
  return stack.lab.node(node).server.faults;
}

function reasonOn(node: string): string {
  const found = siteOf(stack, node).cluster.store.get('nodes', { name: node });
  return found?.metadata.annotations?.['groundskeeper.io/cordon-reason'] ?? '';
}

describe('an update', () => {
  it.each([
    ['bos-w-1', 'reject-update', /refused the update \(HTTP 400\) \(the machine said/],
    ['sea-w-1', 'unlicensed', /refused the update \(HTTP 403\): it has no licence for updates/],
  ] as const)('that the BMC refuses ends with the node as before, and says why (%s)', async (node, kind, why) => {
    faultsOf(node).set({ kind });
    const { state, nodes } = await flash(stack, node);
    expect([state, nodes[0]?.state, nodes[0]?.message]).toEqual(['halted', 'failed', expect.stringMatching(why)]);
    expect([reached(stack, node), isCordoned(stack, node)]).toEqual([['cordon', 'flash', 'uncordon'], false]);
    faultsOf(node).clear(kind);
  });

  it('that fails leaves the node cordoned, with the reason on it, and not reset', async () => {
    const node = 'bos-w-2';
    faultsOf(node).set({ kind: 'update-fails', stage: 'download' });
    const { state, nodes } = await flash(stack, node);
    expect([state, nodes[0]?.state]).toEqual(['halted', 'failed']);
    expect([reached(stack, node), isCordoned(stack, node)]).toEqual([['cordon', 'flash', 'explain'], true]);
    expect(reasonOn(node)).toContain('update task');
  });

  it('that stalls is given up at its limit, and the host is not reset while the BMC works', async () => {
    await reconfigure(stack, ({ rollout }) => {
      rollout.updateTimeout = '4s';
    });
    const node = 'chi-w-1';
    faultsOf(node).set({ kind: 'update-stalls', stage: 'download' });
    const { state } = await flash(stack, node);
    expect(state).toBe('halted');
    expect([reached(stack, node), isCordoned(stack, node)]).toEqual([['cordon', 'flash', 'explain'], true]);
    await reconfigure(stack, ({ rollout }) => {
      rollout.updateTimeout = '5m';
    });
  });

  it('is not asked for when the image on disk is not the one in the plan', async () => {
    const node = 'bos-w-3';
    const file = stack.lab.images.find(image => image.vendor === stack.lab.node(node).vendor)?.source.file ?? '';
    const good = await readFile(file);
    const planned = await planFlash(stack, node);
    await writeFile(file, Buffer.concat([good, Buffer.from('x')]));
    const { state, reason } = await ended(stack, await approve(stack, planned));
    await writeFile(file, good);
    expect([state, reason]).toEqual(['halted', expect.stringContaining('SHA-256')]);
    expect([reached(stack, node), isCordoned(stack, node)]).toEqual([[], false]);
  });

  it('waits for nobody when another node goes down while it drains: over budget, it goes back', async () => {
    const { node, unpin } = await pinned(site('seattle'));
    const others = site('seattle').nodes.filter(each => each.role === 'worker' && each.name !== node);
    const operation = await approve(stack, await planFlash(stack, node));
    await blockedDrain(stack, operation);
    for (const { host } of others) host.powerOff();
    await eventually('two other nodes to be NotReady', async () => {
      const ready = ({ name }: { name: string }) =>
        site('seattle')
          .cluster.store.get('nodes', { name })
          ?.status.conditions?.find(condition => condition.type === 'Ready')?.status === 'True';
      return others.some(ready) ? undefined : true;
    });
    const { state, reason } = await ended(stack, operation);
    unpin(); // only now: until then a look from before could have let the pod go
    expect([state, reason]).toEqual(['halted', expect.stringContaining('over-budget')]);
    const asked = stack.lab.effects
      .since()
      .filter(({ name, path }) => name === 'seattle' && /\/pods\/single-[^/]+\/eviction$/.test(path));
    expect(new Set(asked.map(effect => effect.status))).toEqual(new Set([429]));
    expect([reached(stack, node), isCordoned(stack, node)]).toEqual([['cordon', 'uncordon'], false]);
    for (const { host } of others) host.powerOn();
  });
});

describe('a node', () => {
  it('that one operation works on is closed to another', async () => {
    const { node, unpin } = await pinned(site('site-4'));
    const asker = await stack.client('requester');
    const drainPlan = (await asker.callTool('drainNode', { node, deleteEmptyDir: true, dryRun: true })).output;
    const first = await approve(stack, await planFlash(stack, node));
    await blockedDrain(stack, first);
    const second = await ended(stack, await approve(stack, drainPlan as never));
    expect([second.state, second.reason]).toEqual(['halted', expect.stringContaining(first)]);
    expect(reached(stack, node)).toEqual(['cordon']);
    unpin();
    expect((await ended(stack, first)).state).toBe('done');
  });

  it('whose BMC is another machine than planned is not touched, nor is the other machine', async () => {
    const [node, other] = ['s4-w-1', 's4-w-2'];
    const planned = await planFlash(stack, node);
    await reconfigure(stack, ({ sites }) => {
      const nodes = sites.flatMap(each => each.clusters.flatMap(cluster => cluster.nodes));
      const [mine, theirs] = [node, other].map(name => nodes.find(each => each.name === name)?.server);
      if (!mine || !theirs) throw new Error('the configuration has no such nodes');
      [mine.bmc, theirs.bmc, mine.serial, theirs.serial] = [theirs.bmc, mine.bmc, theirs.serial, mine.serial];
    });
    const before = changes(stack.lab.effects.since()).length;
    const { state, reason } = await ended(stack, await approve(stack, planned));
    expect([state, reason]).toEqual(['halted', expect.stringContaining('not proved to be the planned machine')]);
    expect(changes(stack.lab.effects.since()).slice(before)).toEqual([]);
  });
});

describe('an image that is cut in the middle', () => {
  async function cutOff(name: string, node: string, cut: Cut) {
    const { imageListener } =
      (parse(await readFile(stack.config.file, 'utf8')) as LabDocument).sites.find(each => each.name === name) ?? {};
    const proxy = await cuttingProxy(imageListener?.advertise ?? '', cut);
    await reconfigure(stack, ({ sites }) => {
      for (const each of sites) if (each.name === name) each.imageListener.advertise = proxy.url;
    });
    const operation = await flash(stack, node);
    proxy.close();
    return { operation, cuts: proxy.cuts() };
  }

  it('is fetched again by a BMC that sees it, under the same order, and the version is proved as always', async () => {
    const { operation, cuts } = await cutOff('boston', 'bos-w-1', 'once');
    expect([operation.state, cuts]).toEqual(['done', 1]);
    expect(reached(stack, 'bos-w-1').slice(-4)).toEqual(['cordon', 'flash', 'reset', 'uncordon']);
  });

  it('leaves its node cordoned, with the reason, and not reset, where the BMC takes the half for the whole', async () => {
    const { operation, cuts } = await cutOff('seattle', 'sea-w-1', 'unnoticed');
    expect([operation.state, operation.nodes[0]?.state, cuts]).toEqual(['halted', 'failed', 1]);
    expect([reached(stack, 'sea-w-1').slice(-3), isCordoned(stack, 'sea-w-1')]).toEqual([
      ['cordon', 'flash', 'explain'],
      true,
    ]);
    expect(operation.nodes[0]?.message).toContain('signature');
    expect(reasonOn('sea-w-1')).toContain('update task');
  });
});

function site(name: string) {
  const found = stack.lab.sites.find(each => each.name === name);
  if (!found) throw new Error(`the lab has no site ${name}`);
  return found;
}
