/** Plots in a Slack of ours: each stands there once, and none holds up words. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Operation } from '../../src/core/operation.ts';
import type { Picture } from '../../src/core/picture.ts';
import { createPictures, type Pictures } from '../../src/surfaces/slack/pictures.ts';
import { type SlackClient, slackClient } from '../../src/surfaces/slack/slack-client.ts';
import { createTimelines } from '../../src/surfaces/slack/timelines.ts';
import { uploadSurely } from '../../src/surfaces/slack/upload.ts';
import { memoryPosts } from '../support/memory-posts.ts';
import { type FakeSlack, startFakeSlack } from '../support/slack/slack-server.ts';
import { eventually } from '../support/stack.ts';

let slack: FakeSlack;
let client: SlackClient;
let stop: AbortController;
let thread: string;
let warnings: { reason?: string; hint?: string }[];
let pictures: Pictures;
const file = {
  name: 'rollout-1.png',
  title: 'a rollout',
  alt: 'Plot: a rollout',
  bytes: async () => Buffer.from('png'),
};
const picture: Picture = {
  kind: 'compliance',
  title: 'Firmware <!channel>',
  timeZone: 'UTC',
  at: '2026-11-26T10:00:00Z',
  sites: [],
};

beforeEach(async () => {
  slack = await startFakeSlack();
  stop = new AbortController();
  const { signal } = stop;
  client = slackClient({ token: slack.botToken, apiUrl: slack.apiUrl, signal });
  thread = await client.post({ channel: 'C0OPS' }, { text: 'the words', blocks: [] }, 'words');
  warnings = [];
  pictures = createPictures({ client, signal, log: { warn: fields => void warnings.push(fields) } });
});
afterEach(async () => {
  stop.abort();
  await slack.close();
});

const files = () => slack.workspace.messages.filter(message => message.files.length > 0);
const upload = (more: { mayStand?: boolean } = {}) =>
  uploadSurely({ channel: 'C0OPS', thread }, file, { client, signal: stop.signal, lookMs: 10, ...more });

describe('a file', () => {
  it.each(['files.getUploadURLExternal', 'files.completeUploadExternal'])(
    'stands in its thread once, though an answer was lost: %s',
    async method => {
      slack.fail(method, 'answer lost after it acted');
      await upload();
      expect(files()).toMatchObject([{ channel: 'C0OPS', thread_ts: thread, files: [{ name: file.name }] }]);
      expect([...slack.workspace.uploads.values()].at(-1)?.bytes.toString()).toBe('png');
    },
  );

  it.each(['files.getUploadURLExternal', 'upload', 'files.completeUploadExternal'])(
    'that Slack did not take is handed over again: %s',
    async method => {
      slack.fail(method, 'refused with 503');
      await upload();
      expect(files()).toHaveLength(1);
    },
  );

  it('that an earlier life finished is not posted again', async () => {
    await upload();
    await upload({ mayStand: true });
    expect(files()).toHaveLength(1);
  });
});

describe('a plot', () => {
  it('is told in the log once where Slack refuses it, with what helps, and holds nothing up', async () => {
    slack.fail('files.getUploadURLExternal', { error: 'missing_scope' }, 2);
    const place = { channel: 'C0OPS', thread };
    for (const key of ['a', 'b']) expect(await pictures.show({ place, picture, key })).toBe(true);
    expect(warnings).toEqual([
      { reason: expect.stringContaining('missing_scope'), hint: expect.stringContaining('files:write') },
    ]);
  });
});

describe('the timeline of a rollout', () => {
  const ended = {
    id: 'op-1',
    kind: 'firmware-rollout',
    state: 'done',
    site: 'boston',
    cluster: 'boston',
    reason: '',
    createdAt: '2026-11-26T10:00:00Z',
    endedAt: '2026-11-26T11:00:00Z',
    nodes: [],
  } as unknown as Operation;
  const fleet = { sites: [] };
  const records = { operations: { get: async () => ended, events: async () => [] } };

  it('comes into the thread of its words once it ended, once over two lives, and not before', async () => {
    const posts = memoryPosts();
    await posts.sent('operation/op-1', { at: thread, digest: 'd', final: true });
    const life = () => createTimelines({ posts, pictures, channel: 'C0OPS', fleet, records });
    await life().owe({ ...ended, state: 'running' });
    expect(await posts.open()).toEqual([]);
    await life().owe(ended);
    const forget = posts.sent;
    posts.sent = async () => Promise.reject(new Error('the life ended here'));
    life().post(['op-1']);
    await eventually('the plot', async () => files()[0]);
    await pictures.idle();
    expect(await posts.open()).toHaveLength(1);
    posts.sent = forget;
    life().post(['op-1']);
    await eventually('the end of it', async () => ((await posts.open()).length === 0 ? true : undefined));
    expect(files()).toMatchObject([{ thread_ts: thread }]);
  });
});
