import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { weekdays } from '../../src/core/calendar.ts';
import type { ChangeAnswer } from '../../src/core/change.ts';
import { hasEnded, type Operation, type OperationNode } from '../../src/core/operation.ts';
import type { Plan } from '../../src/core/plan.ts';
import { changes, custodyEntries, isHandOver, unaccounted } from '../support/audit.ts';
import { approve, ended, firmwareOf, type Planned, reached, reconfigure } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';
import { verifyRunning } from '../support/verify.ts';

/** Hundreds of them: npm run bench:kills. */
const kills = 3;
let stack: Stack;

const inChicago = 'chi-w-4';
/** Far from now in every time zone. */
const later = { days: [weekdays[(new Date().getUTCDay() + 2) % 7]], from: '10:00', to: '18:00' };
/** An operation on that node, which waits for that window from before the first kill on. */
let waiting: string;

async function partOf(operation: string): Promise<OperationNode | undefined> {
  const client = await stack.client('requester');
  return (await client.operationEvents(operation, { after: 0, waitMs: 0 })).operation.nodes[0];
}

const isTold = (part: OperationNode | undefined) =>
  part?.state === 'waiting' && part.message.startsWith('waits for the window of chicago that opens');

beforeAll(async () => {
  stack = await startStack({
    addressBase: '127.32',
    speed: 30,
    sites: 2,
    configure: ({ sites }) => Object.assign(sites.find(({ name }) => name === 'chicago') ?? {}, { windows: [later] }),
  });
  const asker = await stack.client('requester');
  const input = { node: inChicago, waitForWindow: true, dryRun: true };
  waiting = await approve(stack, (await asker.callTool('cordonNode', input)).output as unknown as Planned);
  await eventually('it to wait', async () => (isTold(await partOf(waiting)) ? true : undefined));
});
afterAll(() => stack?.close());

describe('kill -9 of the service during a rollout', () => {
  it(`ends every node done or ambiguous after ${kills} kills, without a second flash or an unproved uncordon`, {
    timeout: 400_000,
  }, async () => {
    const asker = await stack.client('requester');
    const { plan, digest } = (await asker.callTool('planFirmwareRollout', { site: 'boston', deleteEmptyDir: true }))
      .output as unknown as {
      plan: Plan;
      digest: string;
    };
    const { approval } = (await asker.callTool('startPlan', { plan: plan.id, digest }))
      .output as unknown as ChangeAnswer;
    const voter = await stack.client('approver');
    const passphrase = stack.passphrase('approver');
    const { operation = '' } = await voter.vote(approval ?? '', { vote: 'approve', reason: 'go', passphrase });

    const moments: string[] = [];
    for (let kill = 0; kill < kills; kill++) {
      await delay(300 + Math.random() * 4000);
      await stack.kill();
      moments.push(changes(stack.lab.effects.since()).at(-1)?.path ?? 'nothing sent yet');
      await stack.start();
    }

    const client = await stack.client('requester');
    const last = await eventually(
      'the operation to end',
      async (): Promise<Operation | undefined> => {
        const { operation: seen } = await client.operationEvents(operation, { after: 0, waitMs: 0 });
        return hasEnded(seen.state) ? seen : undefined;
      },
      180_000,
    );
    const states = last.nodes.map(node => node.state);
    const count = (state: string) => states.filter(found => found === state).length;
    const told = last.nodes.map(node => `${node.node} ${node.state} (${node.message})`).join('\n  ');
    console.log(
      `kills came after:\n  ${moments.join('\n  ')}\nnodes ended, ${count('done')} done and ${count('ambiguous')} ambiguous:\n  ${told}`,
    );

    if (last.state === 'done') expect(new Set(states)).toEqual(new Set(['done']));
    else expect(states.filter(state => !['done', 'ambiguous', 'skipped'].includes(state))).toEqual([]);

    const effects = stack.lab.effects.since();
    for (const { node } of plan.targets) {
      const accepted = effects.filter(effect => effect.name === node && isHandOver(effect.path) && effect.status < 300);
      expect(accepted.length, `firmware posts to ${node}`).toBeLessThanOrEqual(1);
      const uncordoned = effects.find(
        effect =>
          effect.path === `/api/v1/nodes/${node}` && JSON.stringify(effect.body).includes('"unschedulable":false'),
      );
      if (uncordoned)
        expect(stack.lab.node(node).server.firmware.active).toBe(
          firmwareOf(plan.targets.find(target => target.node === node))[0]?.to,
        );
      expect(stack.lab.node(node).host.bricked).toBeFalsy();
    }
    expect(unaccounted(effects, await custodyEntries(client))).toEqual([]);
    expect(await verifyRunning(client)).toMatchObject({ ok: true });
  });

  it('leaves waiting what waits for its window, and begins it once when that opens', async () => {
    expect([isTold(await partOf(waiting)), reached(stack, inChicago)]).toEqual([true, []]);
    await reconfigure(stack, ({ sites }) => {
      for (const site of sites) Object.assign(site, { windows: [] });
    });
    expect(await ended(stack, waiting)).toMatchObject({ state: 'done', nodes: [{ message: 'cordoned' }] });
    expect(reached(stack, inChicago)).toEqual(['cordon']);
  });

  it('stops by request in the middle of a rollout, gives its sessions back, and goes on at the next start', async () => {
    const asker = await stack.client('requester');
    const { plan, digest } = (await asker.callTool('planFirmwareRollout', { site: 'chicago', deleteEmptyDir: true }))
      .output as unknown as { plan: Plan; digest: string };
    const { approval } = (await asker.callTool('startPlan', { plan: plan.id, digest }))
      .output as unknown as ChangeAnswer;
    const voter = await stack.client('approver');
    const passphrase = stack.passphrase('approver');
    const { operation = '' } = await voter.vote(approval ?? '', { vote: 'approve', reason: 'go', passphrase });
    const canary = plan.waves[0]?.[0];
    const flashes = () => stack.lab.effects.since().filter(effect => effect.name === canary && isHandOver(effect.path));
    await eventually('the canary to be flashed', async () => flashes()[0]);

    await stack.service().stop();
    expect(stack.lab.sites.flatMap(site => site.nodes).flatMap(node => node.server.sessions())).toEqual([]);
    await stack.start();

    const client = await stack.client('requester');
    const stopped = (await custodyEntries(client)).filter(
      entry => entry.type === 'service' && entry.action === 'stopped',
    );
    expect(stopped).toHaveLength(1);
    const done = await eventually('the canary to end', async () => {
      const { operation: seen } = await client.operationEvents(operation, { after: 0, waitMs: 0 });
      return seen.nodes.find(node => node.node === canary && node.state === 'done');
    });
    expect(done.message).toContain('active bios is');
    expect(flashes()).toHaveLength(1);
  });
});
