/** Our client and real Bolt's WebClient in it against a Slack of ours: what is said once stands there once. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { slackBlocks } from '../../src/surfaces/slack/blocks/render-blocks.ts';
import { Narration } from '../../src/surfaces/slack/narration.ts';
import { type SlackClient, slackClient } from '../../src/surfaces/slack/slack-client.ts';
import { type FakeSlack, startFakeSlack } from '../support/slack/slack-server.ts';
import type { SlackMessage } from '../support/slack/workspace.ts';
import { eventually } from '../support/stack.ts';

let slack: FakeSlack;
let client: SlackClient;
let stop: AbortController;
const hello = { text: 'hello', blocks: [] };
const place = { channel: 'C0OPS' };

beforeEach(async () => {
  slack = await startFakeSlack();
  slack.workspace.addUser('U0DAY');
  slack.workspace.channels.get('C0OPS')?.add('U0DAY');
  stop = new AbortController();
  client = slackClient({ token: slack.botToken, apiUrl: slack.apiUrl, signal: stop.signal, lookMs: 10 });
});
afterEach(async () => {
  stop.abort();
  await slack.close();
});

const standing = () => slack.workspace.messages.filter(({ deleted, user }) => !deleted && user === 'U0KEEPER');

describe('a post', () => {
  it('whose answer was lost is found by its key, and not sent again', async () => {
    slack.fail('chat.postMessage', 'answer lost after it acted');
    const at = await client.postSurely(place, hello, 'key-1');
    expect(standing()).toMatchObject([{ ts: at, text: 'hello' }]);
  });

  it('that Slack shows late is found by a later look, and not sent again', async () => {
    slack.fail('chat.postMessage', { actsAfterLooks: 3 });
    const at = await client.postSurely(place, hello, 'key-1');
    slack.settle();
    expect(standing()).toMatchObject([{ ts: at, text: 'hello' }]);
  });

  it('is not taken for one of another app that carries its key', async () => {
    const metadata = { event_type: 'groundskeeper_post', event_payload: { key: 'key-1' } };
    slack.workspace.add({ channel: 'C0OPS', user: 'U0OTHERBOT', metadata });
    slack.fail('chat.postMessage', 'refused with 503');
    const at = await client.postSurely(place, hello, 'key-1');
    expect(standing()).toMatchObject([{ ts: at, text: 'hello' }]);
  });

  it('that Slack did not take is sent again', async () => {
    slack.fail('chat.postMessage', 'refused with 503');
    await client.postSurely(place, hello, 'key-1');
    expect(standing()).toHaveLength(1);
  });

  it('waits as long as Slack says, and no call of another kind waits with it', async () => {
    slack.fail('chat.postMessage', { retryAfterS: 1 });
    const before = performance.now();
    const posted = client.post(place, hello, 'key-1');
    await client.call('auth.test', {});
    expect(slack.calls.map(({ method }) => method)).toEqual(['chat.postMessage', 'auth.test']);
    await posted;
    expect(performance.now() - before).toBeGreaterThan(990);
    expect(standing()).toHaveLength(1);
  });

  it('that Slack refuses is told with its word, and sent once', async () => {
    const refused = client.postSurely({ channel: 'C0NONE' }, hello, 'key-1');
    await expect(refused).rejects.toMatchObject({ error: 'channel_not_found' });
    expect(slack.calls).toHaveLength(1);
  });

  it('with a token that Slack does not know is refused', async () => {
    const other = slackClient({ token: 'xoxb-other', apiUrl: slack.apiUrl, signal: stop.signal });
    await expect(other.post(place, hello, 'key-1')).rejects.toMatchObject({ error: 'invalid_auth' });
  });
});

describe('an answer that grows', () => {
  let thread: string;
  let narration: Narration;
  let troubles: unknown[];
  beforeEach(() => {
    troubles = [];
    thread = slack.workspace.add({ channel: 'C0OPS', user: 'U0DAY', text: 'how is it?' }).ts;
    narration = new Narration({
      client,
      place: { channel: 'C0OPS', thread },
      recipient: { user: 'U0DAY', team: 'T0HOME' },
      key: 'Ev1',
      asked: thread,
      signal: stop.signal,
      onTrouble: error => troubles.push(error),
    });
  });
  const begun = () => eventually('the stream', async () => standing()[0]);
  const note = {
    type: 'rich_text',
    elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text: 'n' }] }],
  };
  const wordsIn = (index: number) => {
    const { stream, blocks } = standing()[index] ?? {};
    return stream?.text || blocks?.find(({ type }) => type === 'markdown')?.text;
  };

  it('is one stream with a card for each call', async () => {
    narration.task({ id: 'r1', title: '[r1] get-node-health <!channel>', status: 'in_progress' });
    const message = await begun();
    narration.done('r1', true);
    narration.say('All is ');
    narration.say('well [r1');
    narration.say('](https://evil.example).');
    await narration.end({ text: 'All is well [r1](https://evil.example).', blocks: [note], short: [] });
    expect(standing()).toHaveLength(1);
    expect(message).toMatchObject({ thread_ts: thread, edits: 0, blocks: [note] });
    expect(message.stream?.open).toBe(false);
    expect(message.stream?.text).toBe('All is well [r1] (https://evil.example).');
    expect([...(message.stream?.tasks.values() ?? [])]).toMatchObject([
      { id: 'r1', status: 'complete', title: '[r1] get-node-health &lt;!channel&gt;' },
    ]);
  });

  it('has a card for a call that began and ended while a piece was on its way', async () => {
    narration.task({ id: 'r1', title: 'get-node-health', status: 'in_progress' });
    narration.task({ id: 'r2', title: 'get-sensor-history', status: 'in_progress' });
    narration.done('r2', true);
    const message = await begun();
    await narration.end({ text: 'Well.', blocks: [note], short: [] });
    expect([...(message.stream?.tasks.values() ?? [])]).toMatchObject([{ id: 'r1' }, { id: 'r2', status: 'complete' }]);
  });

  it.each(['message_not_in_streaming_state', 'answer lost after it acted', 'refused with 503'] as const)(
    'goes on as one changed message when a piece of the stream fails: %s',
    async fault => {
      narration.say('One. ');
      await begun();
      slack.fail('chat.appendStream', fault.includes(' ') ? (fault as 'refused with 503') : { error: fault });
      narration.say('Two. ');
      await eventually('the change', async () => (standing()[0]?.edits ? true : undefined));
      await narration.end({ text: 'One. Two. Three.', blocks: [note], short: [] });
      expect(standing()).toHaveLength(1);
      expect(wordsIn(0)).toBe('One. Two. Three.');
    },
  );

  it('goes on in its own message where the start of its stream was not answered, and leaves a plot beside it alone', async () => {
    for (let each = 0; each < 100; each += 1) slack.workspace.nextTs(); // the names of streams of other tests are taken
    slack.fail('chat.startStream', 'answer lost after it acted');
    narration.say('One. ');
    await begun();
    const files = [{ id: 'F0PLOT', name: 'history.png' }];
    const plot = slack.workspace.add({ channel: 'C0OPS', user: 'U0KEEPER', thread_ts: thread, files });
    await narration.end({ text: 'One. Two.', blocks: [note], short: [] });
    expect(wordsIn(0)).toBe('One. Two.');
    expect(plot.edits).toBe(0);
    expect(standing()).toHaveLength(2);
  });

  it('is a message where there are no streams', async () => {
    slack.fail('chat.startStream', { error: 'channel_type_not_supported' }, 9);
    narration.task({ id: 'r1', title: 'get-node-health', status: 'in_progress' });
    await begun();
    await narration.end({ text: 'Well.', blocks: [note], short: [] });
    expect(standing()).toHaveLength(1);
    expect(wordsIn(0)).toBe('Well.');
    expect(JSON.stringify(standing()[0]?.blocks)).toContain('get-node-health');
  });

  const linesOf = (...texts: string[]) =>
    slackBlocks(
      texts.map(each => ({ text: each })),
      { blocks: 40, characters: 20_000 },
    );
  const long = 'x'.repeat(2_900);
  const asked = linesOf('request apr-1 waits for approval');

  describe.each(['taken', 'refused'])('where streams are %s', streams => {
    beforeEach(async () => {
      if (streams === 'refused') slack.fail('chat.startStream', { error: 'channel_type_not_supported' }, 9);
      for (let each = 0; each < 24; each += 1)
        narration.task({
          id: `r${each}`,
          title: `[r${each}] get-node-health ${'<node>'.repeat(99)}`,
          status: 'complete',
        });
      narration.say('Well. <b> '.repeat(1_500));
      await begun();
    });
    const end = (blocks: object[]) => narration.end({ text: 'So it is. <b> '.repeat(1_500), blocks, short: asked });
    const standsEnded = () => {
      expect(standing()).toHaveLength(1);
      expect(standing()[0]?.stream?.open ?? false).toBe(false);
      const { blocks, stream } = standing()[0] as SlackMessage;
      return JSON.stringify([blocks, stream?.text, [...(stream?.tasks.values() ?? [])]]);
    };

    it('has room for all that stands below it, however many calls and words there are', async () => {
      await end([...linesOf(long), ...asked]);
      const said = standsEnded();
      expect(said).toContain('So it is.');
      expect(said).toContain('cut here');
      expect(said).toContain('[r23] get-node-health');
      expect(standing()[0]?.blocks.slice(-1)).toEqual(asked);
    });

    it('comes shorter with how the change stands where Slack takes no more', async () => {
      await end(linesOf(long, long, long, long, long));
      const said = standsEnded();
      expect(said).toContain('So it is.');
      expect(said).toContain('more than Slack takes');
      expect(standing()[0]?.blocks.slice(-1)).toEqual(asked);
      expect(troubles.map(String).join()).toContain('msg_blocks_too_long');
    });
  });

  it('takes back what is void', async () => {
    narration.say('All is well, I gues');
    await begun();
    narration.again();
    await narration.end({ text: 'Nothing is well.', blocks: [], short: [] });
    expect(standing()).toHaveLength(1);
    expect(wordsIn(0)).toBe('Nothing is well.');
  });

  it('ends with what was said at last, where that differs', async () => {
    narration.say('The password is hunter2');
    await begun();
    await narration.end({ text: 'The password is ***', blocks: [], short: [] });
    expect(JSON.stringify(standing())).not.toContain('hunter2');
  });

  it('is whole once Slack is back, and stands there once', async () => {
    narration.say('One. ');
    await begun();
    slack.down();
    const end = narration.end({ text: 'One. Two.', blocks: [note], short: [] });
    await eventually('a try in vain', async () => (troubles.length > 0 ? true : undefined));
    slack.up();
    await end;
    expect(standing()).toHaveLength(1);
    expect(wordsIn(0)).toBe('One. Two.');
    expect(standing()[0]?.blocks.at(-1)).toEqual(note);
  });
});
