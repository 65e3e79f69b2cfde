/** What is kept outside the database, and what a database that was restored or copied shows against it. */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileAnchor } from '../../src/adapters/anchors/file-anchor.ts';
import { gitAnchor } from '../../src/adapters/anchors/git-anchor.ts';
import type { Anchor } from '../../src/core/anchor.ts';
import { openCheckpoint } from '../../src/guard/custody/note.ts';
import { signer } from '../../src/guard/custody/signing-key.ts';
import { checkpointAnchor } from '../../src/surfaces/slack/checkpoint-anchor.ts';
import { slackClient } from '../../src/surfaces/slack/slack-client.ts';
import { anchorFile, key, type Life, life } from '../support/anchored.ts';
import { refusal } from '../support/guard.ts';
import { copiedDatabase, freshDatabase } from '../support/postgres.ts';
import { type FakeSlack, startFakeSlack } from '../support/slack/slack-server.ts';

const undo: (() => Promise<unknown>)[] = [];
let url: string;

beforeEach(async () => {
  const database = await freshDatabase();
  undo.push(database.drop);
  url = database.url;
});
afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each();
});

async function begin(at: string, options: Parameters<typeof life>[1]): Promise<Life> {
  const begun = await life(at, options);
  undo.push(begun.close);
  return begun;
}

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'gk-anchors-'));
  undo.push(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

const sizeOf = (note = '') => openCheckpoint(note, key).size;

const kinds: [string, (dir: string) => Anchor | Promise<Anchor>][] = [
  ['file', dir => fileAnchor(join(dir, 'checkpoint'))],
  ['channel', async () => (await slackWith()).anchor],
  ['git repository', dir => gitAnchor({ repository: join(dir, 'anchor.git') })],
  [
    'git remote',
    dir => {
      const remote = join(dir, 'remote.git');
      execFileSync('git', ['init', '--quiet', '--bare', remote]);
      return gitAnchor({ repository: join(dir, 'work.git'), remote });
    },
  ],
];

async function slackWith(): Promise<{ slack: FakeSlack; anchor: Anchor }> {
  const slack = await startFakeSlack();
  const stop = new AbortController();
  undo.push(slack.close, async () => stop.abort());
  const client = slackClient({ token: slack.botToken, apiUrl: slack.apiUrl, signal: stop.signal });
  return { slack, anchor: checkpointAnchor(client, 'C0OPS') };
}

describe.each(kinds)('an anchor that is a %s', (_, make) => {
  it('shows nothing at first, then what was posted last, and is the same in the next life', async () => {
    const dir = await folder();
    const anchor = await make(dir);
    expect(await anchor.newest()).toBeUndefined();
    await anchor.post('origin\n1\nroot\n\n— origin AAAA\n');
    const last = 'origin\n2\nroot\n\n— origin BBBB\n';
    await anchor.post(last);
    expect(await anchor.newest()).toBe(last);
    const again = anchor.name.includes('remote')
      ? gitAnchor({ repository: join(dir, 'other.git'), remote: join(dir, 'remote.git') })
      : anchor;
    expect(await again.newest()).toBe(last);
  });
});

describe('a channel as an anchor', () => {
  const [first, second] = [1, 2].map(size => `origin\n${size}\nroot\n\n— origin AAAA\n`) as [string, string];

  it('shows people the note, and is read whatever others say or feign there', async () => {
    const { slack, anchor } = await slackWith();
    await anchor.post(first);
    const [message] = slack.workspace.messages;
    expect(JSON.stringify(message?.blocks)).toContain(JSON.stringify(first).slice(1, -1));
    for (let said = 0; said < 250; said += 1) slack.workspace.add({ channel: 'C0OPS', user: 'U0DAY', text: 'hello' });
    const feigned = { event_type: 'groundskeeper_checkpoint', event_payload: { note: second } };
    slack.workspace.add({ channel: 'C0OPS', user: 'U0OTHER', text: second, metadata: feigned });
    expect(await anchor.newest()).toBe(first);
  });

  it('that is full of other talk cannot be read, and is not called empty', async () => {
    const { slack, anchor } = await slackWith();
    await anchor.post(first);
    for (let said = 0; said < 1000; said += 1) slack.workspace.add({ channel: 'C0OPS', user: 'U0DAY', text: 'hello' });
    await expect(anchor.newest()).rejects.toMatchObject({ code: 'precondition_failed', retry: 'later' });
  });

  it('that Slack does not let us see is a failure, and its answer being lost posts nothing twice', async () => {
    const { slack, anchor } = await slackWith();
    slack.down();
    await expect(anchor.newest()).rejects.toMatchObject({ code: 'ambiguous' });
    slack.up();
    slack.fail('chat.postMessage', 'answer lost after it acted');
    await expect(anchor.post(first)).rejects.toMatchObject({ code: 'ambiguous' });
    expect(await anchor.newest()).toBe(first);
  });

  it('stops everything where the log is shorter than what it shows', async () => {
    const { anchor } = await slackWith();
    const one = await begin(url, { anchors: [anchor] });
    await one.write('a', 'b', 'c', 'd');
    await one.anchoring.post();
    const other = await freshDatabase();
    undo.push(other.drop);
    const { standstill } = await begin(other.url, { anchors: [anchor] });
    expect(standstill.status()).toMatchObject({ state: 'frozen', reason: expect.stringContaining('slack C0OPS') });
  });
});

it('a git anchor keeps the whole succession, and moves nothing that somebody else has moved', async () => {
  const dir = await folder();
  const repository = join(dir, 'anchor.git');
  const anchor = gitAnchor({ repository });
  for (const size of [1, 2, 3]) await anchor.post(`origin\n${size}\nroot\n\n— origin AAAA\n`);
  const log = execFileSync('git', ['--git-dir', repository, 'log', '--format=%s', 'custody'], { encoding: 'utf8' });
  expect(
    log
      .trim()
      .split('\n')
      .map(line => line.replace(/\D/g, '')),
  ).toEqual(['3', '2', '1']);
});

it('a git anchor without git says that git is missing', async () => {
  const path = process.env.PATH;
  process.env.PATH = await folder();
  try {
    const error = await refusal(gitAnchor({ repository: join(await folder(), 'anchor.git') }).newest());
    expect(error.message).toMatch(/needs the git program/);
  } finally {
    process.env.PATH = path;
  }
});

describe('the log and its anchors', () => {
  it('begin with an empty anchor, which is recorded, and post after so many entries or so long', async () => {
    const { anchor } = await anchorFile();
    const clock = { now: Date.now() };
    const service = await begin(url, { anchors: [anchor], clock });
    expect(service.standstill.status()).toEqual({ state: 'none' });
    await service.write('first');
    await service.standstill.look();
    expect(sizeOf(await anchor.newest())).toBe(1);
    expect(await service.entries()).toContainEqual(expect.objectContaining({ type: 'custody', action: 'anchored' }));
    await service.write('a second');
    await service.standstill.look();
    expect(sizeOf(await anchor.newest())).toBe(1);
    await service.write('a third');
    await service.standstill.look();
    expect(sizeOf(await anchor.newest())).toBe(4);
    await service.write('and one more');
    clock.now += 300_000;
    await service.standstill.look();
    expect(sizeOf(await anchor.newest())).toBe(5);
  });

  it('a failing anchor is told, stops nothing that day, and is posted to once it works', async () => {
    const { anchor, file } = await anchorFile();
    const other = await anchorFile();
    const clock = { now: Date.now() };
    const service = await begin(url, { anchors: [anchor, other.anchor], clock });
    await rm(dirname(file), { recursive: true });
    await service.write('one', 'two', 'three');
    await service.standstill.look();
    expect(service.anchoring.status().map(({ failing }) => failing?.problem)).toEqual([
      expect.stringMatching(/cannot be written \(ENOENT\)/),
      undefined,
    ]);
    expect(sizeOf(await other.anchor.newest())).toBe(3);
    service.standstill.check();
    await mkdir(dirname(file));
    clock.now += 30_000;
    await service.standstill.look();
    expect(service.anchoring.status().map(({ failing }) => failing)).toEqual([undefined, undefined]);
    expect(sizeOf(await anchor.newest())).toBe(4);
  });

  it('stands still, and voids nothing, while an anchor cannot be read at the start; goes on by itself', async () => {
    const { anchor } = await anchorFile();
    let broken = true;
    const shy: Anchor = {
      ...anchor,
      newest: async () => {
        if (broken) throw new Error('no route');
        return anchor.newest();
      },
    };
    const service = await begin(url, { anchors: [shy] });
    expect(service.standstill.status()).toMatchObject({ state: 'waiting' });
    expect(() => service.standstill.check()).toThrow(/cannot be read/);
    broken = false;
    await service.standstill.look();
    expect(service.standstill.status()).toEqual({ state: 'none' });
    expect(await service.records.anchors.frozen()).toBeUndefined();
  });
});

describe('a database freezes at its start when its anchor shows', () => {
  let anchor: Anchor;
  let file: string;
  let copy: string;

  /** A life of four entries, all shown outside; a copy of the database after two of them. */
  beforeEach(async () => {
    ({ anchor, file } = await anchorFile());
    const first = await life(url, { anchors: [anchor] });
    await first.write('one', 'two');
    await first.standstill.announce();
    await first.close();
    const copied = await copiedDatabase(url);
    undo.push(copied.drop);
    copy = copied.url;
    const second = await life(url, { anchors: [anchor] });
    await second.write('three', 'four');
    await second.standstill.announce();
    await second.close();
  });

  it('more than it holds: it was restored', async () => {
    const restored = await begin(copy, { anchors: [anchor] });
    expect(restored.standstill.status()).toMatchObject({
      state: 'frozen',
      reason: expect.stringMatching(/earlier state/),
    });
  });

  it('other entries than its own: it was forked', async () => {
    const fork = await begin(copy, { anchors: [] });
    await fork.write('another three', 'another four', 'another five');
    const again = await begin(copy, { anchors: [anchor] });
    expect(again.standstill.status()).toMatchObject({
      state: 'frozen',
      reason: expect.stringMatching(/other entries/),
    });
  });

  it('nothing any more', async () => {
    await rm(file);
    const service = await begin(url, { anchors: [anchor] });
    expect(service.standstill.status()).toMatchObject({
      state: 'frozen',
      reason: expect.stringMatching(/shows nothing/),
    });
  });

  it('less than was shown there before', async () => {
    const note = await anchor.newest();
    const service = await begin(url, { anchors: [anchor] });
    await service.write('five');
    await service.standstill.announce();
    await writeFile(file, note ?? '');
    const again = await begin(url, { anchors: [anchor] });
    expect(again.standstill.status()).toMatchObject({
      state: 'frozen',
      reason: expect.stringMatching(/were shown before/),
    });
  });

  it('what another key signed', async () => {
    const stranger = signer('anchored.test/fleet', generateKeyPairSync('ed25519').privateKey);
    const service = await begin(url, { anchors: [anchor], signedBy: stranger });
    expect(service.standstill.status()).toMatchObject({
      state: 'frozen',
      reason: expect.stringMatching(/no key of this log/),
    });
  });

  it('and nothing froze that continues it', async () => {
    const service = await begin(url, { anchors: [anchor] });
    expect(service.standstill.status()).toEqual({ state: 'none' });
  });

  it('that a copy of it went on, while both run', async () => {
    const twin = await copiedDatabase(url);
    undo.push(twin.drop);
    const one = await begin(url, { anchors: [anchor] });
    const two = await begin(twin.url, { anchors: [anchor] });
    await one.write('six');
    await two.write('another six');
    await one.standstill.announce();
    const shown = await anchor.newest();
    const error = await refusal(two.standstill.announce());
    expect(error).toMatchObject({ code: 'forbidden', message: expect.stringMatching(/other entries/) });
    expect(await two.records.anchors.frozen()).toBeDefined();
    expect(await anchor.newest()).toBe(shown);
    one.standstill.check();
  });
});
