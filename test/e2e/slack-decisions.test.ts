/** Cards in a channel and clicks on them: real Bolt in the real service, a Slack of ours, a lab behind it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import { custodyEntries, unaccounted } from '../support/audit.ts';
import { ended, reconfigure } from '../support/rollout.ts';
import { type FakeSlack, linkedTo, startFakeSlack } from '../support/slack/slack-server.ts';
import type { SlackMessage } from '../support/slack/workspace.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let slack: FakeSlack;

beforeAll(async () => {
  slack = await startFakeSlack({ ackMs: 1000 });
  for (const user of ['U0DAY', 'U0NIGHT', 'U0OTHER']) slack.workspace.addUser(user);
  for (const user of slack.workspace.users.keys()) slack.workspace.channels.get('C0OPS')?.add(user);
  stack = await startStack({
    addressBase: '127.98',
    controlPlanes: 1,
    workers: 3,
    ...linkedTo(slack, ['U0DAY', 'U0NIGHT']),
  });
  await eventually('the connection', async () => (slack.sockets.connections > 0 ? true : undefined));
});
afterAll(async () => {
  await stack?.close();
  await slack?.close();
});

const said = ({ blocks }: SlackMessage) => JSON.stringify(blocks);
const about = (id: string) =>
  slack.workspace.messages.filter(
    message => !message.deleted && message.ephemeralTo === undefined && said(message).includes(id),
  );
/** The message that says all this by now. */
const shows = (id: string, ...words: string[]) =>
  eventually(`${id} to show ${words.join(', ')}`, async () =>
    about(id).find(message => words.every(word => said(message).includes(word))),
  );
const toldAlone = (user: string, words: string, times = 1) =>
  eventually(`${user} to be told ${words}, ${times} times`, async () => {
    const told = slack.workspace.messages.filter(({ ephemeralTo }) => ephemeralTo === user);
    return told.filter(message => said(message).includes(words))[times - 1];
  });

async function drain(node: string): Promise<string> {
  const client = await stack.client('requester');
  const { output } = await client.callTool('drainNode', { node, deleteEmptyDir: true });
  return (output as unknown as ChangeAnswer).approval ?? '';
}

describe('a request', () => {
  let request: string;

  it('has one card in the channel, with what it takes and who has to agree', async () => {
    request = await drain('bos-w-1');
    const card = await shows(request, 'Approve', 'blast radius', '1 approval from operators', 'digest');
    expect(card.channel).toBe('C0OPS');
    expect(said(card)).not.toMatch(/mrkdwn/);
  });

  it('is shown whole to who reviews it', async () => {
    const card = await shows(request, 'Approve');
    await slack.people.click('U0OTHER', card, 'approval-review').acknowledged;
    await toldAlone('U0OTHER', 'does not know who you are');
    await slack.people.click('U0NIGHT', card, 'approval-review').acknowledged;
    const view = await eventually('the plan', async () => [...slack.workspace.views.values()].at(-1));
    expect(JSON.stringify(view)).toContain('sha256:');
  });

  it('is not approved by whoever asked for it, nor by somebody whom nobody linked', async () => {
    const card = await shows(request, 'Approve');
    await slack.people.click('U0DAY', card, 'approval-approve').acknowledged;
    await toldAlone('U0DAY', 'asked for this plan and cannot vote on it');
    await slack.people.click('U0OTHER', card, 'approval-approve').acknowledged;
    await toldAlone('U0OTHER', 'does not know who you are', 2); // once when they asked to see the plan
    expect((await (await stack.client('approver')).approval(request)).approval).toMatchObject({
      state: 'pending',
      votes: [],
    });
  });

  it('is not approved later by a click that came to nothing, and whoever clicked is told to do it again', async () => {
    const standing = async () => (await (await stack.client('approver')).approval(request)).approval;
    const card = await shows(request, 'Approve');
    slack.fail('users.info', 'refused with 503', 1000);
    await slack.people.click('U0NIGHT', card, 'approval-approve').acknowledged;
    const told = await toldAlone('U0NIGHT', 'Slack does not say who you are');
    expect(said(told)).toContain('do it again');
    slack.heal('users.info');
    const before = slack.people.responses.length;
    slack.people.command({ user: 'U0NIGHT', text: 'get-approval', channel: 'C0OPS' });
    await eventually('an answer of Slack', async () => slack.people.responses[before]);
    expect(await standing()).toMatchObject({ state: 'pending', votes: [] });

    const longAgo = { action_id: 'approval-approve', value: request, action_ts: `${Date.now() / 1000 - 120}` };
    await slack.people.click('U0NIGHT', card, 'approval-approve', { actions: [longAgo] }).acknowledged;
    await toldAlone('U0NIGHT', 'counts for 60 s');
    expect(await standing()).toMatchObject({ state: 'pending', votes: [] });
  });

  it('is approved by one click of another, however often it comes, and the card and the operation follow', async () => {
    const card = await shows(request, 'Approve');
    const clicks = [1, 2].map(() => slack.people.click('U0NIGHT', card, 'approval-approve'));
    await Promise.all(clicks.map(({ acknowledged }) => acknowledged));
    const client = await stack.client('approver');
    const approval = await eventually('the vote', async () => {
      const seen = (await client.approval(request)).approval;
      return seen.state === 'approved' ? seen : undefined;
    });
    expect(approval.votes).toMatchObject([{ person: 'night-shift', channel: 'slack', strength: 'chat-click' }]);
    expect(await ended(stack, approval.operation ?? '')).toMatchObject({ state: 'done' });
    await shows(request, 'approved', 'night-shift: approve', `${approval.operation} is done`);
    const progress = await shows(approval.operation ?? '', 'drain in boston: done', '1/1');
    expect(said(progress)).not.toContain('operation-cancel');
    expect(about(request).filter(message => said(message).includes('blast radius'))).toHaveLength(1);
    const entries = await custodyEntries(client);
    expect(entries.filter(entry => entry.type === 'vote' && entry.counted)).toMatchObject([
      { strength: 'chat-click', via: { channel: 'slack' } },
    ]);
    expect(unaccounted(stack.lab.effects.since(), entries)).toEqual([]);
  });

  it('that was decided counts no more clicks', async () => {
    const card = await shows(request, 'approved');
    const stale = {
      ...card,
      blocks: [{ type: 'actions', elements: [{ type: 'button', action_id: 'approval-approve', value: request }] }],
    };
    await slack.people.click('U0NIGHT', stale as SlackMessage, 'approval-approve').acknowledged;
    await toldAlone('U0NIGHT', 'votes are closed');
  });

  it('is rejected with a reason, which stands on the card', async () => {
    const other = await drain('bos-w-2');
    const card = await shows(other, 'Reject');
    await slack.people.click('U0NIGHT', card, 'approval-reject').acknowledged;
    const [id] = await eventually('the question why', async () =>
      [...slack.workspace.views].find(([, view]) => JSON.stringify(view).includes('approval-rejected')),
    );
    const reason = { text: { type: 'plain_text_input', value: 'match tonight <!channel>' } };
    await slack.people.submit('U0NIGHT', id, { reason }).acknowledged;
    const decided = await shows(other, 'rejected', 'match tonight <!channel>');
    expect(decided.text).not.toContain('<');
    expect(said(decided)).not.toContain('approval-approve');
  });
});

it('an operation that ends before anybody looked again has its message', async () => {
  const { output } = await (await stack.client('requester')).callTool('cordonNode', { node: 'bos-w-2' });
  const { approval = '' } = output as unknown as ChangeAnswer;
  await shows(approval, 'Approve');
  const voter = await stack.client('approver');
  const vote = { vote: 'approve', reason: 'go', passphrase: stack.passphrase('approver') } as const;
  const { operation = '' } = await voter.vote(approval, vote);
  await shows(operation, 'cordon in boston: done');
  const back = await (await stack.client('requester')).callTool('uncordonNode', { node: 'bos-w-2' });
  await ended(stack, (back.output as unknown as ChangeAnswer).operation ?? '');
});

describe('a request that was asked for in Slack', () => {
  let request: string;
  const standing = async () => (await (await stack.client('approver')).approval(request)).approval;

  it('is not approved by the same person on another surface', async () => {
    slack.people.command({ user: 'U0DAY', text: 'cordon-node bos-w-2' });
    const asker = await stack.client('requester');
    const { id } = await eventually('the request', async () => (await asker.approvals('pending'))[0]);
    request = id;
    expect(await standing()).toMatchObject({ requester: 'day-shift', channel: 'slack' });
    const vote = { vote: 'approve', reason: 'mine', passphrase: stack.passphrase('requester') } as const;
    await expect(asker.vote(request, vote)).rejects.toMatchObject({ code: 'forbidden' });
    expect(await standing()).toMatchObject({ state: 'pending', votes: [] });
  });

  it('is not approved by who has lost the right since the card was posted', async () => {
    const card = await shows(request, 'Approve');
    const groupsOf = (groups: string[]) =>
      reconfigure(stack, ({ people }) => {
        people[1] = { ...people[1], groups } as (typeof people)[number];
      });
    const connections = slack.sockets.connections;
    await groupsOf(['guests']);
    await eventually('the connection', async () => (slack.sockets.connections > connections ? true : undefined));
    await slack.people.click('U0NIGHT', card, 'approval-approve').acknowledged;
    await toldAlone('U0NIGHT', 'operators');
    await groupsOf(['operators']);
    expect(await standing()).toMatchObject({ state: 'pending', votes: [] });
    await shows(request, 'Approve');
  });
});

describe('what was posted', () => {
  it('stands once, though Slack lost the answer and the service was killed', async () => {
    slack.fail('chat.postMessage', 'answer lost after it acted');
    const request = await drain('bos-w-3');
    await shows(request, 'Approve');
    await stack.kill();
    const connections = slack.sockets.connections;
    await stack.start();
    await eventually('the connection', async () => (slack.sockets.connections > connections ? true : undefined));
    const client = await stack.client('approver');
    const vote = { vote: 'reject', reason: 'on the CLI', passphrase: stack.passphrase('approver') } as const;
    await client.vote(request, vote);
    await shows(request, 'rejected', 'on the CLI');
    expect(about(request)).toHaveLength(1);
  });
});

it('a card that somebody deleted comes back once it is decided', async () => {
  const request = await drain('bos-w-3');
  const card = await shows(request, 'Approve');
  card.deleted = true;
  const vote = { vote: 'reject', reason: 'not now', passphrase: stack.passphrase('approver') } as const;
  await (await stack.client('approver')).vote(request, vote);
  expect((await shows(request, 'rejected', 'not now')).ts).not.toBe(card.ts);
});

describe('the home of the app', () => {
  const homeOf = (user: string, words: string) =>
    eventually(`the home of ${user} to show ${words}`, async () => {
      const home = JSON.stringify(slack.workspace.homes.get(user) ?? '');
      return home.includes(words) ? home : undefined;
    });

  it('shows nodes and what waits to those who are linked, and why not to others', async () => {
    const request = await drain('bos-w-1');
    slack.people.openHome('U0DAY');
    const home = await homeOf('U0DAY', request);
    expect(home).toMatch(/boston .* of 4 /);
    slack.people.openHome('U0OTHER');
    const refused = await homeOf('U0OTHER', 'does not know who you are');
    for (const word of ['boston', request]) expect(refused).not.toContain(word);
  });

  it('freezes everything with a reason, and shows it', async () => {
    const home = slack.workspace.homes.get('U0DAY') as unknown as SlackMessage;
    await slack.people.click('U0DAY', home, 'home-freeze').acknowledged;
    const [id] = await eventually('the question why', async () =>
      [...slack.workspace.views].find(([, view]) => JSON.stringify(view).includes('home-frozen')),
    );
    await slack.people.submit('U0DAY', id, { reason: { text: { type: 'plain_text_input', value: 'storm' } } })
      .acknowledged;
    await homeOf('U0DAY', 'storm');
    const { output } = await (await stack.client('approver')).callTool('getFleetOverview', {});
    expect(output).toMatchObject({ freezes: [{ by: 'day-shift', reason: 'storm' }] });
  });
});
