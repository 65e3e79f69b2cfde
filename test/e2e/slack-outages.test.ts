/**
 * Slack and the model fail in turn, and together, while something is changed: the change goes on, and afterwards each thing
 * stands in Slack once, and whoever asked has one answer.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import { custodyEntries, unaccounted } from '../support/audit.ts';
import { type ModelServer, type Reply, startModelServer } from '../support/model-server.ts';
import { ended, isCordoned } from '../support/rollout.ts';
import { type FakeSlack, linkedTo, startFakeSlack } from '../support/slack/slack-server.ts';
import type { SlackMessage } from '../support/slack/workspace.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let model: ModelServer;
let slack: FakeSlack;
const node = 'bos-w-1';
const told: string[] = [];

beforeAll(async () => {
  vi.spyOn(process.stderr, 'write').mockImplementation(chunk => told.push(String(chunk)) > 0);
  model = await startModelServer();
  slack = await startFakeSlack({ ackMs: 1000 });
  for (const user of ['U0DAY', 'U0NIGHT']) {
    slack.workspace.addUser(user);
    slack.workspace.channels.get('C0OPS')?.add(user);
  }
  stack = await startStack({
    addressBase: '127.231',
    controlPlanes: 1,
    workers: 2,
    assistant: { baseUrl: model.baseUrl, model: 'scripted', silence: '1s' },
    ...linkedTo(slack, ['U0DAY', 'U0NIGHT']),
  });
  await connected();
});
afterAll(async () => {
  await stack?.close();
  await slack?.close();
  await model?.close();
  vi.restoreAllMocks();
});
beforeEach(() => {
  told.length = 0;
});

const connected = () => eventually('the connection', async () => (slack.sockets.open.length > 0 ? true : undefined));
const posted = (key: string) =>
  slack.workspace.messages.filter(
    ({ deleted, metadata }) => !deleted && String(metadata?.event_payload.key).startsWith(key),
  );
const said = ({ blocks, stream }: SlackMessage) => `${stream?.text ?? ''}${JSON.stringify(blocks)}`;
const says = (key: string, words: string) =>
  eventually(`${key} to say ${words}`, async () => posted(key).find(message => said(message).includes(words)));
const answersIn = (thread: string) =>
  slack.workspace.messages.filter(
    ({ thread_ts, user, deleted }) => thread_ts === thread && user === slack.workspace.team.bot && !deleted,
  );
const warnings = (words: string) =>
  told
    .join('')
    .split('\n')
    .filter(line => line.includes(words)).length;

/** Asked and approved on the CLI, whatever the chat does. */
async function cordon(): Promise<{ request: string; operation: string }> {
  const client = await stack.client('requester');
  const { approval: request = '' } = (await client.callTool('cordonNode', { node })).output as unknown as ChangeAnswer;
  const voter = await stack.client('approver');
  const vote = { vote: 'approve', reason: 'go', passphrase: stack.passphrase('approver') } as const;
  const { operation = '' } = await voter.vote(request, vote);
  return { request, operation };
}

type Outage = { slack?: 'down' | 'slow' | 'cut' | 'refuses'; model?: Reply['fault'] };
const unavailable = { kind: 'status', status: 503 } as const;

describe.each<[string, Outage]>([
  ['Slack is down', { slack: 'down' }],
  ['the model is down', { model: unavailable }],
  ['both are down', { slack: 'down', model: unavailable }],
  ['the model says nothing', { model: { kind: 'silent' } }],
  ['the words of the model are cut', { model: { kind: 'cut' } }],
  ['the answers of Slack are lost', { slack: 'cut' }],
  ['Slack lets nothing through for a second', { slack: 'slow' }],
  ['Slack takes no stream, and the model says nothing', { slack: 'refuses', model: { kind: 'silent' } }],
])('while %s', (_, outage) => {
  function begin(): void {
    model.says(() => ({ text: 'All is well.', ...(outage.model && { fault: outage.model }) }));
    const each = ['chat.postMessage', 'chat.update', 'chat.startStream', 'chat.appendStream', 'chat.stopStream'];
    if (outage.slack === 'down') slack.down();
    if (outage.slack === 'cut') for (const method of each) slack.fail(method, 'answer lost after it acted');
    if (outage.slack === 'slow') for (const method of each) slack.fail(method, { retryAfterS: 1 });
    if (outage.slack === 'refuses') slack.fail('chat.startStream', { error: 'feature_not_enabled' });
  }

  it('a change goes on, and afterwards all is told once', async () => {
    begin();
    const { ts } = slack.people.mention({ user: 'U0DAY', text: 'how is it going?' });
    const { request, operation } = await cordon();
    expect(await ended(stack, operation)).toMatchObject({ state: 'done' });
    expect(isCordoned(stack, node)).toBe(true);
    if (outage.slack === 'down') {
      expect([posted(`approval/${request}`), answersIn(ts)]).toEqual([[], []]);
      await eventually('the word of Slack', async () => (warnings('Slack cannot be reached') > 0 ? true : undefined));
    }
    slack.up();
    await says(`approval/${request}`, `${operation} is done`);
    await says(`operation/${operation}`, ': done');
    await eventually('an answer', async () =>
      answersIn(ts).find(message => !message.stream?.open && message.blocks.length > 0),
    );
    const [answer, ...others] = answersIn(ts);
    expect(others).toEqual([]);
    // A reply that was cut is asked for once more, in one piece.
    const isAnswered = outage.model === undefined || outage.model.kind === 'cut';
    expect(said(answer as SlackMessage)).toMatch(isAnswered ? /All is well\./ : /Commands work without a model/);
    expect([posted(`approval/${request}`), posted(`operation/${operation}`)].map(({ length }) => length)).toEqual([
      1, 1,
    ]);
    expect(warnings('Slack cannot be reached')).toBe(outage.slack === 'down' ? 1 : 0);
  });

  it('and whoever asks again is answered', async () => {
    const { output } = await (await stack.client('requester')).callTool('uncordonNode', { node });
    expect(await ended(stack, (output as unknown as ChangeAnswer).operation ?? '')).toMatchObject({ state: 'done' });
    model.says(() => ({ text: 'Here I am.' }));
    await connected();
    const { ts } = slack.people.mention({ user: 'U0DAY', text: 'and now?' });
    const answer = await eventually('an answer', async () =>
      answersIn(ts).find(message => !message.stream?.open && message.blocks.length > 0),
    );
    expect([said(answer), answersIn(ts).length]).toEqual([expect.stringContaining('Here I am.'), 1]);
  });
});

it('nothing happened without its record', async () => {
  const entries = await custodyEntries(await stack.client('approver'));
  expect(unaccounted(stack.lab.effects.since(), entries)).toEqual([]);
});
