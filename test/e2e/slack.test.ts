/** Real Bolt in the real service against a Slack of ours, with a scripted model and a lab behind it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { changes } from '../support/audit.ts';
import { type ModelServer, type Reply, repliesSoFar, startModelServer, type Wish } from '../support/model-server.ts';
import { type FakeSlack, linkedTo, startFakeSlack } from '../support/slack/slack-server.ts';
import type { SlackMessage } from '../support/slack/workspace.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let model: ModelServer;
let slack: FakeSlack;

beforeAll(async () => {
  model = await startModelServer();
  slack = await startFakeSlack({ ackMs: 1000 });
  for (const user of ['U0DAY', 'U0NIGHT', 'U0OTHER']) slack.workspace.addUser(user);
  slack.workspace.addUser('U0GUEST', { is_restricted: true });
  for (const user of slack.workspace.users.keys()) slack.workspace.channels.get('C0OPS')?.add(user);
  slack.down(); // the service starts all the same
  stack = await startStack({
    addressBase: '127.96',
    controlPlanes: 1,
    workers: 2,
    sampleEvery: '1s',
    healthCordon: 'off',
    assistant: { baseUrl: model.baseUrl, model: 'scripted' },
    ...linkedTo(slack, ['U0DAY', 'U0NIGHT']),
  });
  await (await stack.client('requester')).approvals();
  slack.up();
});
afterAll(async () => {
  await stack?.close();
  await slack?.close();
  await model?.close();
});
beforeEach(() => {
  model.says(() => ({ text: 'All is well.' }));
});

/** Everything of ours in the thread, but what only one person sees. */
const answersIn = (thread: string) =>
  slack.workspace.messages.filter(
    ({ thread_ts, user, deleted, ephemeralTo }) =>
      thread_ts === thread && user === 'U0KEEPER' && !deleted && ephemeralTo === undefined,
  );
const isWhole = ({ stream, blocks }: SlackMessage) => !stream?.open && JSON.stringify(blocks).includes('scripted ·');
const answered = (thread: string, times = 1) =>
  eventually(`answer ${times} in ${thread}`, async () => answersIn(thread).filter(isWhole)[times - 1]);
const wordsOf = ({ stream, blocks }: SlackMessage) => `${stream?.text ?? ''}${JSON.stringify(blocks)}`;
const refusalTo = (user: string) =>
  eventually(`a refusal of ${user}`, async () =>
    slack.workspace.messages.find(({ ephemeralTo }) => ephemeralTo === user),
  );
async function responseTo(user: string, text: string) {
  const before = slack.people.responses.length;
  const { acknowledged } = slack.people.command({ user, text });
  expect(await acknowledged).toEqual({});
  const response = await eventually(`an answer to ${text}`, async () => slack.people.responses[before]);
  const { text: notice, blocks } = response;
  expect(response.user).toBe(user);
  return { notice, said: JSON.stringify(blocks), blocks };
}
function wishes(...steps: Wish[]): void {
  model.says((asked): Reply => {
    const step = steps[repliesSoFar(asked)];
    return step === undefined ? { text: 'So it is [r1].' } : { calls: [step] };
  });
}

describe('a question in Slack', () => {
  it('waits while Slack is away, and is answered in its thread with what the answer stands on', async () => {
    wishes({ tool: 'getNodeHealth', input: { node: 'bos-w-1' } });
    const { ts } = slack.people.mention({ user: 'U0DAY', text: 'how is <http://bos-w-1|bos-w-1>?' });
    const answer = await answered(ts);
    expect(answer.stream?.text).toBe('So it is [r1].');
    expect([...(answer.stream?.tasks.values() ?? [])]).toMatchObject([
      { title: '[r1] get-node-health bos-w-1', status: 'complete' },
    ]);
    expect(wordsOf(answer)).toContain('It stands on r1 above.');
    expect(model.asked.at(-1)?.messages.find(({ role }) => role === 'user')?.content).toBe('how is bos-w-1?');
    expect(slack.workspace.statuses.at(-1)).toMatchObject({ thread: ts, status: 'is looking…' });
  });

  it('goes on in its thread, each person by themselves', async () => {
    const { ts } = slack.people.mention({ user: 'U0DAY', text: 'remember: the blue rack' });
    await answered(ts);
    slack.people.mention({ user: 'U0DAY', text: 'which rack?', thread: ts });
    await answered(ts, 2);
    const said = () =>
      model.asked
        .at(-1)
        ?.messages.filter(({ role }) => role === 'user')
        .map(({ content }) => content);
    expect(said()).toEqual(['remember: the blue rack', 'which rack?']);
    slack.people.mention({ user: 'U0NIGHT', text: 'drain it', thread: ts });
    await answered(ts, 3);
    expect(said()).toEqual(['drain it']);
  });

  it('comes once, however often Slack sends it', async () => {
    slack.sockets.lostAcknowledgements = 1;
    const event = slack.people.mention({ user: 'U0DAY', text: 'once' });
    await answered(event.ts);
    await eventually('the redelivery', async () => (event.sent() > 1 ? true : undefined));
    await event.redeliver().acknowledged;
    const later = slack.people.mention({ user: 'U0NIGHT', text: 'later' });
    await answered(later.ts);
    expect(answersIn(event.ts)).toHaveLength(1);
  });

  it('names nobody, whatever a model and a machine say', async () => {
    const injected = '<!channel> <@U0NIGHT> [approve](https://evil.example) *bold* ```';
    stack.lab.node('bos-w-1').server.log.append({ severity: 'Critical', messageId: 'X', message: injected });
    model.says(() => ({ text: injected }));
    const { ts } = slack.people.mention({ user: 'U0DAY', text: 'what does the log say?' });
    expect((await answered(ts)).stream?.text).toBe(
      '&lt;!channel&gt; &lt;@U0NIGHT&gt; [approve] (https://evil.example) *bold* ```',
    );
    const { said, notice, blocks } = await responseTo('U0DAY', 'health bos-w-1');
    expect(notice).not.toContain('<');
    expect(said).toContain('<!channel>');
    for (const { type } of blocks) expect(['header', 'rich_text']).toContain(type);
  });

  it('plans a change in the words of the tool, and asks people', async () => {
    wishes({ tool: 'drainNode', input: { node: 'bos-w-2', deleteEmptyDir: true } });
    const { ts } = slack.people.mention({ user: 'U0DAY', text: 'please drain bos-w-2, data may be lost' });
    const answer = await answered(ts);
    const [approval] = await (await stack.client('requester')).approvals('pending');
    expect(approval).toMatchObject({ requester: 'day-shift', channel: 'assistant' });
    expect(wordsOf(answer)).toContain(approval?.id);
    expect(changes(stack.lab.effects.since())).toEqual([]);
    expect((await responseTo('U0NIGHT', 'approvals')).said).toContain(approval?.id);
  });

  it('in a direct conversation is answered there, with prompts to begin with', async () => {
    const { ts } = slack.people.openAssistant('U0DAY');
    await eventually('prompts', async () => slack.workspace.prompts.find(({ thread }) => thread === ts));
    slack.people.direct({ user: 'U0DAY', text: 'hello &lt;!channel&gt;', thread: ts });
    expect((await answered(ts)).channel).toBe('D0DAY');
    expect(slack.workspace.titles.get(`D0DAY ${ts}`)).toBe('hello &lt;!channel&gt;');
  });

  it('is answered with what failed when the model is down', async () => {
    model.says(() => ({ fault: { kind: 'status', status: 400 } }));
    const { ts } = slack.people.mention({ user: 'U0DAY', text: 'are you there?' });
    const answer = await eventually('words', async () => answersIn(ts).find(message => message.blocks.length > 0));
    expect(wordsOf(answer)).toContain('Commands work without a model');
  });
});

describe('the plot of a reading', () => {
  const sensor = () =>
    eventually('a reading', async () => {
      const { output } = await (await stack.client('requester')).callTool('getSensorHistory', { node: 'bos-w-1' });
      return (output as { measured: { name: string; unit: string }[] }).measured.find(({ unit }) => unit === 'celsius')
        ?.name;
    });
  const plotIn = (where: (message: SlackMessage) => boolean) =>
    eventually('a plot', async () => slack.workspace.messages.find(each => where(each) && each.files.length > 0));

  it('comes below the answer that read it, and to whoever gave a command alone', async () => {
    const name = await sensor();
    wishes({ tool: 'getSensorHistory', input: { node: 'bos-w-1', sensor: name, hours: 0.1 } });
    const { ts } = slack.people.mention({ user: 'U0DAY', text: `how warm is ${name} of bos-w-1?` });
    const words = await answered(ts);
    const plot = await plotIn(({ thread_ts }) => thread_ts === ts);
    expect(Number(plot.ts)).toBeGreaterThan(Number(words.ts));
    expect(
      slack.workspace.uploads
        .get(plot.files[0]?.id ?? '')
        ?.bytes.subarray(1, 4)
        .toString(),
    ).toBe('PNG');
    const { said } = await responseTo('U0NIGHT', `get-sensor-history bos-w-1 "${name}" --hours 0.1`);
    expect(said).toContain('comes to you as a direct message');
    await plotIn(({ channel }) => channel === 'D0NIGHT');
    expect(slack.workspace.messages.filter(({ files }) => files.length > 0)).toHaveLength(2);
  });
});

describe('whoever is nobody to us', () => {
  it('is told so privately, and no model hears of it', async () => {
    const before = model.asked.length;
    slack.people.mention({ user: 'U0OTHER', text: 'drain everything' });
    expect(wordsOf(await refusalTo('U0OTHER'))).toMatch(/does not know who you are.*slack: U0OTHER/);
    slack.workspace.addUser('U0NIGHT', { is_restricted: true }); // was a member until now
    slack.people.mention({ user: 'U0NIGHT', text: 'drain everything' });
    expect(wordsOf(await refusalTo('U0NIGHT'))).toContain('does not answer guests');
    slack.workspace.addUser('U0NIGHT');
    const { ts } = slack.workspace.add({ channel: 'C0OPS', user: 'U0DAY', text: 'hi' });
    slack.people.send({ type: 'app_mention', user: 'U0DAY', team: 'T0AWAY', channel: 'C0OPS', ts, text: 'hi' });
    expect(wordsOf(await refusalTo('U0DAY'))).toContain('its own workspace only');
    const { said } = await responseTo('U0GUEST', 'freeze everything');
    expect(said).toContain('does not know who you are');
    expect(model.asked).toHaveLength(before);
    expect(await (await stack.client('requester')).callTool('getFleetOverview', {})).toMatchObject({
      output: { freezes: [] },
    });
  });

  it('has no say where Slack cannot be asked who it is', async () => {
    const before = model.asked.length;
    slack.fail('users.info', { error: 'internal_error' });
    const { ts } = slack.people.mention({ user: 'U0DAY', text: 'hello' });
    await eventually('the look', async () => slack.calls.find(({ answer }) => 'error' in Object(answer)));
    slack.fail('users.info', 'refused with 503'); // is asked again
    const { ts: later } = slack.people.mention({ user: 'U0DAY', text: 'and now?' });
    await answered(later);
    expect(answersIn(ts)).toEqual([]);
    expect(model.asked).toHaveLength(before + 1);
  });
});

describe('a command', () => {
  it('is answered to whoever asked alone, and says what is wrong with it', async () => {
    expect((await responseTo('U0DAY', 'health bos-w-1')).said).toContain('bos-w-1');
    expect((await responseTo('U0DAY', 'health')).said).toContain('getNodeHealth cannot take this input');
    expect((await responseTo('U0DAY', 'wipe bos-w-1')).said).toContain('there is no command');
    expect((await responseTo('U0DAY', 'help')).said).toContain('get-node-health');
    expect(slack.workspace.messages.filter(message => wordsOf(message).includes('there is no command'))).toEqual([]);
  });

  it('freezes in the name of whoever typed it', async () => {
    const { said } = await responseTo('U0NIGHT', 'freeze the cooling doesn’t hold');
    expect(said).toContain("the cooling doesn't hold");
    const { output } = await (await stack.client('requester')).callTool('getFleetOverview', {});
    expect(output).toMatchObject({ freezes: [{ by: 'night-shift' }] });
  });
});

describe('a service that is gone', () => {
  it('tells whoever waited to ask again, and answers nothing twice', async () => {
    const whole = slack.people.mention({ user: 'U0DAY', text: 'before' });
    await answered(whole.ts);
    const asked = Promise.withResolvers<void>();
    model.says(() => {
      asked.resolve();
      return { fault: { kind: 'silent' } };
    });
    const cut = slack.people.mention({ user: 'U0DAY', text: 'during' });
    await asked.promise;
    await stack.kill();
    model.says(() => ({ text: 'Again.' }));
    const connections = slack.sockets.connections;
    await stack.start();
    await eventually('the connection', async () => (slack.sockets.connections > connections ? true : undefined));
    await whole.redeliver().acknowledged;
    await cut.redeliver().acknowledged;
    const told = await eventually('the word', async () =>
      answersIn(cut.ts).find(message => wordsOf(message).includes('ask again')),
    );
    expect(told.stream).toBeUndefined();
    expect(answersIn(whole.ts)).toHaveLength(1);
    slack.sockets.refresh();
    await eventually('another connection', async () =>
      slack.sockets.connections > connections + 1 ? true : undefined,
    );
    slack.down();
    const after = slack.people.mention({ user: 'U0DAY', text: 'after' });
    await (await stack.client('requester')).approvals(); // goes on meanwhile
    slack.up();
    expect((await answered(after.ts)).stream?.text).toBe('Again.');
  });
});
