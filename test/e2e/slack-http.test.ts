/**
 * Slack by signed requests: what works over the socket works so too, and what is forged, stale, changed or sent again counts
 * for nothing. Real Bolt in the real service, a Slack of ours, a lab behind it.
 */
import { connect } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import { Secret } from '../../src/core/secret.ts';
import { signedHttp } from '../../src/surfaces/slack/signed-http.ts';
import { changes, custodyEntries, type Numbered, unaccounted } from '../support/audit.ts';
import { ended } from '../support/rollout.ts';
import type { SignedRequest } from '../support/slack/signed-requests.ts';
import { type FakeSlack, linkedTo, startFakeSlack } from '../support/slack/slack-server.ts';
import type { SlackMessage } from '../support/slack/workspace.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

const host = '127.101.250.1';
const requestUrl = `http://${host}:7421/slack/events`;
let stack: Stack;
let slack: FakeSlack;

beforeAll(async () => {
  slack = await startFakeSlack({ requestUrl });
  for (const user of ['U0DAY', 'U0NIGHT', 'U0OTHER']) slack.workspace.addUser(user);
  for (const user of slack.workspace.users.keys()) slack.workspace.channels.get('C0OPS')?.add(user);
  slack.down(); // the service starts all the same
  stack = await startStack({
    addressBase: '127.101',
    controlPlanes: 1,
    workers: 2,
    ...linkedTo(slack, ['U0DAY', 'U0NIGHT']),
  });
});
afterAll(async () => {
  await stack?.close();
  await slack?.close();
});

const said = ({ blocks, stream }: SlackMessage) => `${stream?.text ?? ''}${JSON.stringify(blocks)}`;
const shows = (id: string, ...words: string[]) =>
  eventually(`${id} to show ${words.join(', ')}`, async () =>
    slack.workspace.messages.find(
      message =>
        !message.deleted &&
        message.ephemeralTo === undefined &&
        [id, ...words].every(word => said(message).includes(word)),
    ),
  );
const toldAlone = (user: string) =>
  slack.workspace.messages.filter(({ ephemeralTo }) => ephemeralTo === user).map(message => said(message));
const answersIn = (thread: string) =>
  slack.workspace.messages.filter(({ thread_ts, user }) => thread_ts === thread && user === slack.workspace.team.bot);
const approvals = (entries: Numbered[]) =>
  entries.filter(entry => entry.type === 'vote' && entry.vote === 'approve' && entry.counted);
/** So many answers to commands, and no more, come of this. */
async function answered(times: number, act: () => unknown): Promise<void> {
  const before = slack.people.responses.length;
  await act();
  await eventually('the answers', async () => slack.people.responses[before + times - 1]);
  expect(slack.people.responses).toHaveLength(before + times);
}
const approvalOf = async (id: string) => (await (await stack.client('approver')).approval(id)).approval;

async function asked(tool: 'cordonNode' | 'uncordonNode', node: string): Promise<string> {
  const { output } = await (await stack.client('requester')).callTool(tool, { node });
  return (output as unknown as ChangeAnswer).approval ?? '';
}

it('comes again until Slack has told who we are, and is answered once', async () => {
  const question = slack.people.mention({ user: 'U0DAY', text: 'how is it going?' });
  await eventually('a second delivery', async () => (question.sent() > 1 ? true : undefined));
  expect(answersIn(question.ts)).toEqual([]);
  slack.up();
  expect(await question.acknowledged).toEqual({});
  await eventually('an answer', async () =>
    answersIn(question.ts).find(each => said(each).includes('without a model')),
  );
  expect(await question.redeliver().acknowledged).toEqual({});
  await answered(1, () => slack.people.command({ user: 'U0DAY', text: 'help' }));
  expect(answersIn(question.ts)).toHaveLength(1);
});

it('acknowledges what it cannot take up yet', async () => {
  const holder = new pg.Client(stack.databaseUrl);
  await holder.connect();
  await answered(1, async () => {
    await holder.query('begin; lock table chat_event in access exclusive mode');
    const { acknowledged } = slack.people.command({ user: 'U0DAY', text: 'health bos-w-1' });
    expect(await acknowledged).toEqual({});
    await holder.end();
  });
});

it('answers a command once, however often it comes', async () => {
  const command = slack.requests.withheld(() => slack.people.command({ user: 'U0DAY', text: 'help get-node-health' }));
  const later = { user: 'U0DAY', text: 'help' };
  await answered(2, async () => {
    const sent = await Promise.all([1, 2, 3].map(() => slack.requests.send(command)));
    expect(sent.map(({ status }) => status)).toEqual([200, 200, 200]);
    await slack.people.command(later).acknowledged;
  });
});

it('tells Slack that the address is ours, where Slack asks', async () => {
  const asks = slack.requests.sign('{"type":"url_verification","challenge":"3eZbrw1a"}', { type: 'application/json' });
  expect(await (await slack.requests.send(asks)).json()).toEqual({ challenge: '3eZbrw1a' });
});

it('rejects by a window that wants a reason, once', async () => {
  const request = await asked('cordonNode', 'bos-w-2');
  const card = await shows(request, 'Reject');
  await slack.people.click('U0NIGHT', card, 'approval-reject').acknowledged;
  const [id] = await eventually('the question why', async () =>
    [...slack.workspace.views].find(([, view]) => JSON.stringify(view).includes('approval-rejected')),
  );
  expect(await slack.people.submit('U0NIGHT', id).acknowledged).toMatchObject({ response_action: 'errors' });
  const reason = { text: { type: 'plain_text_input', value: 'match tonight' } };
  const answer = slack.requests.withheld(() => slack.people.submit('U0NIGHT', id, { reason }));
  await Promise.all([1, 2].map(() => slack.requests.send(answer)));
  await shows(request, 'rejected', 'match tonight');
  expect((await approvalOf(request)).votes).toHaveLength(1);
  expect(toldAlone('U0NIGHT')).toEqual([]);
});

describe('a click', () => {
  let request: string;
  /** The approval of the other person, signed by Slack, and taken away on its way. */
  let click: SignedRequest;
  const minutes = (count: number) => Date.now() + count * 60_000;
  const signed = (options: Parameters<FakeSlack['requests']['sign']>[1]) => slack.requests.sign(click.body, options);
  const without = (...names: string[]): SignedRequest => {
    const left = Object.entries(click.headers).filter(([name]) => !names.includes(name));
    return { ...click, headers: Object.fromEntries(left) };
  };

  beforeAll(async () => {
    request = await asked('cordonNode', 'bos-w-1');
    const card = await shows(request, 'Approve');
    click = slack.requests.withheld(() => slack.people.click('U0NIGHT', card, 'approval-approve'));
  });

  it.each<[string, () => SignedRequest, number]>([
    ['signed with another secret', () => signed({ secret: '0'.repeat(32) }), 401],
    ['without signature', () => without('x-slack-signature'), 401],
    ['without timestamp', () => without('x-slack-request-timestamp'), 401],
    ['without either', () => without('x-slack-signature', 'x-slack-request-timestamp'), 401],
    ['older than five minutes', () => signed({ at: minutes(-5.1) }), 401],
    ['signed for later', () => signed({ at: minutes(5.1) }), 401],
    [
      'with an old signature under a new timestamp',
      () => ({
        ...click,
        headers: {
          ...signed({ at: minutes(1) }).headers,
          'x-slack-signature': `${click.headers['x-slack-signature']}`,
        },
      }),
      401,
    ],
    [
      'by whoever asked, made one of another',
      () => {
        const card = slack.workspace.messages.find(message => said(message).includes(request)) as SlackMessage;
        const own = slack.requests.withheld(() => slack.people.click('U0DAY', card, 'approval-approve'));
        return { ...own, body: own.body.replaceAll('U0DAY', 'U0NIGHT') };
      },
      401,
    ],
    [
      'beside what Slack sends unsigned',
      () => ({ ...without('x-slack-signature'), body: `ssl_check=1&${click.body}` }),
      401,
    ],
    ['larger than anything of Slack', () => slack.requests.sign(`${click.body}&pad=${'x'.repeat(1024 * 1024)}`), 413],
    ['that is nothing', () => slack.requests.sign('null', { type: 'application/json' }), 400],
    ['that cannot be read', () => slack.requests.sign('{', { type: 'application/json' }), 400],
  ])('%s is refused', async (_what, forged, status) => {
    expect((await slack.requests.send(forged())).status).toBe(status);
  });

  it('elsewhere, or asked for, is nowhere', async () => {
    for (const path of ['/', '/slack', '/slack/events/', '/slack/events?a=1', '//'])
      expect((await slack.requests.send(click, new URL(requestUrl).origin + path)).status).toBe(404);
    expect((await fetch(requestUrl)).status).toBe(404);
  });

  it('of whoever asked, or of somebody whom nobody linked, is not counted', async () => {
    const card = await shows(request, 'Approve');
    for (const user of ['U0DAY', 'U0OTHER']) {
      expect(await slack.people.click(user, card, 'approval-approve').acknowledged).toEqual({});
      await eventually(`${user} to be told`, async () => toldAlone(user)[0]);
    }
  });

  it('left no trace in any of these ways', async () => {
    expect(await approvalOf(request)).toMatchObject({ state: 'pending', votes: [] });
    const entries = await custodyEntries(await stack.client('approver'));
    expect(approvals(entries)).toEqual([]);
    expect(changes(stack.lab.effects.since())).toEqual([]);
    expect(toldAlone('U0NIGHT')).toEqual([]);
  });

  it('counts once, though it comes twice at the same moment, and again later', async () => {
    const both = await Promise.all([1, 2].map(() => slack.requests.send(click)));
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    const approval = await eventually('the vote', async () => {
      const seen = await approvalOf(request);
      return seen.state === 'approved' ? seen : undefined;
    });
    expect(approval.votes).toMatchObject([{ person: 'night-shift' }]);
    expect(await ended(stack, approval.operation ?? '')).toMatchObject({ state: 'done' });
    expect((await slack.requests.send(click)).status).toBe(200);
    await shows(request, 'approved', `${approval.operation} is done`);
    const entries = await custodyEntries(await stack.client('approver'));
    expect(approvals(entries)).toMatchObject([{ strength: 'chat-click', via: { channel: 'slack' } }]);
    expect(toldAlone('U0NIGHT')).toEqual([]);
    expect(unaccounted(stack.lab.effects.since(), entries)).toEqual([]);
  });
});

describe('what Slack signed two minutes ago', () => {
  const late = (act: () => void) => {
    const { body } = slack.requests.withheld(act);
    return slack.requests.send(slack.requests.sign(body, { at: Date.now() - 120_000 }));
  };
  const toldLate = (channel: string) =>
    eventually(`a word in ${channel}`, async () =>
      slack.workspace.messages.find(each => each.channel === channel && said(each).includes('counts for 60 s')),
    );
  const reason = { reason: { text: { type: 'plain_text_input', value: 'storm' } } };
  async function windowAfter(click: () => { acknowledged: Promise<unknown> }): Promise<string> {
    const before = slack.workspace.views.size;
    await click().acknowledged;
    return eventually('the question why', async () => [...slack.workspace.views.keys()][before]);
  }

  it('is no vote, and whoever clicked is told', async () => {
    const { output } = await (await stack.client('requester')).callTool('uncordonNode', { node: 'bos-w-1' });
    await ended(stack, (output as unknown as ChangeAnswer).operation ?? '');
    const request = await asked('cordonNode', 'bos-w-2');
    const card = await shows(request, 'Approve');
    await late(() => slack.people.click('U0NIGHT', card, 'approval-approve'));
    expect(said(await toldLate('C0OPS'))).toContain('do it again');
    const id = await windowAfter(() => slack.people.click('U0NIGHT', card, 'approval-reject'));
    await late(() => slack.people.submit('U0NIGHT', id, reason));
    await eventually('the second word', async () => toldAlone('U0NIGHT')[1]);
    expect(await approvalOf(request)).toMatchObject({ state: 'pending', votes: [] });
  });

  it('freezes nothing, by command or window, and is answered where it only asks', async () => {
    await answered(2, async () => {
      await late(() => slack.people.command({ user: 'U0DAY', text: 'freeze storm' }));
      await late(() => slack.people.command({ user: 'U0DAY', text: 'health bos-w-1' }));
    });
    const [first, second] = slack.people.responses.slice(-2).map(({ blocks }) => JSON.stringify(blocks));
    expect([first, second].filter(each => each?.includes('counts for 60 s'))).toHaveLength(1);
    expect([first, second].filter(each => each?.includes('bos-w-1'))).toHaveLength(1);

    slack.people.openHome('U0DAY');
    const home = await eventually('the home', async () => slack.workspace.homes.get('U0DAY'));
    const id = await windowAfter(() => slack.people.click('U0DAY', home as unknown as SlackMessage, 'home-freeze'));
    await late(() => slack.people.submit('U0DAY', id, reason));
    await toldLate('D0DAY');
    const { output } = await (await stack.client('approver')).callTool('getFleetOverview', {});
    expect(output).toMatchObject({ freezes: [] });
  });
});

describe('the port', () => {
  const options = { signingSecret: new Secret('0'.repeat(32)), listen: { host, port: 7422 } };
  const told: string[] = [];
  const log = { warn: (_fields: object, message: string) => void told.push(message) };

  it('that is taken is named', async () => {
    await expect(signedHttp({ ...options, listen: { host, port: 7421 } }, log)).rejects.toMatchObject({
      code: 'port_taken',
      message: expect.stringContaining(`${host}:7421`),
    });
  });

  it('says once that something came that Slack did not sign', async () => {
    const transport = await signedHttp(options, log);
    const url = `http://${host}:7422/slack/events`;
    for (const secret of ['1', '1', '0', '1'])
      await slack.requests.send(slack.requests.sign('{}', { secret: secret.repeat(32) }), url);
    await transport.close();
    expect(told).toEqual(Array(2).fill(expect.stringContaining('Slack did not sign')));
  });

  it('is given back, though somebody has only begun to ask', async () => {
    const first = await signedHttp(options, log);
    const begun = connect(options.listen);
    begun.on('error', () => undefined);
    await new Promise<void>(resolve => begun.write('POST /slack/events HTTP/1.1\r\n', () => resolve()));
    await first.close();
    await (await signedHttp(options, log)).close();
  });
});
