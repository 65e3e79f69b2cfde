/** What stands between two waves: the operators' own check, a person who lets each begin, and a pause that outlives the process. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Operation, OperationEvent } from '../../src/core/operation.ts';
import type { Plan } from '../../src/core/plan.ts';
import { type Prometheus, startPrometheus, vector } from '../support/prometheus.ts';
import { approve, ended, reached, reconfigure } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let prometheus: Prometheus;

const gate = () => ({
  name: 'ceph-healed',
  after: 'wave',
  promql: { url: prometheus.url, query: 'ceph_pg_degraded{cluster="$cluster"}', expect: { op: '==', value: 0 } },
  for: '300ms',
  timeout: '2m',
});

beforeAll(async () => {
  prometheus = await startPrometheus('127.176.0.2');
  stack = await startStack({ addressBase: '127.177', controlPlanes: 1, workers: 2, machines: ['dell'], speed: 200 });
  await reconfigure(stack, document => Object.assign(document.rollout, { gates: [gate()] }));
});
afterAll(async () => {
  await stack?.close();
  await prometheus?.close();
});

async function pause(operation: string): Promise<Operation> {
  const { output } = await (await stack.client('requester')).callTool('pauseOperation', { operation });
  return output as unknown as Operation;
}

async function goOn(act: 'resume' | 'advance', operation: string): Promise<Operation> {
  const given = { reason: 'looked at it', passphrase: stack.passphrase('requester') };
  return (await stack.client('requester')).letGoOn(operation, act, given);
}

async function told(operation: string, words: string): Promise<OperationEvent> {
  return eventually(`to be told: ${words}`, async () => {
    const { events } = await (await stack.client('requester')).operationEvents(operation, { after: 0, waitMs: 0 });
    return events.find(({ message }) => message.includes(words));
  });
}

it('a wave begins once the gate before it holds and a person lets it, a pause outlives a kill, and a gate that stays shut halts', async () => {
  prometheus.says(vector('3'));
  const asker = await stack.client('requester');
  const { output } = await asker.callTool('planFirmwareRollout', {
    site: 'boston',
    nodes: ['bos-w-1', 'bos-w-2'],
    advance: 'manual',
    deleteEmptyDir: true,
  });
  const { plan, digest } = output as unknown as { plan: Plan; digest: string };
  expect([plan.waves.map(wave => wave.length), plan.gates?.own]).toEqual([
    [1, 1],
    [{ name: 'ceph-healed', after: 'wave', site: 'boston' }],
  ]);
  const [[canary = ''] = [], [second = ''] = []] = plan.waves;
  const { verdict, says } = plan.canaryDrain ?? {};
  expect([verdict, says]).toEqual(['finishes', expect.stringMatching(new RegExp(`^${canary}: Would finish: [1-9]`))]);
  const { blocks } = await asker.callTool('getPlan', { plan: plan.id });
  const card = JSON.stringify(blocks);
  for (const fact of ['ceph-healed', 'begins when a person advances it', says ?? 'nothing'])
    expect(card).toContain(fact);
  const id = await approve(stack, { plan: plan.id, digest });

  const shut = await told(id, '1 of 1 value not == 0: 3');
  expect([shut.step, shut.status]).toEqual(['gate after wave 1', 'progress']);
  expect((await told(id, 'Ready for')).node).toBe(canary);
  expect(prometheus.asked.at(-1)?.query).toBe('ceph_pg_degraded{cluster="boston"}');
  prometheus.says(vector('0'));
  await told(id, 'wave 2 waits until a person advances it');

  expect((await pause(id)).pausedBy).toBe(stack.config.people[0].name);
  await reconfigure(stack, document => Object.assign(document.rollout, { gates: [{ ...gate(), timeout: '1s' }] }));
  expect((await goOn('advance', id)).advancedTo).toBe(2);
  await told(id, `${stack.config.people[0].name} paused it`);
  expect(reached(stack, second)).toEqual([]);

  prometheus.says(vector('7'));
  await goOn('resume', id);
  const { state, reason, nodes } = await ended(stack, id);
  expect([state, reason]).toEqual([
    'halted',
    expect.stringMatching(/the gate after wave 2 .*ceph-healed.*not == 0: 7/),
  ]);
  expect(nodes.map(node => node.state)).toEqual(['done', 'done']);
  expect(reached(stack, second)).toEqual(['cordon', 'flash', 'reset', 'uncordon']);
});
