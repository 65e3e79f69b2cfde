/** Answers that never came back: the machine did what it was told, and nobody heard it say so. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { custodyEntries, unaccounted } from '../support/audit.ts';
import { approve, ended, firmwareOf, isCordoned, planFlash, planSite, reached } from '../support/rollout.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';
import { verifyRunning } from '../support/verify.ts';

let stack: Stack;
const logInWindowMs = 2_000;

beforeAll(async () => {
  stack = await startStack({ addressBase: '127.51', sites: 2, workers: 3, speed: 60, logInWindowMs });
});
afterAll(() => stack?.close());

const oneOfEach = ['cordon', 'flash', 'reset', 'uncordon'];

it('of cordon, eviction, update and reset: evidence is found for each, and nothing is done twice', async () => {
  const [site] = stack.lab.sites;
  const { full, ...planned } = await planSite(stack, 'boston');
  for (const { node } of full.targets) {
    const { faults } = stack.lab.node(node).server;
    faults.set({ kind: 'drop-after-post' });
    let again = 1; // the update's answer is lost first, then the reset's
    faults.onChange(kind => {
      if (kind === 'drop-after-post' && faults.get(kind) === undefined && again-- > 0) faults.set({ kind });
    });
  }
  const lost = () => stack.lab.effects.since().filter(effect => effect.status === 0);
  const operation = await approve(stack, planned);
  await eventually('a lost eviction', async () => {
    if (lost().some(effect => effect.path.endsWith('/eviction'))) return true;
    site?.cluster.faults.set('drop-after-write');
    return undefined;
  });

  expect((await ended(stack, operation)).state).toBe('done');
  expect(lost().some(effect => effect.kind === 'cluster' && effect.method === 'PATCH')).toBe(true);
  for (const target of full.targets) {
    const { node } = target;
    expect([node, ...reached(stack, node)]).toEqual([node, ...oneOfEach]);
    expect(stack.lab.node(node).server.firmware.active).toBe(firmwareOf(target)[0]?.to);
  }
  const client = await stack.client('requester');
  const entries = await custodyEntries(client);
  const findings = entries.flatMap(entry => (entry.type === 'effect.reconciled' ? [entry.finding] : []));
  // A lost cordon or eviction is made up for by looking at once; the rest by the reconciliation of an open intent.
  const open = lost().filter(({ kind, path }) => kind === 'bmc' || /\/(events|status)$/.test(path));
  expect([findings.length, findings.includes('ambiguous')]).toEqual([open.length, false]);
  expect(unaccounted(stack.lab.effects.since(), entries)).toEqual([]);
  expect(await verifyRunning(client)).toMatchObject({ ok: true });
});

/** The update's answer is lost, and from that moment on nobody reaches the BMC, which works on. Answers when it happened. */
async function goneAfterUpdate(node: string): Promise<{ operation: string; lostAt: () => number }> {
  const { faults } = stack.lab.node(node).server;
  const planned = await planFlash(stack, node);
  let lostAt = 0;
  faults.onChange(kind => {
    if (kind !== 'drop-after-post' || faults.get(kind) !== undefined || lostAt > 0) return;
    lostAt = Date.now();
    faults.set({ kind: 'bmc-down', mode: 'refused' });
  });
  faults.set({ kind: 'drop-after-post' });
  return { operation: await approve(stack, planned), lostAt: () => lostAt };
}

it('and a BMC that is gone right after it took the update: the node waits cordoned until the BMC tells', async () => {
  const node = 'chi-w-1';
  const { operation, lostAt } = await goneAfterUpdate(node);
  await eventually('the BMC to be gone for a while', async () =>
    lostAt() > 0 && Date.now() - lostAt() > 4_000 ? true : undefined,
  );
  expect([reached(stack, node), isCordoned(stack, node)]).toEqual([['cordon', 'flash'], true]);
  stack.lab.node(node).server.faults.clear('bmc-down');
  expect((await ended(stack, operation)).state).toBe('done');
  expect(reached(stack, node)).toEqual(oneOfEach);
});

it('and a service that died then: the next one looks at the machine before it decides anything', async () => {
  const node = 'chi-w-2';
  const { operation } = await goneAfterUpdate(node);
  await eventually('the BMC to have the image', async () => stack.lab.node(node).server.firmware.staged);
  await stack.kill();
  await stack.start();
  const restartedAt = Date.now();
  await eventually('the BMC to be gone for a while', async () => (Date.now() - restartedAt > 4_000 ? true : undefined));
  expect([reached(stack, node), isCordoned(stack, node)]).toEqual([['cordon', 'flash'], true]);
  stack.lab.node(node).server.faults.clear('bmc-down');
  expect((await ended(stack, operation)).state).toBe('done');
  expect(reached(stack, node)).toEqual(oneOfEach);
});

it('to two log-ins: the node waits until its BMC may be asked again, and nothing is left there', async () => {
  const node = 'chi-w-3';
  const planned = await planFlash(stack, node);
  await stack.service().stop(); // and with it the session that planning opened
  await stack.start();
  const { server } = stack.lab.node(node);
  const { faults } = server;
  const begun = server.received().length;
  let again = 1;
  faults.onChange(kind => {
    if (kind === 'drop-after-log-in' && faults.get(kind) === undefined && again-- > 0) faults.set({ kind });
  });
  faults.set({ kind: 'drop-after-log-in' });
  expect((await ended(stack, await approve(stack, planned))).state).toBe('done');
  expect(reached(stack, node)).toEqual(oneOfEach);
  const logIns = server
    .received()
    .slice(begun)
    .filter(({ method, path }) => method === 'POST' && path.endsWith('/Sessions'));
  const [first = 0, second = 0, third = 0] = logIns.map(({ at }) => at);
  expect([logIns.length, server.sessions().length]).toEqual([3, 1]);
  expect(second - first).toBeLessThan(logInWindowMs);
  expect(third - first).toBeGreaterThan(0.9 * logInWindowMs); // it counts from before it is sent
});
