/** Digests from a service over a lab: what they tell, to whom, and how often. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/adapters/postgres/database.ts';
import type { ChangeAnswer } from '../../src/core/change.ts';
import type { Block } from '../../src/core/document.ts';
import { hasEnded, type Operation } from '../../src/core/operation.ts';
import type { StoredPlan } from '../../src/core/plan.ts';
import { createDigests, type DigestSettings, type DigestSink } from '../../src/digest/digests.ts';
import { renderBlocks } from '../../src/surfaces/cli/render.ts';
import { fileSink } from '../../src/surfaces/digest/sinks.ts';
import { channelSink } from '../../src/surfaces/slack/digest-sink.ts';
import { type ModelServer, startModelServer } from '../support/model-server.ts';
import { startFakeSlack } from '../support/slack/slack-server.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let model: ModelServer;
let database: Database;
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'groundskeeper-digests-'));
  model = await startModelServer();
  stack = await startStack({
    addressBase: '127.112',
    workers: 2,
    sampleEvery: '300ms',
    healthCordon: 'off',
    assistant: { baseUrl: model.baseUrl, model: 'scripted' },
  });
  database = await openDatabase(stack.databaseUrl, { lock: false });
});
afterAll(async () => {
  await database?.close();
  await stack?.close();
  await model?.close();
  await rm(dir, { recursive: true, force: true });
});

const text = (blocks: Block[]) => renderBlocks(blocks, { columns: 120, color: false });

/** As a process of its own would make them: it asks the service, and claims in its database. */
async function maker(
  settings: Partial<DigestSettings>,
  sinks: DigestSink[],
  summarise?: (facts: Block[]) => Promise<string>,
) {
  const client = await stack.client('requester');
  const warnings: string[] = [];
  const log = { warn: (_fields: object, message: string) => void warnings.push(message) };
  const digest = {
    name: 'hourly',
    cron: '0 * * * *',
    timeZone: 'America/New_York',
    sites: ['boston'],
    summary: false,
    ...settings,
  };
  const digests = createDigests([{ ...digest, sinks }], {
    gateway: { invoke: ({ tool, input }) => client.callTool(tool, input as Record<string, unknown>) },
    runs: database.digestRuns,
    custody: database.custody,
    ...(summarise && { summarise }),
    log,
  });
  return { digests, warnings, log };
}

const { signal } = new AbortController();
const hour = (n: number) => new Date(Date.UTC(2030, 0, 1, n, 0, 30));

describe('a digest now', () => {
  it('tells nodes, hardware, firmware and the custody log, of the fleet without any being configured', async () => {
    const client = await stack.client('requester');
    expect(await client.digests()).toEqual([]);
    const told = text(await client.digestNow());
    expect(told).toMatch(/Digest fleet: fleet/);
    expect(told).toMatch(/nodes\s+5 Ready/);
    expect(told).toMatch(/Firmware as wanted\s+boston\s+░+\s+0 %/);
    expect(told).toMatch(/Custody: \d+ entries, root [0-9a-f]{64}/);
  });

  it('tells a finding, whom it concerns, and what waits for votes', async () => {
    stack.lab.node('bos-w-1').server.faults.set({ kind: 'fan-failing' });
    const client = await stack.client('requester');
    await client.callTool('drainNode', { node: 'bos-w-2', deleteEmptyDir: true });
    const told = await eventually('the fan to be told of', async () => {
      const shown = text(await client.digestNow());
      return /bos-w-1: .*[Ff]an/.test(shown) ? shown : undefined;
    });
    expect(told).toContain('New below Kubernetes');
    expect(told).toMatch(/Waits for votes\n\s+- apr-\w+, asked by day-shift, until /);
  });

  it('of a name that there is not says which there are', async () => {
    const client = await stack.client('requester');
    await expect(client.digestNow('nightly')).rejects.toMatchObject({
      code: 'not_found',
      hint: expect.stringContaining('groundskeeper.yaml'),
    });
  });
});

/** Of both workers, ended before it came far. */
async function cancelledRollout(): Promise<string> {
  const asker = await stack.client('requester');
  const { plan, digest } = (await asker.callTool('planFirmwareRollout', { site: 'boston', deleteEmptyDir: true }))
    .output as unknown as StoredPlan;
  const { approval = '' } = (await asker.callTool('startPlan', { plan: plan.id, digest }))
    .output as unknown as ChangeAnswer;
  const voted = { vote: 'approve' as const, reason: 'due', passphrase: stack.passphrase('approver') };
  await (await stack.client('approver')).vote(approval, voted);
  const operation = (await asker.approval(approval)).approval.operation ?? '';
  await asker.callTool('cancelOperation', { operation });
  await eventually('its end', async () => {
    const { output } = await asker.callTool('getOperation', { operation });
    return hasEnded((output as unknown as Operation).state) || undefined;
  });
  return operation;
}

describe('a digest after a rollout', () => {
  it('says how it ended, and shows its course', async () => {
    const sent: Parameters<DigestSink>[0][] = [];
    const { digests } = await maker({ name: 'after' }, [async digest => void sent.push(digest)]);
    await digests.round(new Date(), signal);
    const operation = await cancelledRollout();
    await digests.round(new Date(Date.now() + 3_600_000), signal);
    const [digest] = sent;
    expect(text(digest?.blocks ?? [])).toMatch(
      new RegExp(`Operations that ended\\n\\s+- ${operation}: firmware-rollout in boston, cancelled`),
    );
    expect(digest?.pictures).toEqual([
      expect.objectContaining({ kind: 'compliance' }),
      expect.objectContaining({
        kind: 'rollout',
        nodes: expect.arrayContaining([expect.objectContaining({ node: 'bos-w-1' })]),
      }),
    ]);
  });
});

describe('a digest that is due', () => {
  const sent: { due: string; blocks: Block[] }[] = [];
  const sink: DigestSink = async digest => void sent.push(digest);

  it('is told once by two who believe that it is theirs, and again only when something changed', async () => {
    const makers = await Promise.all([maker({}, [sink]), maker({}, [sink])]);
    const round = (at: Date) => Promise.all(makers.map(({ digests }) => digests.round(at, signal)));
    await round(hour(0));
    expect(sent).toEqual([]);
    await round(hour(1));
    expect(sent.map(({ due }) => due)).toEqual(['2030-01-01T01:00:00.000Z']);
    await round(hour(1));
    expect(sent).toHaveLength(1);
    let last = 1;
    await eventually('an hour in which nothing new is found', async () => {
      const told = sent.length;
      last += 1;
      await round(hour(last));
      return sent.length === told || undefined;
    });
    const before = sent.length;
    await (await stack.client('requester')).callTool('freezeChanges', { reason: 'storm', site: 'boston' });
    await round(hour(last + 1));
    expect(sent).toHaveLength(before + 1);
    expect(new Set(sent.map(({ due }) => due)).size).toBe(sent.length);
    expect(text(sent.at(-1)?.blocks ?? [])).toMatch(/Changes are frozen by day-shift \(boston\): storm/);
    expect(makers.flatMap(({ warnings }) => warnings)).toEqual([]);
  });

  it('says what was missed, and goes to a file', async () => {
    const file = join(dir, 'deep', 'digest.txt');
    const { digests, log } = await maker({ name: 'filed' }, [digest => fileSink(file, log)(digest)]);
    await digests.round(hour(0), signal);
    await digests.round(hour(5), signal);
    const plot = 'digest-filed-2030-01-01T05-00Z-1-compliance.png';
    const written = await readFile(file, 'utf8');
    expect(written).toMatch(/4 earlier ones were due and not made/);
    expect(written).toContain(`plots: ${plot})`);
    const drawn = await readFile(join(dir, 'deep', plot));
    expect(drawn.subarray(1, 4).toString()).toBe('PNG');
  });

  it('goes to a file without the plot that cannot be stored there, and says so in the log', async () => {
    const file = join(dir, 'full', 'digest.txt');
    await mkdir(join(dir, 'full', 'digest-bare-2030-01-01T01-00Z-1-compliance.png'), { recursive: true });
    const { digests, log, warnings } = await maker({ name: 'bare' }, [digest => fileSink(file, log)(digest)]);
    await digests.round(hour(0), signal);
    await digests.round(hour(1), signal);
    expect(await readFile(file, 'utf8')).toContain('(due 2030-01-01T01:00:00.000Z)');
    expect(warnings).toEqual(['a plot of a digest is not there']);
  });

  it('that could not be sent is told with the next one', async () => {
    let broken = true;
    const arrived: string[] = [];
    const { digests, warnings } = await maker({ name: 'flaky' }, [
      async ({ due }) => {
        if (broken) throw new Error('the chat is down');
        arrived.push(due);
      },
    ]);
    await digests.round(hour(0), signal);
    await digests.round(hour(1), signal);
    broken = false;
    await digests.round(hour(2), signal);
    expect([arrived, warnings.length]).toEqual([['2030-01-01T02:00:00.000Z'], 1]);
  });

  it('goes to a channel, once though its answer is lost, and holds up no other while Slack is away', async () => {
    const slack = await startFakeSlack();
    const { botToken: token, apiUrl } = slack;
    const file = join(dir, 'beside.txt');
    const { digests } = await maker({ name: 'posted' }, [
      channelSink({ token, apiUrl, channel: 'C0OPS', log: { warn: () => undefined } }),
    ]);
    const { digests: beside } = await maker({ name: 'beside' }, [fileSink(file, { warn: () => undefined })]);
    const both = (at: Date) => [digests.round(at, signal), beside.round(at, signal)] as const;
    await Promise.all(both(hour(0)));
    slack.down();
    slack.fail('chat.postMessage', 'answer lost after it acted');
    const [posting, filed] = both(hour(1));
    await filed;
    expect(await readFile(file, 'utf8')).toContain('Digest beside');
    expect(slack.workspace.messages).toEqual([]);
    slack.up();
    await posting;
    const plot = await eventually('the plot', async () =>
      slack.workspace.messages.find(({ files }) => files.length > 0),
    );
    const words = slack.workspace.messages.filter(({ files }) => files.length === 0);
    expect(plot).toMatchObject({ thread_ts: words[0]?.ts, files: [{ name: expect.stringMatching(/^compliance-/) }] });
    const posted = words.map(({ channel, text, blocks }) => [channel, text, JSON.stringify(blocks)]);
    expect(posted).toEqual([
      ['C0OPS', expect.stringMatching(/^Digest posted: boston/), expect.stringContaining('Custody')],
    ]);
    await slack.close();
  });

  it('carries the words of a model under its name, or why there are none', async () => {
    const { digests } = await maker(
      { name: 'said', summary: true },
      [sink],
      async () => 'Summary by small, a language model: Look at bos-w-1.',
    );
    const { digests: without } = await maker({ name: 'mute', summary: true }, [sink], async () => {
      throw new Error('the model is down');
    });
    for (const each of [digests, without]) {
      await each.round(hour(0), signal);
      await each.round(hour(1), signal);
    }
    expect(text(sent.at(-2)?.blocks ?? [])).toContain('Summary by small, a language model: Look at bos-w-1.');
    expect(text(sent.at(-1)?.blocks ?? [])).toContain('Without a summary: the model is down');
  });
});
