/** Whether one effect may happen now: told from facts that each test changes one at a time. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Approval } from '../../src/core/approval.ts';
import type { OperationNode } from '../../src/core/operation.ts';
import type { EffectRow } from '../../src/core/records.ts';
import { anyTime, authorityScene, blast, iso, now } from '../support/authority-scene.ts';
import { refusal } from '../support/guard.ts';

let { facts, place, authority } = authorityScene();
beforeEach(() => {
  ({ facts, place, authority } = authorityScene());
});

describe('what holds for a start', () => {
  const freeze = { id: 'frz-1', site: 'boston', cluster: '*', reason: 'smoke', by: 'ask', at: iso(now) };
  const held = async () => (await authority().conditions(facts.stored.plan)).get('boston');

  it('is whether it is frozen there, what the calendar says, and who people are by then', async () => {
    facts.window = { open: false, closesInMs: 0, expectedMs: 1 };
    let read = 0;
    facts.learn = () => read++;
    expect(await held()).toEqual({ frozen: false, window: facts.window });
    facts.freezes = [{ ...freeze, site: 'chicago' }];
    expect((await held())?.frozen).toBe(false);
    facts.freezes = [freeze];
    expect([(await held())?.frozen, read]).toEqual([true, 3]);
  });

  it('is any time for what may wait for its window', async () => {
    const opensAt = now + 60_000;
    facts.window = { open: false, closesInMs: 0, expectedMs: 1, opensAt };
    place({ waitForWindow: true });
    expect(await held()).toEqual({ frozen: false, window: anyTime, waitsUntil: opensAt });
    facts.window = { open: false, closesInMs: 0, expectedMs: 1 };
    expect((await held())?.window, 'none in sight').toEqual(facts.window);
  });
});

describe('an effect', () => {
  const may = (settling = false, node = 'w-1') =>
    authority().allow({
      operation: 'op-1',
      node,
      action: 'flash',
      settling,
      leases: ['node:boston/w-1'],
      blast: async () => blast,
    });
  const why = async (settling = false) => {
    const { code, message } = await refusal(may(settling));
    return `${code}: ${message}`;
  };

  it('is allowed in the name of who asked, by the way they asked, with the votes of the start', async () => {
    facts.approval = {
      ...(facts.approval as Approval),
      votes: (facts.approval as Approval).votes.map(vote => ({ ...vote, at: iso(now - 60_000) })),
    };
    expect(await may()).toEqual({ digest: facts.stored.digest, actor: { sub: 'ask', groups: ['operators'] } });
    expect(facts.asked.at(-1)).toMatchObject({ context: { via: 'mcp', frozen: false, cleared: ['needs-one'] } });
  });

  it.each<[string, () => unknown, string]>([
    [
      'its plan is another',
      () => (facts.operation.digest = 'x'),
      'flash on w-1 is not allowed now: its plan is not the one that was started',
    ],
    ['its operation waits', () => (facts.operation.state = 'queued'), 'operation op-1 is queued'],
    ['its operation ended', () => (facts.operation.state = 'done'), 'operation op-1 is done'],
    ['its lease was lost', () => (facts.held = false), 'the lease on the node was lost'],
    [
      'its approval is for another plan',
      () => Object.assign(facts.approval ?? {}, { digest: 'x' }),
      'the approval is for another plan',
    ],
  ])('is refused, also one that settles, where %s', async (_, breaks, message) => {
    breaks();
    for (const settling of [true, false]) expect(await why(settling)).toMatch(new RegExp(`^forbidden: .*${message}$`));
  });

  it('on a node that is not in the plan is none', async () => {
    await expect(may(true, 'w-9')).rejects.toThrow('the plan has no target w-9');
  });

  const freeze = { id: 'frz-1', site: 'boston', cluster: 'boston', reason: 'smoke', by: 'vote', at: iso(now) };
  it.each<[string, () => unknown, string]>([
    [
      'somebody froze it there',
      () => facts.freezes.push(freeze),
      'stopped: flash on w-1 was not begun: vote froze the cluster boston: smoke (frz-1)',
    ],
    [
      'its time is over',
      () => (facts.operation.executeUntil = iso(now)),
      `stopped: flash on w-1 was not begun: its time to act ended at ${iso(now)}`,
    ],
    [
      'it was cancelled',
      () => (facts.operation.cancelRequestedBy = 'vote'),
      'stopped: flash on w-1 was not begun: vote cancelled the operation',
    ],
    [
      'it halts',
      () => (facts.operation.halting = 'too many failures'),
      'stopped: flash on w-1 was not begun: too many failures',
    ],
    [
      'the approval ended',
      () => Object.assign(facts.approval ?? {}, { state: 'revoked' }),
      'stopped: flash on w-1 was not begun: request apr-1 is revoked',
    ],
    [
      'who asked is not known',
      () => delete facts.groups.ask,
      'forbidden: flash on w-1 is not allowed now: ask, who asked for it, is not known any more',
    ],
    [
      'the vote does not count any more',
      () => delete facts.groups.vote,
      'forbidden: flash on w-1 is not allowed now: 1 approval from operators: why (needs-one)',
    ],
    [
      'another process was told so',
      () => (facts.learn = () => delete facts.groups.vote),
      'forbidden: flash on w-1 is not allowed now: 1 approval from operators: why (needs-one)',
    ],
    [
      'there is no request and policy wants votes',
      () => (facts.approval = undefined),
      'forbidden: flash on w-1 is not allowed now: 1 approval from operators: why (needs-one)',
    ],
  ])('is refused where %s, and goes on where it settles', async (_, breaks, message) => {
    breaks();
    expect(await why()).toBe(message);
    expect((await may(true)).digest).toBe(facts.stored.digest);
  });

  it('of a wave that nobody let begin waits, where the plan wants that', async () => {
    facts.part = { wave: 2 } as OperationNode;
    expect((await may()).digest).toBe(facts.stored.digest);
    place({ advance: 'manual' });
    expect(await why()).toContain('wave 2 waits until a person advances it');
    facts.operation.advancedTo = 2;
    expect((await may()).digest).toBe(facts.stored.digest);
    facts.operation.advancedTo = undefined;
    facts.part = undefined;
    expect((await may()).digest, 'what has no part is of the first').toBe(facts.stored.digest);
  });

  it('of a node that has begun need not fit into the window any more, but the window has to be open', async () => {
    const windows = async (...rows: string[]) => {
      facts.effects = rows.map(step => ({ step }) as EffectRow);
      facts.window = { open: true, closesInMs: 5, expectedMs: 9 };
      await may();
      return facts.asked.at(-1)?.context.window;
    };
    expect(await windows()).toEqual({ open: true, closesInMs: 5, expectedMs: 9 });
    expect(await windows('w-10/cordon', 'w-2/cordon')).toMatchObject({ expectedMs: 9 });
    expect(await windows('w-1/cordon')).toEqual({ open: true, closesInMs: 5, expectedMs: 0 });
    facts.window = { open: false, closesInMs: 0, expectedMs: 9 };
    await may();
    expect(facts.asked.at(-1)?.context.window?.open).toBe(false);
  });

  it('is stamped with its node, and in the name of who asked as far as they are known', async () => {
    const stamp = await authority().stamp({ operation: 'op-1', node: 'w-1' });
    expect(stamp).toEqual({
      actor: { sub: 'ask', groups: ['operators'] },
      via: { channel: 'service' },
      resource: {
        site: 'boston',
        cluster: 'boston',
        node: 'w-1',
        serial: 'SERIAL',
        uuid: '11111111-2222-4333-8444-555555555555',
      },
    });
    delete facts.groups.ask;
    expect((await authority().stamp({ operation: 'op-1', node: 'w-1' })).actor).toEqual({ sub: 'ask', groups: [] });
    const actor = { sub: 'x', groups: [] };
    const [target] = facts.stored.plan.targets;
    place({ targets: [{ ...(target as NonNullable<typeof target>), serial: { unknown: 'not read' } as never }] });
    expect(await authority().stamp({ operation: 'op-1', node: 'w-1' }, actor)).toMatchObject({
      actor,
      resource: { node: 'w-1' },
    });
  });
});
