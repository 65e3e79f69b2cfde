/** What keeps cordons for hardware few, and people in charge: budget, breaker, other people's cordons, policy, crashes. */
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CordonStatus } from '../../src/core/health-records.ts';
import type { Client } from '../../src/surfaces/cli/client.ts';
import { custodyEntries, unaccounted } from '../support/audit.ts';
import { shippedPolicies } from '../support/guard.ts';
import { ended, isCordoned, reconfigure, siteOf } from '../support/rollout.ts';
import {
  conditionOf,
  cordonsSent,
  eventsOf,
  found,
  heal,
  kubectl,
  sicken,
  writesAbout,
} from '../support/sick-nodes.ts';
import { eventually, type Stack, type StackOptions, startStack } from '../support/stack.ts';

let stack: Stack;
let client: Client;

function begin(options: Partial<StackOptions>): () => Promise<void> {
  return async () => {
    stack = await startStack({ addressBase: '127.119', workers: 6, sampleEvery: '200ms', ...options });
    client = await stack.client('requester');
  };
}

const end = () => stack?.close();

async function status(): Promise<CordonStatus> {
  return (await client.callTool('listFindings', {})).output.cordons as CordonStatus;
}

/** Both findings stand, and its Node has been looked at since. */
async function isSick(node: string): Promise<void> {
  await found(client, node, 'drive-predicted-failure');
  await found(client, node, 'power-supply');
  await eventually(
    `${node} to be told as failing`,
    async () => conditionOf(stack, node).status === 'False' || undefined,
  );
}

/** Every look at seven BMCs, and every step of an operation, takes its time on a busy machine. */
const timeout = 180_000;

describe('with a budget of one', { timeout }, () => {
  beforeAll(async () => {
    await begin({ healthCordon: { healthyFor: '2s', maxPerHour: 4 } })();
    // So that it is not the cluster's own budget that keeps the others from being cordoned.
    await reconfigure(stack, ({ sites }) => {
      for (const { clusters } of sites) for (const { budget } of clusters) budget.maxUnavailable = 5;
    });
    client = await stack.client('requester');
  });
  afterAll(end);
  const sick = ['bos-w-1', 'bos-w-2', 'bos-w-3'];
  const fourth = 'bos-w-4';
  const theirs = 'bos-w-6';
  const order: string[] = [];

  it('one of three sick nodes is cordoned, and the one that a person cordoned is left alone', async () => {
    await kubectl(stack, theirs, true);
    for (const node of [...sick, theirs]) sicken(stack, node, 'drive', 'supply');
    await Promise.all([...sick, theirs].map(isSick));
    const [first = ''] = sick.filter(node => isCordoned(stack, node));
    order.push(first);
    expect(cordonsSent(stack)).toEqual([`cordon ${first}`]);
    expect(writesAbout(stack, theirs).filter(({ path }) => path === `/api/v1/nodes/${theirs}`)).toEqual([]);
    expect(siteOf(stack, theirs).cluster.store.get('nodes', { name: theirs })?.metadata.annotations).toEqual(
      expect.not.objectContaining({ 'groundskeeper.io/cordoned-by': expect.anything() }),
    );
  });

  it('it is released once it has been well for long enough, and then the next one has its turn', async () => {
    const [first = ''] = order;
    heal(stack, first);
    await eventually('the next to be cordoned', async () => cordonsSent(stack)[2]);
    const second = sick.find(node => node !== first && isCordoned(stack, node)) ?? '';
    order.push(second);
    expect(cordonsSent(stack)).toEqual([`cordon ${first}`, `uncordon ${first}`, `cordon ${second}`]);
    await eventually('its Event', async () =>
      eventsOf(stack, first).find(({ reason }) => reason === 'HardwareRecovered'),
    );
    expect(conditionOf(stack, first)).toMatchObject({ status: 'True', reason: 'HardwareRecovered' });
  });

  it('one that a person uncordons is not cordoned again for the same signals, after a restart neither', async () => {
    const [, second = ''] = order;
    await kubectl(stack, second, null);
    const third = sick.find(node => !order.includes(node)) ?? '';
    await eventually('the third to have its turn', async () => isCordoned(stack, third) || undefined);
    order.push(third);
    await stack.kill();
    await stack.start();
    client = await stack.client('requester');
    heal(stack, third);
    await eventually('the third to be released', async () => !isCordoned(stack, third) || undefined);
    // The second comes before this one in the fleet: with its signals it would have its turn first.
    sicken(stack, fourth, 'drive', 'supply');
    await eventually('the fourth to have its turn', async () => isCordoned(stack, fourth) || undefined);
    expect(cordonsSent(stack).filter(sent => sent.endsWith(second))).toEqual([`cordon ${second}`]);
  });

  it('after so many within an hour no further one is cordoned, until a person has looked', async () => {
    const next = 'bos-w-5';
    heal(stack, fourth);
    // On record, too: it stops holding one cordon only then.
    await eventually('the fourth to be released', async () => {
      const now = await status();
      return now.state === 'on' && now.nodes.length === 0 ? true : undefined;
    });
    expect(isCordoned(stack, fourth)).toBe(false);
    sicken(stack, next, 'drive', 'supply');
    const stopped = await eventually('it to stop', async () => {
      const now = await status();
      return now.state === 'stopped' ? now : undefined;
    });
    await isSick(next);
    expect([stopped.nodes, isCordoned(stack, next)]).toEqual([[], false]);
    await client.callTool('resumeHealthCordons', { site: 'boston' });
    await eventually('the next to be cordoned', async () => isCordoned(stack, next) || undefined);
    expect(await status()).toEqual({ state: 'on', nodes: [next] });
    const ours = stack.lab.effects.since().filter(({ path }) => !path.includes('kubectl'));
    expect(unaccounted(ours, await custodyEntries(client))).toEqual([]);
  });
});

describe('a service that is killed', { timeout }, () => {
  beforeAll(begin({ healthCordon: { drain: true } }));
  afterAll(end);
  const node = 'bos-w-2';

  it('between the request and its outcome sends it no second time', async () => {
    const { faults } = siteOf(stack, node).cluster;
    sicken(stack, node, 'drive');
    await found(client, node, 'drive-predicted-failure');
    faults.set({ kind: 'slow', ms: 1000 });
    sicken(stack, node, 'supply');
    await eventually('the cordon to reach the cluster', async () => isCordoned(stack, node) || undefined, timeout);
    await stack.kill();
    faults.clear();
    await stack.start();
    client = await stack.client('requester');
    await eventually('its Event', async () => eventsOf(stack, node).find(({ reason }) => reason === 'HardwareFailing'));
    expect(cordonsSent(stack)).toEqual([`cordon ${node}`]);
    const entries = await custodyEntries(client);
    expect(entries.flatMap(entry => (entry.type === 'effect.reconciled' ? [entry.finding] : []))).toContain('happened');
    expect(await status()).toEqual({ state: 'on', nodes: [node] });
  });

  it('has asked people whether the node may be drained, and drains it once they let it', async () => {
    const [request, ...others] = await eventually('the request', async () => {
      const pending = await client.approvals('pending');
      return pending.length > 0 ? pending : undefined;
    });
    expect([request?.requester, request?.channel, others]).toEqual(['groundskeeper', 'watch', []]);
    const evictions = () => stack.lab.effects.since().filter(({ path }) => path.endsWith('/eviction'));
    expect(evictions()).toEqual([]);
    const voter = await stack.client('approver');
    const vote = { vote: 'approve', reason: 'go', passphrase: stack.passphrase('approver') } as const;
    const { operation = '' } = await voter.vote(request?.id ?? '', vote);
    expect((await ended(stack, operation)).state).toBe('done');
    expect([evictions().length > 0, isCordoned(stack, node)]).toEqual([true, true]);
  });
});

/** The service of a moment later, under the shipped policies after somebody edited them. */
async function underPolicies(edit: (folder: string) => Promise<void>): Promise<void> {
  const policies = join(dirname(stack.config.file), 'policies');
  await rm(policies, { recursive: true, force: true });
  await cp(shippedPolicies, policies, { recursive: true });
  await edit(policies);
  await reconfigure(stack, document => Object.assign(document, { policies }));
  client = await stack.client('requester');
}

describe('a policy that somebody edited', { timeout }, () => {
  beforeAll(begin({}));
  afterAll(end);

  it('to have people approve it leads to one request, and to nothing where the evidence is gone when they do', async () => {
    const node = 'bos-w-2';
    await underPolicies(async folder => {
      const file = join(folder, 'approvals.cedar');
      const text = await readFile(file, 'utf8');
      await writeFile(file, text.replace('action == Fleet::Action::"cordonForHealth" ||', ''));
    });
    sicken(stack, node, 'drive', 'supply');
    const request = await eventually('the request', async () => (await client.approvals('pending'))[0]);
    await isSick(node);
    const { id } = await found(client, node, 'drive-predicted-failure');
    await client.callTool('acknowledgeFinding', { finding: id });
    const voter = await stack.client('approver');
    const vote = { vote: 'approve', reason: 'go', passphrase: stack.passphrase('approver') } as const;
    const { operation = '' } = await voter.vote(request.id, vote);
    const { state, nodes } = await ended(stack, operation);
    expect([state, nodes[0]?.message]).toEqual(['cancelled', expect.stringContaining('one signal is not enough')]);
    expect(cordonsSent(stack)).toEqual([]);
    expect((await client.approvals()).length).toBe(1);
    heal(stack, node);
  });

  it('so that it is not permitted leads to a denial on record, and to no write', async () => {
    await underPolicies(folder => rm(join(folder, 'health.cedar')));
    sicken(stack, 'bos-w-1', 'drive', 'supply');
    const denied = await eventually('the denial', async () =>
      (await custodyEntries(client)).find(
        entry => entry.type === 'decision' && entry.verdict === 'deny' && entry.action === 'cordonForHealth',
      ),
    );
    expect(denied).toMatchObject({ actor: { sub: 'groundskeeper' } });
    expect(writesAbout(stack, 'bos-w-1')).toEqual([]);
  });
});

describe('switched off in the configuration', () => {
  beforeAll(begin({ healthCordon: 'off' }));
  afterAll(end);

  it('finds, and asks for nothing', async () => {
    sicken(stack, 'bos-w-1', 'drive', 'supply');
    await found(client, 'bos-w-1', 'drive-predicted-failure');
    await found(client, 'bos-w-1', 'power-supply');
    expect(await status()).toEqual({ state: 'off' });
    expect((await custodyEntries(client)).filter(({ type }) => type === 'plan')).toEqual([]);
  });
});
