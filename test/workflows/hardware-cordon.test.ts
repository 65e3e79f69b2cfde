/** A node whose hardware fails is cordoned before its pods suffer for long; what only looks like it leads to no write. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../src/surfaces/cli/client.ts';
import { custodyEntries, unaccounted } from '../support/audit.ts';
import { isCordoned, siteOf } from '../support/rollout.ts';
import { conditionOf, cordonsSent, eventsOf, found, sicken, writesAbout } from '../support/sick-nodes.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let client: Client;
/** One that counts memory errors, and four others. */
let nodes: { failing: string; noisy: string; silent: string; single: string; known: string };

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.120', sites: 1, workers: 6, speed: 60, sampleEvery: '2s' });
  client = await stack.client('requester');
  const workers = [1, 2, 3, 4, 5, 6].map(index => `bos-w-${index}`);
  const failing = workers.find(name => stack.lab.node(name).vendor === 'dell') ?? '';
  const [noisy = '', silent = '', single = '', known = ''] = workers.filter(name => name !== failing);
  nodes = { failing, noisy, silent, single, known };
});
afterAll(() => stack?.close());

/** Workloads of a node that ended as bad memory ends them. */
function crashedOn(node: string): string[] {
  const pods = siteOf(stack, node).cluster.store.list('pods');
  return [
    ...new Set(
      pods
        .filter(pod => pod.spec.nodeName === node && JSON.stringify(pod.status).includes('"exitCode":139'))
        .map(({ metadata }) => `${metadata.namespace}/${metadata.ownerReferences?.[0]?.name}`),
    ),
  ];
}

/** Looks that gave a sample of this node between two moments, as they were written down. */
async function samplesBetween(node: string, from: Date, to: Date): Promise<number> {
  const database = new pg.Client({ connectionString: stack.databaseUrl });
  await database.connect();
  try {
    const wanted = 'select 1 from reading where node = $1 and at > $2 and at < $3 and missing is null';
    return (await database.query(wanted, [node, from, to])).rows.length;
  } finally {
    await database.end();
  }
}

it('a sensor that is noisy, a BMC that is silent, one signal and a finding that a person knows: nothing is cordoned', async () => {
  const { noisy, silent, single, known } = nodes;
  const [inlet] = stack.lab.node(noisy).server.profile.temperatures;
  stack.lab.node(noisy).server.faults.set({ kind: 'sensor-noisy', sensor: inlet?.id ?? '', amplitude: 6 });
  stack.lab.node(silent).server.faults.set({ kind: 'bmc-down', mode: 'refused' });
  sicken(stack, single, 'drive');
  sicken(stack, known, 'drive');
  const { id } = await found(client, known, 'drive-predicted-failure');
  await client.callTool('acknowledgeFinding', { finding: id });
  sicken(stack, known, 'supply');
  await Promise.all([
    found(client, silent, 'bmc-unreachable'),
    found(client, single, 'drive-predicted-failure'),
    // Critical, so its Node says so: not cordoned, but told.
    eventually('the condition', async () => conditionOf(stack, known).status === 'False' || undefined),
  ]);
  expect(conditionOf(stack, known)).toMatchObject({
    reason: 'HardwareFinding',
    message: expect.stringMatching(/power supply/),
  });
  expect(cordonsSent(stack)).toEqual([]);
});

describe('memory that degrades, and pods that crash on it', () => {
  it('have the node cordoned once, within two samples, with a condition and an Event that say why', async () => {
    const { failing, noisy, silent, single } = nodes;
    stack.lab.node(failing).server.faults.set({ kind: 'ecc-rising', dimm: 3, perMinute: 12 });
    await found(client, failing, 'memory-corrected');
    await eventually('two workloads to crash', async () => crashedOn(failing).length >= 2 || undefined);
    const second = new Date();
    await eventually('the Node to be cordoned', async () => isCordoned(stack, failing) || undefined);
    const sent = writesAbout(stack, failing).find(({ body }) => JSON.stringify(body).includes('"unschedulable":true'));
    const cordoned = new Date(sent?.time ?? '');
    expect(await samplesBetween(failing, second, cordoned)).toBeLessThanOrEqual(2);

    const told = () => eventsOf(stack, failing).filter(({ reason }) => reason === 'HardwareFailing');
    await eventually('its Event', async () => told().length > 0 || undefined);
    const why = expect.stringMatching(/DIMM A3: \d+ corrected errors.*workloads crash on this node alone/);
    expect(told()).toMatchObject([{ message: why }]);
    expect(conditionOf(stack, failing)).toMatchObject({ status: 'False', reason: 'HardwareFailing', message: why });
    expect(cordonsSent(stack)).toEqual([`cordon ${failing}`]);
    for (const node of [noisy, silent, single]) expect([node, writesAbout(stack, node)]).toEqual([node, []]);
  });

  it('are explained by the DIMM', async () => {
    const pod = siteOf(stack, nodes.failing)
      .cluster.store.list('pods')
      .find(each => each.spec.nodeName === nodes.failing && JSON.stringify(each.status).includes('"exitCode":139'));
    const name = `${pod?.metadata.namespace}/${pod?.metadata.name}`;
    const { output } = await client.callTool('explainPodFailure', { cluster: 'boston', pod: name });
    const [first] = (output as unknown as { explanations: { cause: string; text: string }[] }).explanations;
    expect(first).toMatchObject({ cause: 'memory-corrected', text: expect.stringContaining('DIMM A3') });
  });

  it('are on record as asked for by Groundskeeper itself, and by nobody else', async () => {
    const entries = await custodyEntries(client);
    expect(unaccounted(stack.lab.effects.since(), entries)).toEqual([]);
    const asked = entries.filter(entry => entry.type === 'decision' && entry.action === 'cordonForHealth');
    expect(asked).toMatchObject([
      {
        verdict: 'allow',
        actor: { sub: 'groundskeeper', groups: ['groundskeeper'] },
        via: { channel: 'watch' },
      },
    ]);
    expect(entries.filter(({ type }) => type === 'vote')).toEqual([]);
    const { output } = await client.callTool('listFindings', {});
    expect(output.cordons).toEqual({ state: 'on', nodes: [nodes.failing] });
  });
});
