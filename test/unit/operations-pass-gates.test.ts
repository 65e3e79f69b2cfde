/** Waiting at a gate: until everything holds in one look, for its time, and never longer than it may. */
import { expect, it } from 'vitest';
import type { FleetError } from '../../src/core/errors.ts';
import type { GateVerdict, OwnCheck } from '../../src/core/gate.ts';
import { passGates, passOwnChecks } from '../../src/operations/pass-gates.ts';

type State = GateVerdict['state'];

/** Says these one after the other, then the last for ever; keeps when it was asked. */
function scripted(states: State[], change: Partial<OwnCheck> = {}) {
  const asked: { at: number; state: State }[] = [];
  const check: OwnCheck = {
    name: 'ceph',
    after: 'wave',
    forMs: 0,
    timeoutMs: 60_000,
    async ask() {
      const state = states[Math.min(asked.length, states.length - 1)] ?? 'waits';
      asked.push({ at: Date.now(), state });
      return { state, saw: `look ${asked.length}` };
    },
    ...change,
  };
  return { asked, check };
}

function pass(configured: OwnCheck[], change: Partial<Parameters<typeof passOwnChecks>[0]> = {}) {
  const news: string[] = [];
  const own = [{ name: 'ceph', after: 'wave' as const, site: 'boston' }];
  const end = passOwnChecks({
    what: 'the gate',
    pollMs: 2,
    tell: async message => void news.push(message),
    gates: { hardware: false, own },
    after: 'wave',
    configured,
    subject: { site: 'boston', cluster: 'bos' },
    begun: Date.now(),
    ...change,
  });
  return { news, end };
}

const failure = (end: Promise<unknown>): Promise<FleetError> =>
  end.then(
    () => Promise.reject(new Error('passed')),
    error => error,
  );

it('a check has to hold for its time without a break', async () => {
  const { asked, check } = scripted(['passed', 'passed', 'waits', 'passed'], { forMs: 40 });
  await pass([check]).end;
  const [broken, first] = [asked.findLastIndex(({ state }) => state === 'waits'), 3];
  expect(broken).toBe(2);
  expect((asked.at(-1)?.at ?? 0) - (asked[first]?.at ?? 0)).toBeGreaterThanOrEqual(40);
});

it('one that stays shut ends with what it saw, once its time is over', async () => {
  const { check } = scripted(['waits'], { timeoutMs: 1 });
  const { news, end } = pass([check]);
  expect(await failure(end)).toMatchObject({ code: 'timeout', message: expect.stringMatching(/ceph: look \d+/) });
  expect(news).toEqual(['waits for ceph: look 1']);
});

it('a plan that was approved with a check does not go on without it', async () => {
  expect(await failure(pass([]).end)).toMatchObject({ message: expect.stringContaining('not configured any more') });
});

it('of another site, or after something else, it is not asked', async () => {
  const { asked, check } = scripted(['waits']);
  await pass([check], { subject: { site: 'chicago', cluster: 'chi' } }).end;
  await pass([check], { after: 'node' }).end;
  expect(asked).toEqual([]);
});

it('a cancel ends the wait', async () => {
  const { check } = scripted(['waits']);
  expect((await failure(pass([check], { stopReason: async () => 'ana cancelled it' }).end)).code).toBe('stopped');
});

it('gates pass together or not at all, and one that has failed ends it at once', async () => {
  const look =
    (...states: State[]) =>
    async () =>
      states.map((state, index) => ({ gate: `g${index}`, state, saw: state }));
  const at = { what: 'the gate', pollMs: 2, tell: async () => {}, by: 0 };
  expect(await passGates({ ...at, look: look('passed', 'passed') })).toBe('g0: passed; g1: passed');
  expect(await failure(passGates({ ...at, look: look('passed', 'waits') }))).toMatchObject({ code: 'timeout' });
  let looks = 0;
  const counted = async () => {
    looks++;
    return look('passed', 'failed')();
  };
  expect(await failure(passGates({ ...at, look: counted }))).toMatchObject({ code: 'precondition_failed' });
  expect(looks).toBe(1);
});
