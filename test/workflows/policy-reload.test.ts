/** Policies that people change while an operation waits: what does not concern it lets it go on, a deny stops it. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ChangeAnswer } from '../../src/core/change.ts';
import { runCli } from '../../src/surfaces/cli/cli.ts';
import { connect } from '../../src/surfaces/cli/client.ts';
import { approve, blockedDrain, ended, isCordoned, pinned, reached } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'policies-'));
  await cp(new URL('../../policies', import.meta.url), dir, { recursive: true });
  stack = await startStack({ addressBase: '127.89', policies: dir });
});
afterAll(async () => {
  await stack?.close();
  await rm(dir, { recursive: true, force: true });
});

/** The digests on record, oldest first. */
async function loaded(): Promise<string[]> {
  const rows = await (await stack.client('requester')).custodyEntries({ from: 0, limit: 1000 });
  return rows
    .map(row => JSON.parse(Buffer.from(row.bytes).toString('utf8')) as { action?: string; detail?: string })
    .flatMap(({ action, detail = '' }) => (action === 'policy.loaded' ? [detail] : []));
}

/** Adds a rule and waits until the service follows it. */
async function addRule(id: string, resource: string, signal?: NodeJS.Signals): Promise<void> {
  const before = await loaded();
  const text = `@id("${id}") @reason("change freeze") forbid (principal, action in Fleet::Action::"Disruptive", ${resource});`;
  await writeFile(join(dir, `${id}.cedar`), text);
  if (signal) process.kill(stack.service().pid, signal);
  await eventually('the new policies to be on record', async () =>
    (await loaded()).length === before.length + 1 ? true : undefined,
  );
  expect(before).not.toContain((await loaded()).at(-1));
}

/** What `policy explain` says of this plan to who asked for it, in single spaces. */
async function explained(plan: string): Promise<string> {
  const [{ name, passphrase }] = stack.config.people;
  const { url } = stack.service().ready;
  const { token } = await connect({ url }).login({ name, passphrase, channel: 'cli' });
  const output = new PassThrough();
  const terminal = { input: new PassThrough(), output, errors: output, onInterrupt: () => () => undefined };
  const settings = { configDir: dir, url, token };
  const deps = { catalog: [], version: '0', settings, terminal, hashPassphrase: async () => '' };
  expect(await runCli(deps, ['policy', 'explain', '--plan', plan, '--policies', dir])).toBe(0);
  return String(output.read()).replace(/\s+/g, ' ');
}

async function waitingDrain(): Promise<{ node: string; plan: string; operation: string; unpin(): void }> {
  const [site] = stack.lab.sites;
  if (!site) throw new Error('the lab has no site');
  const { node, unpin } = await pinned(site);
  const asker = await stack.client('requester');
  const input = { node, deleteEmptyDir: true, dryRun: true };
  const { plan, digest } = (await asker.callTool('drainNode', input)).output as unknown as ChangeAnswer;
  const operation = await approve(stack, { plan, digest });
  await blockedDrain(stack, operation);
  return { node, plan, operation, unpin };
}

it('a rule for another site lets it go on, and a deny for this one halts it', async () => {
  const first = await waitingDrain();
  await addRule('elsewhere', 'resource in Fleet::Site::"oslo"', 'SIGHUP');
  first.unpin();
  expect((await ended(stack, first.operation)).state).toBe('done');

  const second = await waitingDrain();
  const before = await explained(second.plan);
  expect(before).toContain('day-shift (in operators) asks for drainNode on boston/boston decision needs votes');
  expect(before).not.toContain('under other policies');
  await addRule('freeze', 'resource');
  const { state, reason } = await ended(stack, second.operation);
  expect([state, reason]).toEqual(['halted', expect.stringContaining('change freeze')]);
  second.unpin();
  expect([reached(stack, second.node), isCordoned(stack, second.node)]).toEqual([['cordon', 'uncordon'], false]);
  expect(await explained(second.plan)).toMatch(
    /decision denied .* freeze \(freeze\.cedar:1\): change freeze .* under other policies/,
  );
});
