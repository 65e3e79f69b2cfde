/** A BMC that repeats our password in whatever it says, and every place where somebody reads what machines say. */
import { readFile } from 'node:fs/promises';
import { getDefaultEnvironment } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TurnEvent } from '../../src/core/talk.ts';
import { connect } from '../../src/surfaces/cli/client.ts';
import { databaseText } from '../support/database-text.ts';
import { connectOld } from '../support/mcp-clients.ts';
import { type ModelServer, repliesSoFar, startModelServer } from '../support/model-server.ts';
import { nodeArgs } from '../support/program.ts';
import { approve, ended, planFlash } from '../support/rollout.ts';
import { type FakeSlack, linkedTo, startFakeSlack } from '../support/slack/slack-server.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let slack: FakeSlack;
let model: ModelServer;
let password: string;
const logs: string[] = [];
/** What stands in the place of the password, so that a test cannot pass for want of the words around it. */
const kept = /'\*\*\*' for Password/;

beforeAll(async () => {
  model = await startModelServer();
  slack = await startFakeSlack();
  for (const user of ['U0DAY', 'U0NIGHT']) slack.workspace.addUser(user);
  for (const user of slack.workspace.users.keys()) slack.workspace.channels.get('C0OPS')?.add(user);
  stack = await startStack({
    addressBase: '127.113',
    controlPlanes: 1,
    workers: 3,
    assistant: { baseUrl: model.baseUrl, model: 'scripted' },
    mcpScope: 'execute',
    ...linkedTo(slack, ['U0DAY', 'U0NIGHT']),
  });
  stack.service().onLog(text => logs.push(text));
  password = (await readFile(stack.lab.account.passwordFile, 'utf8')).trim();
  expect(password).toMatch(/\S{8}/);
  stack.lab.node('bos-w-1').server.faults.set({ kind: 'log-in-repeated' });
});
afterAll(async () => {
  await stack?.close();
  await slack?.close();
  await model?.close();
});

const reads = { tool: 'getHardwareInventory', input: { node: 'bos-w-1' } };

function expectKept(told: unknown): void {
  const text = JSON.stringify(told);
  expect(text).toMatch(kept);
  expect(text).not.toContain(password);
}

it('tells it to no client of the service', async () => {
  const client = await stack.client('requester');
  const failure = await client.callTool(reads.tool, reads.input).catch((thrown: unknown) => thrown);
  expectKept(failure);
});

it('tells it to no editor', async () => {
  const { url } = stack.service().ready;
  const { token } = await connect({ url }).login({ ...stack.config.people[0], channel: 'cli' });
  const env = { ...getDefaultEnvironment(), GROUNDSKEEPER_URL: url, GROUNDSKEEPER_TOKEN: token };
  const editor = await connectOld({ command: process.execPath, args: [...nodeArgs, 'mcp'], env, stderr: 'ignore' });
  const called = await editor.call(reads.tool, reads.input).catch((thrown: unknown) => String(thrown));
  await editor.close();
  expectKept(called);
});

it('tells it to no model, and to nobody who listens to one', async () => {
  model.says(asked => (repliesSoFar(asked) === 0 ? { calls: [reads] } : { text: 'It refuses us [r1].' }));
  const events: unknown[] = [];
  const client = await stack.client('requester');
  const turn = await client.ask({ text: 'What is in bos-w-1?' }, { onEvent: event => events.push(event) });
  expectKept(model.asked);
  expect(JSON.stringify([turn, events])).not.toContain(password);
});

it('tells no other secret of the configuration either, wherever somebody wrote one down', async () => {
  const message = `the token ${slack.botToken} is wrong`;
  stack.lab.node('bos-w-3').server.log.append({ severity: 'Warning', messageId: 'X', message });
  const health = { tool: 'getNodeHealth', input: { node: 'bos-w-3' } };
  model.says(asked => (repliesSoFar(asked) === 0 ? { calls: [health] } : { text: 'It has a token [r1].' }));
  const events: TurnEvent[] = [];
  const client = await stack.client('requester');
  await client.ask({ text: 'How is bos-w-3?' }, { onEvent: event => events.push(event) });
  const { output, blocks } = await client.callTool(health.tool, health.input);
  for (const told of [output, blocks, events]) {
    expect(JSON.stringify(told)).toContain('the token *** is wrong');
    expect(JSON.stringify(told)).not.toContain(slack.botToken);
  }
});

it('tells it to nobody in Slack who gives a command', async () => {
  const before = slack.people.responses.length;
  await slack.people.command({ user: 'U0DAY', text: 'get-hardware-inventory bos-w-1' }).acknowledged;
  expectKept(await eventually('an answer', async () => slack.people.responses[before]));
});

it('tells it to no operation, to no card of one, to no log and to no table of the database', async () => {
  const plan = await planFlash(stack, 'bos-w-2');
  // The next life has no session.
  await stack.kill();
  stack.lab.node('bos-w-2').server.faults.set({ kind: 'log-in-repeated' });
  await stack.start();
  stack.service().onLog(text => logs.push(text));
  const operation = await approve(stack, plan);
  const client = await stack.client('requester');
  expectKept([await ended(stack, operation), await client.operationEvents(operation, { after: 0, waitMs: 0 })]);
  await eventually(
    'the card to say so',
    async () => slack.workspace.messages.some(({ blocks }) => JSON.stringify(blocks ?? []).match(kept)) || undefined,
  );
  const everywhere = [slack.workspace.messages, slack.people.responses, slack.calls, logs];
  expect(JSON.stringify(everywhere)).not.toContain(password);
  const stored = await databaseText(stack.databaseUrl);
  expect(stored).toMatch(kept);
  expect(stored).not.toContain(password);
});
