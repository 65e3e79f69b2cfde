/** A policy keeps a person from what concerns one site: by no way do they come to read its plans, requests and operations. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client as McpClient, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import type { Client } from '../../src/surfaces/cli/client.ts';
import { custodyEntries } from '../support/audit.ts';
import { shippedPolicies } from '../support/guard.ts';
import { type FakeSlack, linkedTo, startFakeSlack } from '../support/slack/slack-server.ts';
import type { SlackMessage } from '../support/slack/workspace.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer.ts';

const origin = 'http://127.84.250.1:7420';
const subject = '00u-night';
const closed = `
@id("boston-is-closed") @reason("ask the day shift about boston")
forbid (
  principal == Fleet::Person::"night-shift",
  action in [Fleet::Action::"getPlan", Fleet::Action::"getApproval", Fleet::Action::"getOperation"],
  resource in Fleet::Site::"boston"
);
`;
const refused = {
  code: 'forbidden',
  message: expect.stringContaining('ask the day shift about boston (boston-is-closed)'),
};
const understood = { ...refused, hint: expect.stringContaining('whoever keeps the policies') };

let stack: Stack;
let slack: FakeSlack;
let issuer: TokenIssuer;
let dir: string;
/** Who may read all, and who may not read of boston. */
let day: Client;
let night: Client;
let ids: Record<'boston' | 'chicago', { operation: string; request: string; plan: string }>;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'closed-site-'));
  await cp(shippedPolicies, dir, { recursive: true });
  await writeFile(join(dir, 'closed.cedar'), closed);
  slack = await startFakeSlack({ ackMs: 1000 });
  for (const user of ['U0DAY', 'U0NIGHT']) slack.workspace.addUser(user);
  for (const user of slack.workspace.users.keys()) slack.workspace.channels.get('C0OPS')?.add(user);
  issuer = await startTokenIssuer('127.84.250.2');
  stack = await startStack({
    addressBase: '127.84',
    sites: 2,
    controlPlanes: 1,
    workers: 2,
    policies: dir,
    ...linkedTo(slack, ['U0DAY', 'U0NIGHT']),
    configure: document =>
      Object.assign(document, {
        service: { ...(document as { service?: object }).service, listen: '127.84.250.1:7420', publicUrl: origin },
        oidc: { issuer: issuer.url, clientId: 'groundskeeper' },
        mcp: { scope: 'execute', http: true },
        people: document.people.map((person, index) => (index === 1 ? { ...person, oidc: { subject } } : person)),
      }),
  });
  day = await stack.client('requester');
  night = await stack.client('approver');
  ids = { boston: await work('bos'), chicago: await work('chi') };
  await eventually('the connection', async () => (slack.sockets.connections > 0 ? true : undefined));
});
afterAll(async () => {
  await stack?.close();
  await slack?.close();
  await issuer?.close();
  await rm(dir, { recursive: true, force: true });
});

/** An operation that needs no vote, and a request that waits for one. */
async function work(site: string) {
  const call = async (tool: string, node: string, more: object = {}) =>
    (await day.callTool(tool, { node, ...more })).output as unknown as ChangeAnswer;
  const { operation = '' } = await call('identifyNode', `${site}-w-1`);
  const { approval: request = '', plan } = await call('cordonNode', `${site}-w-2`);
  expect([operation, request]).toEqual([expect.stringMatching(/^op-/), expect.stringMatching(/^apr-/)]);
  return { operation, request, plan };
}

/** Tells of the one site, and holds no word of what is refused. */
function expectOnlyChicago(told: unknown, ...what: ('operation' | 'request' | 'plan')[]): void {
  const text = typeof told === 'string' ? told : JSON.stringify(told);
  for (const each of what) {
    expect(text).toContain(ids.chicago[each]);
    expect(text).not.toContain(ids.boston[each]);
  }
}

describe('over HTTP', () => {
  it('news of an operation are refused at once, and those of another one come', async () => {
    const wait = { after: 0, waitMs: 25_000 };
    await expect(night.operationEvents(ids.boston.operation, wait)).rejects.toMatchObject(understood);
    expect((await night.operationEvents(ids.chicago.operation, wait)).operation.id).toBe(ids.chicago.operation);
    expect((await day.operationEvents(ids.boston.operation, wait)).operation.id).toBe(ids.boston.operation);
  });

  it('a request and its plan are refused, and lists leave them out', async () => {
    await expect(night.approval(ids.boston.request)).rejects.toMatchObject(understood);
    expect((await night.approval(ids.chicago.request)).plan.id).toBe(ids.chicago.plan);
    expectOnlyChicago(await night.approvals(), 'request', 'plan');
    expect(JSON.stringify(await day.approvals())).toContain(ids.boston.request);
  });

  it('a vote on what was not shown does not count', async () => {
    const vote = { vote: 'approve', reason: 'blind', passphrase: stack.passphrase('approver') } as const;
    await expect(night.vote(ids.boston.request, vote)).rejects.toMatchObject(refused);
    expect((await day.approval(ids.boston.request)).approval).toMatchObject({ state: 'pending', votes: [] });
    const cast = (await custodyEntries(day)).filter(({ type }) => type === 'vote');
    expect(cast).toMatchObject([{ approval: ids.boston.request, counted: false }]);
  });

  it('the custody log, which tells of all sites, is for those who may read of all', async () => {
    await expect(night.custodyEntries({ from: 0, limit: 1 })).rejects.toMatchObject(refused);
    const kept = (await custodyEntries(day)).flatMap(entry => (entry.type === 'evidence' ? [entry.evidence] : []));
    const [evidence = ''] = kept;
    await expect(night.evidence(evidence)).rejects.toMatchObject(refused);
    expect((await day.evidence(evidence)).id).toBe(evidence);
    expect((await night.custodyHead()).size).toBeGreaterThan(0);
  });

  it('overview, operations and a digest of this moment leave them out', async () => {
    const overview = (await night.callTool('getFleetOverview', {})).output;
    expect(JSON.stringify(overview)).toContain(ids.chicago.request);
    expect(JSON.stringify(overview)).not.toContain(ids.boston.request);
    expectOnlyChicago((await night.callTool('listOperations', {})).output, 'operation');
    expectOnlyChicago(await night.digestNow(), 'operation');
    expect(JSON.stringify(await day.digestNow())).toContain(ids.boston.operation);
  });
});

it('over MCP neither waiting nor a resource tells of them', async () => {
  const token = await issuer.token({ sub: subject, aud: `${origin}/mcp`, scope: 'read plan execute' });
  const client = new McpClient({ name: 'editor', version: '1.0.0' });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${origin}/mcp`), { requestInit }));
  const wait = (operation: string) => client.callTool({ name: 'waitOperation', arguments: { operation, seconds: 25 } });
  const told = await wait(ids.boston.operation);
  expect([told.isError, told.content]).toEqual([
    true,
    [{ type: 'text', text: expect.stringMatching(/^forbidden.*boston-is-closed.*Hint: whoever keeps the policies/s) }],
  ]);
  expect((await wait(ids.chicago.operation)).isError).toBeFalsy();
  await expect(client.readResource({ uri: 'custody://0' })).rejects.toThrow(/boston-is-closed/);
  await client.close();
});

describe('in Slack', () => {
  const card = (request: string) =>
    eventually(`the card of ${request}`, async () =>
      slack.workspace.messages.find(
        ({ ephemeralTo, blocks }) => ephemeralTo === undefined && JSON.stringify(blocks).includes(request),
      ),
    );
  const told = (user: string) => slack.workspace.messages.filter(({ ephemeralTo }) => ephemeralTo === user);
  const press = async (user: string, action: string, message: SlackMessage) => {
    const before = told(user).length;
    await slack.people.click(user, message, action).acknowledged;
    return eventually('an answer to the click', async () => told(user)[before]?.text);
  };

  it('Review is refused in private, with the policy that says so, and opens for who may read', async () => {
    const boston = await card(ids.boston.request);
    expect(await press('U0NIGHT', 'approval-review', boston)).toContain('boston-is-closed');
    expect(slack.workspace.views.size).toBe(0);
    await slack.people.click('U0NIGHT', await card(ids.chicago.request), 'approval-review').acknowledged;
    await eventually('the plan', async () => [...slack.workspace.views.values()][0]);
  });

  it('a click on the card of what one may not read is no vote', async () => {
    expect(await press('U0NIGHT', 'approval-approve', await card(ids.boston.request))).toContain('boston-is-closed');
    expect((await day.approval(ids.boston.request)).approval.votes).toEqual([]);
  });

  it('the list of requests and the home leave them out', async () => {
    const before = slack.people.responses.length;
    slack.people.command({ user: 'U0NIGHT', text: 'approvals' });
    const list = await eventually('the list', async () => slack.people.responses[before]);
    expectOnlyChicago(list.blocks, 'request');
    slack.people.openHome('U0NIGHT');
    expectOnlyChicago(await eventually('the home', async () => slack.workspace.homes.get('U0NIGHT')), 'request');
  });
});
