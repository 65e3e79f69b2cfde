/** Messages that are kept up to date, in a Slack of ours: each stands there once, and comes back where it is gone. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DatabaseAway } from '../../src/core/errors.ts';
import type { PostStore } from '../../src/core/posts.ts';
import { type KeepPost, postKeeper } from '../../src/surfaces/slack/keep-post.ts';
import { type SlackClient, slackClient } from '../../src/surfaces/slack/slack-client.ts';
import { memoryPosts } from '../support/memory-posts.ts';
import { type FakeSlack, startFakeSlack } from '../support/slack/slack-server.ts';

let slack: FakeSlack;
let client: SlackClient;
let stop: AbortController;
let store: PostStore;
let keep: KeepPost;
const key = 'approval/apr-1';
const saying = (text: string, channel = 'C0OPS') => ({ key, channel, card: { text, blocks: [] }, final: false });

beforeEach(async () => {
  slack = await startFakeSlack();
  stop = new AbortController();
  client = slackClient({ token: slack.botToken, apiUrl: slack.apiUrl, signal: stop.signal });
  store = memoryPosts();
  keep = life();
});
afterEach(async () => {
  stop.abort();
  await slack.close();
});

/** A process: what it remembers ends with it. */
function life(): KeepPost {
  return postKeeper({
    store,
    messages: {
      post: (channel, card, each) => client.post({ channel }, card, each),
      update: (channel, at, card) => client.update(channel, at, card),
      find: (channel, each) => client.find({ channel }, each),
    },
  });
}
const standing = () => slack.workspace.messages.filter(({ deleted, user }) => !deleted && user === 'U0KEEPER');
/** Round after round until it is known where it stands. */
async function kept(text: string): Promise<string> {
  for (let round = 0; round < 20; round += 1) {
    const at = await keep(saying(text)).catch(() => undefined);
    if (at !== undefined) return at;
  }
  throw new Error('it was not known after 20 rounds');
}

describe('a message', () => {
  it('that Slack shows late stands there once', async () => {
    slack.fail('chat.postMessage', { actsAfterLooks: 3 });
    await kept('waits');
    slack.settle();
    expect(standing()).toMatchObject([{ text: 'waits' }]);
  });

  it('that an earlier process may have posted stands there once, though Slack shows it late', async () => {
    slack.fail('chat.postMessage', { actsAfterLooks: 3 });
    await expect(keep(saying('waits'))).rejects.toMatchObject({ code: 'ambiguous' });
    keep = life();
    await kept('waits');
    slack.settle();
    expect(standing()).toMatchObject([{ text: 'waits' }]);
  });

  it('whose place could not be written down stands there once', async () => {
    const { sent } = store;
    store.sent = async () => Promise.reject(new DatabaseAway());
    await expect(keep(saying('waits'))).rejects.toMatchObject({ code: 'database' });
    store.sent = sent;
    await kept('waits');
    expect(standing()).toHaveLength(1);
  });

  it('that Slack never took is sent again', async () => {
    slack.fail('chat.postMessage', 'refused with 503');
    await kept('waits');
    expect(standing()).toMatchObject([{ text: 'waits' }]);
  });

  it('that two processes begin at once is posted by one of them', async () => {
    const other = life();
    const both = await Promise.all([keep(saying('waits')), other(saying('waits'))]);
    expect(both.filter(at => at !== undefined)).toHaveLength(1);
    expect([await keep(saying('waits')), await other(saying('waits'))]).toEqual(Array(2).fill(standing()[0]?.ts));
    expect(standing()).toHaveLength(1);
  });

  it('that somebody deleted comes back with what it says now', async () => {
    await kept('waits');
    for (const message of standing()) message.deleted = true;
    await kept('approved');
    await kept('done');
    expect(standing()).toMatchObject([{ text: 'done' }]);
  });

  it.each(['cant_update_message', 'edit_window_closed'])(
    'that cannot be changed any more is posted anew, once, though that answer is lost: %s',
    async error => {
      const old = await kept('waits');
      slack.fail('chat.update', { error });
      slack.fail('chat.postMessage', 'answer lost after it acted');
      const at = await kept('approved');
      await kept('done');
      expect(standing()).toMatchObject([
        { ts: old, text: 'waits' },
        { ts: at, text: 'done' },
      ]);
    },
  );
});
