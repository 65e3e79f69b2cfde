import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FirmwareMember } from '../../src/core/bmc.ts';
import type { ChangeAnswer } from '../../src/core/change.ts';
import { FleetError } from '../../src/core/errors.ts';
import { hasEnded, type Operation } from '../../src/core/operation.ts';
import type { Plan } from '../../src/core/plan.ts';
import { tokenHash } from '../../src/guard/token-hash.ts';
import { type Client, connect } from '../../src/surfaces/cli/client.ts';
import { changes, custodyEntries, isHandOver, unaccounted } from '../support/audit.ts';
import { databaseText } from '../support/database-text.ts';
import { reached } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let asker: Client;
let voter: Client;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.31', sites: 2 });
  asker = await stack.client('requester');
  voter = await stack.client('approver');
});
afterAll(() => stack?.close());

async function refusal(work: Promise<unknown>): Promise<FleetError> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(FleetError);
  return thrown as FleetError;
}

async function planned(site: string): Promise<{ plan: Plan; digest: string }> {
  const { output } = await asker.callTool('planFirmwareRollout', { site, deleteEmptyDir: true });
  return output as unknown as { plan: Plan; digest: string };
}

async function ended(client: Client, id: string): Promise<Operation> {
  return eventually(
    `${id} to end`,
    async () => {
      const { operation } = await client.operationEvents(id, { after: 0, waitMs: 0 });
      return hasEnded(operation.state) ? operation : undefined;
    },
    120_000,
  );
}

describe('a firmware rollout', () => {
  it('does nothing to any machine until another person approved the very plan', async () => {
    const { plan, digest } = await planned('boston');
    expect(plan.waves[0]).toHaveLength(1);
    expect(plan.targets.map(target => target.node).sort()).toEqual(['bos-w-1', 'bos-w-2', 'bos-w-3', 'bos-w-4']);
    const before = changes(stack.lab.effects.since()).length;
    expect(before).toBe(0);

    const wrong = await refusal(asker.callTool('startPlan', { plan: plan.id, digest: `sha256:${'0'.repeat(64)}` }));
    expect(wrong.code).toBe('conflict');
    const answer = (await asker.callTool('startPlan', { plan: plan.id, digest })).output as unknown as ChangeAnswer;
    expect(answer.status).toBe('approval_required');
    const approval = answer.approval ?? '';

    const own = await refusal(
      asker.vote(approval, { vote: 'approve', reason: 'me', passphrase: stack.passphrase('requester') }),
    );
    expect(own.code).toBe('forbidden');
    const stale = await refusal(
      voter.vote(approval, { vote: 'approve', reason: 'no', passphrase: 'not the passphrase' }),
    );
    expect(stale.code).toBe('unauthenticated');
    expect((await asker.approval(approval)).approval.state).toBe('pending');
    expect(changes(stack.lab.effects.since())).toHaveLength(0);

    const voted = await voter.vote(approval, {
      vote: 'approve',
      reason: 'window open',
      passphrase: stack.passphrase('approver'),
    });
    expect(voted.state).toBe('approved');
    const operation = await ended(asker, voted.operation ?? '');
    expect(operation.nodes.map(node => `${node.node} ${node.state}: ${node.message}`)).toEqual(
      plan.waves.flatMap(wave => [...wave].sort().map(node => expect.stringContaining(`${node} done`))),
    );
    expect(operation.state).toBe('done');
  });

  it('ran in order on every node, each effect after its intent and approval', async () => {
    const effects = stack.lab.effects.since();
    for (const node of ['bos-w-1', 'bos-w-2', 'bos-w-3', 'bos-w-4']) {
      expect(reached(stack, node)).toEqual(['cordon', 'flash', 'reset', 'uncordon']);
      const { vendor, server } = stack.lab.node(node);
      expect(server.firmware.active).toBe(stack.lab.images.find(image => image.vendor === vendor)?.version);
    }
    expect(effects.filter(effect => effect.path.endsWith('/eviction') && effect.status < 300).length).toBeGreaterThan(
      4,
    );
    expect(unaccounted(effects, await custodyEntries(asker))).toEqual([]);
    const flashes = effects.filter(effect => isHandOver(effect.path));
    expect(flashes.map(effect => effect.name).sort()).toEqual(['bos-w-1', 'bos-w-2', 'bos-w-3', 'bos-w-4']);
  });

  it('proved the versions: a second plan finds nothing to do', async () => {
    const { output } = await asker.callTool('getFirmwareCompliance', { site: 'boston' });
    const rows = (output as { nodes: { node: string; status: string }[] }).nodes.filter(row =>
      row.node.includes('-w-'),
    );
    expect(rows.map(row => row.status)).toEqual(rows.map(() => 'compliant'));
    expect((await refusal(planned('boston'))).code).toBe('precondition_failed');
  });

  it('does not run a second time on the approval it had', async () => {
    const [operation] = ((await asker.callTool('listOperations', {})).output as { operations: Operation[] }).operations;
    const flashes = () => stack.lab.effects.since().filter(effect => isHandOver(effect.path)).length;
    const before = flashes();
    const again = (await asker.callTool('startPlan', { plan: operation?.plan, digest: operation?.digest }))
      .output as unknown as ChangeAnswer;
    expect(again.operation).toBe(operation?.id);
    const late = await refusal(
      voter.vote(again.approval ?? '', { vote: 'approve', reason: 'again', passphrase: stack.passphrase('approver') }),
    );
    expect(late.code).toBe('conflict');
    expect(flashes()).toBe(before);
  });

  it('halts on a canary whose update completes without the version changing, and leaves the node cordoned with the reason', async () => {
    const { plan, digest } = await planned('chicago');
    const canary = plan.waves[0]?.[0] ?? '';
    stack.lab.node(canary).server.faults.set({ kind: 'update-completes-unchanged' });
    const answer = (await asker.callTool('startPlan', { plan: plan.id, digest })).output as unknown as ChangeAnswer;
    const voted = await voter.vote(answer.approval ?? '', {
      vote: 'approve',
      reason: 'go',
      passphrase: stack.passphrase('approver'),
    });
    const operation = await ended(asker, voted.operation ?? '');
    expect(operation.state).toBe('halted');
    expect(operation.reason).toContain(canary);
    expect(operation.nodes.filter(node => node.state === 'skipped')).toHaveLength(plan.targets.length - 1);
    expect(reached(stack, canary)).toEqual(['cordon', 'flash', 'reset', 'explain']);
    const health = (await asker.callTool('getNodeHealth', { node: canary })).output as {
      kubernetes: { cordoned: boolean };
    };
    expect(health.kubernetes.cordoned).toBe(true);
    const others = plan.targets.map(target => target.node).filter(node => node !== canary);
    for (const node of others) expect(reached(stack, node)).toEqual([]);
  });

  it('keeps beside the log what proved each update, what a failure left, and who asked for what', async () => {
    const entries = (await custodyEntries(asker)).filter(entry => entry.type === 'evidence');
    const read = async (id: string) => JSON.parse((await asker.evidence(id)).text);
    const of = (node: string) => entries.filter(entry => entry.resource?.node === node);
    const versions = async (node: string, kind: string) => {
      const { firmware } = await read(of(node).find(entry => entry.kind === kind)?.evidence ?? '');
      return (firmware as FirmwareMember[]).map(({ version }) => 'value' in version && version.value);
    };
    const { vendor } = stack.lab.node('bos-w-1');
    const wanted = stack.lab.images.find(image => image.vendor === vendor)?.version;
    expect(new Set(of('bos-w-1').map(({ kind }) => kind))).toEqual(new Set(['before', 'task-end', 'after', 'gate']));
    expect(await versions('bos-w-1', 'after')).toContain(wanted);
    expect(await versions('bos-w-1', 'before')).not.toContain(wanted);
    const failure = entries.find(({ kind }) => kind === 'failure');
    const left = await read(failure?.evidence ?? '');
    expect(left.outcome).toMatchObject({ state: 'failed', message: expect.stringContaining('still runs') });
    expect(left.log.value).toEqual(expect.any(Array));
    const asked = entries.filter(({ kind }) => kind === 'request').map(({ evidence }) => read(evidence));
    expect(await Promise.all(asked)).toContainEqual(expect.objectContaining({ site: 'boston', deleteEmptyDir: true }));
  });

  it('leaves no password, passphrase or token in its database', async () => {
    const { url } = stack.service().ready;
    const { people } = stack.config;
    const { token } = await connect({ url }).login({ ...people[0], channel: 'cli' });
    const password = await readFile(stack.lab.account.passwordFile, 'utf8');
    const stored = await databaseText(stack.databaseUrl);
    for (const known of ['effect.intent', 'bos-w-1', tokenHash(token)]) expect(stored).toContain(known);
    for (const secret of [password, token, ...people.map(({ passphrase }) => passphrase)]) {
      expect(secret).toMatch(/\S{8}/);
      expect(stored.includes(secret)).toBe(false);
    }
  });

  it('gives every BMC session back when the service stops', async () => {
    await stack.service().stop();
    const open = stack.lab.sites.flatMap(site => site.nodes).map(node => node.server.sessions());
    expect(open.flat()).toEqual([]);
    await stack.start();
  });
});
