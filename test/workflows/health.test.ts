/** From the BMC to the answer: a server that degrades is found, a noisy one is not, and what was not read is a gap. */
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { FleetError } from '../../src/core/errors.ts';
import type { Client } from '../../src/surfaces/cli/client.ts';
import type { FindingOutput } from '../../tools/parts/finding-output.ts';
import { custodyEntries } from '../support/audit.ts';
import { siteOf } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let client: Client;
/** One that counts memory errors, and three others. */
let nodes: { counting: string; noisy: string; innocent: string; silent: string };

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.64', sites: 1, workers: 4, speed: 60, sampleEvery: '200ms' });
  client = await stack.client('requester');
  const workers = ['bos-w-1', 'bos-w-2', 'bos-w-3', 'bos-w-4'];
  const counting = workers.find(name => stack.lab.node(name).vendor === 'dell') ?? '';
  const [noisy = '', innocent = '', silent = ''] = workers.filter(name => name !== counting);
  nodes = { counting, noisy, innocent, silent };
});
afterAll(() => stack?.close());

async function findings(input: { node?: string; hours?: number } = {}): Promise<FindingOutput[]> {
  const { output } = await client.callTool('listFindings', input);
  // All of the lab runs older firmware than its baseline wants.
  return (output as unknown as { findings: FindingOutput[] }).findings.filter(({ kind }) => kind !== 'firmware-drift');
}

async function series(node: string, sensor: string) {
  const { output } = await client.callTool('getSensorHistory', { node, sensor, hours: 0.02 });
  const { series: found } = output as unknown as {
    series: {
      points: { low: number | null; mean: number | null; high: number | null }[];
      gaps: { at: string; reason: string }[];
    };
  };
  return found;
}

function findingOf(kind: string, node: string): Promise<FindingOutput> {
  return eventually(`${kind} on ${node}`, async () => (await findings({ node })).find(each => each.kind === kind));
}

describe('memory that degrades', () => {
  it('is found by its DIMM, and explains the pods that crash on it', async () => {
    const node = nodes.counting;
    expect(await findings()).toEqual([]);
    stack.lab.node(node).server.faults.set({ kind: 'ecc-rising', dimm: 3, perMinute: 60 });
    const finding = await findingOf('memory-corrected', node);
    expect(finding.text).toMatch(/DIMM A3: \d+ corrected errors/);
    expect(finding.evidence.length).toBeGreaterThan(0);
    const crashed = await eventually('a pod to crash on it', async () =>
      siteOf(stack, node)
        .cluster.store.list('pods')
        .find(pod => pod.spec.nodeName === node && JSON.stringify(pod.status).includes('"exitCode":139')),
    );
    const pod = `${crashed.metadata.namespace}/${crashed.metadata.name}`;
    const { output } = await client.callTool('explainPodFailure', { cluster: 'boston', pod });
    expect(output).toMatchObject({ node, failed: 'Error, exit code 139' });
    const [first] = (output as unknown as { explanations: { cause: string; text: string }[] }).explanations;
    expect(first).toMatchObject({ cause: 'memory-corrected', text: expect.stringContaining('DIMM A3') });
  });

  it('is acknowledged by name, on record, and is told as such', async () => {
    const node = nodes.counting;
    // One that gets worse is open again.
    const { id } = await eventually('it to be critical', async () =>
      (await findings({ node })).find(({ kind, level }) => kind === 'memory-corrected' && level === 'critical'),
    );
    await client.callTool('acknowledgeFinding', { finding: id });
    const told = await findingOf('memory-corrected', node);
    expect([told.state, told.acknowledgedBy]).toEqual(['acknowledged', 'day-shift']);
    const entries = await custodyEntries(client);
    expect(entries).toContainEqual(expect.objectContaining({ type: 'finding', finding: id, action: 'acknowledged' }));
    const unknown = client.callTool('acknowledgeFinding', { finding: 'finding-none' });
    await expect(unknown.catch(thrown => FleetError.from(thrown).code)).resolves.toBe('not_found');
  });

  it('stays found when the service starts again', async () => {
    const node = nodes.counting;
    const before = await findingOf('memory-corrected', node);
    await stack.kill();
    await stack.start();
    client = await stack.client('requester');
    const after = await findingOf('memory-corrected', node);
    expect([after.id, after.since, after.state]).toEqual([before.id, before.since, 'acknowledged']);
  });
});

it('a sensor that is noisy and well is no finding', async () => {
  const node = nodes.noisy;
  const { server } = stack.lab.node(node);
  const [inlet] = server.profile.temperatures;
  server.faults.set({ kind: 'sensor-noisy', sensor: inlet?.id ?? '', amplitude: 6 });
  await eventually('its history to show the noise', async () => {
    const { points } = await series(node, inlet?.name ?? '');
    const read = points.flatMap(({ low, high }) => (low === null || high === null ? [] : [low, high]));
    return Math.max(...read) - Math.min(...read) > 6 ? true : undefined;
  });
  expect(await findings({ node })).toEqual([]);
});

it('a pod that crashed for its own reasons is not blamed on the hardware', async () => {
  const node = nodes.innocent;
  stack.lab.node(node).host.emit('memory-error');
  const crashed = await eventually('a pod to crash', async () =>
    siteOf(stack, node)
      .cluster.store.list('pods')
      .find(pod => pod.spec.nodeName === node && JSON.stringify(pod.status).includes('"exitCode":139')),
  );
  const pod = `${crashed.metadata.namespace}/${crashed.metadata.name}`;
  const { output } = await client.callTool('explainPodFailure', { cluster: 'boston', pod });
  const { explanations } = output as unknown as { explanations: { cause: string }[] };
  expect(explanations.map(({ cause }) => cause)).toEqual(['none']);
});

it('a BMC that does not answer is a gap with its reason, a finding of its own, and holds nobody else up', async () => {
  const { silent: node, innocent: other } = nodes;
  const sensor = 'power';
  await eventually('it to be measured', async () =>
    (await series(node, sensor).catch(() => undefined))?.points.some(({ mean }) => mean !== null),
  );
  stack.lab.node(node).server.faults.set({ kind: 'bmc-down', mode: 'refused' });
  const finding = await findingOf('bmc-unreachable', node);
  expect(finding.level).toBe('warning');
  const seen = await series(node, sensor);
  expect(seen.points.some(({ mean }) => mean === null)).toBe(true);
  expect(seen.gaps[0]?.reason).toMatch(/127\.64\.\d+\.\d+/);
  expect((await series(other, sensor)).gaps).toEqual([]);
  stack.lab.node(node).server.faults.clear('bmc-down');
  await eventually('the finding to be over', async () =>
    (await findings({ node, hours: 1 })).find(({ kind, state }) => kind === 'bmc-unreachable' && state === 'cleared'),
  );
  expect((await findings({ node })).map(({ kind }) => kind)).not.toContain('bmc-unreachable');
});

describe('what we ask of a BMC', () => {
  const servers = () => siteOf(stack, nodes.counting).nodes.map(({ name }) => stack.lab.node(name).server);
  const sessions = () => servers().reduce((sum, server) => sum + server.sessions().length, 0);

  it('is one session, which is given back, that of a killed life included', async () => {
    await eventually('sessions to be open', async () => (sessions() >= servers().length ? true : undefined));
    await stack.kill();
    await stack.start();
    await eventually('the killed ones to be replaced', async () =>
      sessions() === servers().length ? true : undefined,
    );
    await stack.service().stop();
    expect(sessions()).toBe(0);
    await stack.start();
  });

  it('is two log-ins with a wrong password, and no more after a restart', async () => {
    const document = parse(await readFile(stack.config.file, 'utf8')) as {
      credentials: Record<string, { username: string; password: string }>;
    };
    const wrong = join(dirname(stack.config.file), 'wrong-password');
    await writeFile(wrong, 'not the password', { mode: 0o600 });
    for (const credential of Object.values(document.credentials)) credential.password = `file:${wrong}`;
    await stack.service().stop();
    await writeFile(stack.config.file, stringify(document), { mode: 0o600 });
    const before = servers().map(server => server.logIns().bad);
    const refusals = () => servers().map((server, index) => server.logIns().bad - (before[index] ?? 0));
    await stack.start();
    client = await stack.client('requester');
    // A look that was not let through is a gap. Until there is one, the second refusal may not be on record.
    const looks = async (node: string, since = '') =>
      (await series(node, 'power')).gaps.filter(
        ({ at, reason }) => at > since && reason.includes('refused the credential twice'),
      ).length;
    for (const { name } of siteOf(stack, nodes.counting).nodes)
      await eventually(`${name} to have refused twice`, async () => (await looks(name)) > 0 || undefined);
    const restarted = new Date().toISOString();
    await stack.kill();
    await stack.start();
    client = await stack.client('requester');
    await eventually('more looks to have been tried', async () =>
      (await looks(nodes.counting, restarted)) > 10 ? true : undefined,
    );
    expect(refusals()).toEqual(servers().map(() => 2));
  });
});
