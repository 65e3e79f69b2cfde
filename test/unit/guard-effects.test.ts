/** The one door to every machine, over rows in memory: what is sent, how often, and what is on record of it. */
import { beforeEach, describe, expect, it } from 'vitest';
import { DatabaseAway, errorCodes, FleetError } from '../../src/core/errors.ts';
import type { EffectRow, EffectState, Records, Stores } from '../../src/core/records.ts';
import type { Authority } from '../../src/guard/authority.ts';
import { type EffectSpec, effectPerformer, type Observation } from '../../src/guard/effects.ts';
import { effectOf, refusal } from '../support/guard.ts';
import { memoryLog } from '../support/memory-custody.ts';

let scene: ReturnType<typeof memoryLog>;
let rows: EffectRow[];
let announced: number;
let allowed: number;
let refuses: FleetError | undefined;
/** The database, until it is back. */
let away: boolean;
/** Whether an attempt is still this process's when it is about to be sent. */
let ours: boolean | 'unknown';

beforeEach(() => {
  scene = memoryLog();
  rows = [];
  announced = 0;
  allowed = 0;
  refuses = undefined;
  away = false;
  ours = true;
});

function perform<T>(spec: EffectSpec<T>, announce?: () => Promise<void>): Promise<T> {
  const effects: Partial<Records['effects']> = {
    latest: async (operation, step) => rows.findLast(row => row.operation === operation && row.step === step),
    async insert(row) {
      rows.push({ ...row, state: 'open', result: null, detail: '', startedAt: '', mayBeSent: false });
    },
    async letOut(intent) {
      const row = rows.find(each => each.intent === intent);
      if (!row || !ours) return false;
      if (ours === 'unknown') throw new Error('the database is gone');
      row.mayBeSent = true;
      return true;
    },
    sentAttempts: async () => rows.filter(({ mayBeSent }) => mayBeSent).length,
    async close({ intent, from, ...end }) {
      const row = rows.find(each => each.intent === intent);
      if (!row || !from.includes(row.state)) return false;
      Object.assign(row, end);
      return true;
    },
  };
  const stores = { effects, custody: scene.store } as unknown as Stores;
  const reached = async <R>(work: (tx: Stores) => Promise<R>) => {
    if (away) throw new DatabaseAway();
    return work(stores);
  };
  const records = { ...stores, transaction: reached } as Records;
  const actor = { sub: 'ask', groups: [] };
  const authority = {
    async allow() {
      allowed++;
      if (refuses) throw refuses;
      return { digest: 'sha256:d', actor };
    },
    stamp: async () => ({ actor, via: { channel: 'service' }, resource: { node: 'w-1' } }),
  } as unknown as Authority;
  return effectPerformer({
    records,
    custody: scene.log,
    authority,
    announce: announce ?? (async () => void announced++),
  })(spec);
}

const entries = () => scene.kept.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()));
const failing = (code: FleetError['code'], retry?: FleetError['retry']) => async (): Promise<string> => {
  throw new FleetError({ code, message: `it was ${code}`, ...(retry && { retry }) });
};
const seen =
  (finding: Observation<string>['finding'], result = 'found') =>
  async () =>
    ({ finding, result, evidence: 'a look' }) as Observation<string>;

/** An attempt of an earlier life, in this state. */
function earlier(state: EffectState | 'torn', attempt = 1): void {
  const row = {
    operation: 'op',
    step: 'w-1/flash',
    attempt,
    intent: 0,
    state,
    before: null,
    result: 'kept',
    detail: 'said',
    startedAt: '',
    mayBeSent: true,
  };
  rows.push(row as EffectRow);
}

describe('an effect', () => {
  it('is on record before and after, with what it was and what came of it', async () => {
    const { spec, sent } = effectOf('op', { send: async () => 'done', describe: result => `it is ${result}` });
    expect(await perform(spec)).toBe('done');
    expect(sent).toEqual([0]);
    expect(entries()).toMatchObject([
      {
        type: 'effect.intent',
        operation: 'op',
        digest: 'sha256:d',
        step: 'w-1/flash',
        action: 'flashFirmware',
        attempt: 1,
        resource: { node: 'w-1' },
      },
      { type: 'effect.result', operation: 'op', intent: 0, status: 'ok', detail: 'it is done', actor: { sub: 'ask' } },
    ]);
    expect(rows).toMatchObject([{ attempt: 1, state: 'ok', result: 'done', before: null }]);
    expect(await perform(spec), 'asked again').toBe('done');
    expect(sent).toHaveLength(1);
  });

  it('keeps what it started from, and answers nothing where nothing came back', async () => {
    const request = { target: 'cluster:boston', method: 'POST', path: '/x', bodyDigest: 'sha256:0' } as const;
    const { spec } = effectOf('op', {
      prepare: async () => ({ request, before: { boot: 7 } }),
      send: async () => undefined as unknown as string,
    });
    expect(await perform(spec)).toBeUndefined();
    expect(rows).toMatchObject([{ before: { boot: 7 }, result: null, detail: '' }]);
    expect(announced, 'a cluster is told nothing that cannot be taken back').toBe(0);
  });

  it('on a BMC is shown outside first, and not sent where it cannot be', async () => {
    const order: string[] = [];
    const { spec, sent } = effectOf('op', {
      prove: async () => void order.push(`proved, sent before: ${rows[0]?.mayBeSent}`),
      send: async () => `${order.push(`sent, as is written: ${rows[0]?.mayBeSent}`)}`,
    });
    await perform(spec, async () => void order.push('shown'));
    expect(order).toEqual(['shown', 'proved, sent before: false', 'sent, as is written: true']);
    const other = effectOf('op', { step: 'w-1/other' });
    const blocked = () => Promise.reject(new FleetError({ code: 'forbidden', message: 'frozen' }));
    expect((await refusal(perform(other.spec, blocked))).code).toBe('forbidden');
    expect([sent.length, other.sent, rows.at(-1)?.state]).toEqual([1, [], 'failed']);
  });

  it('that cannot be proved is not sent', async () => {
    const { spec, sent } = effectOf('op', { prove: failing('precondition_failed') as () => Promise<never> });
    expect((await refusal(perform(spec))).code).toBe('precondition_failed');
    expect([sent, rows[0]?.state, rows[0]?.mayBeSent]).toEqual([[], 'failed', false]);
  });

  it.each([false, 'unknown'] as const)('that may be another process’s by now (ours: %s) is not sent', async state => {
    ours = state;
    const { spec, sent } = effectOf('op');
    expect((await refusal(perform(spec))).message).toBe('flashFirmware of w-1 was tried 3 times');
    expect([sent, rows.map(row => row.state)]).toEqual([[], ['not-happened', 'not-happened', 'not-happened']]);
    expect(rows[0]?.detail).toBe('the attempt at w-1/flash is not ours any more; nothing was sent');
  });

  it('that is not allowed leaves no intent, and is asked about again each time that it is sent', async () => {
    refuses = new FleetError({ code: 'forbidden', message: 'no' });
    const { spec, sent } = effectOf('op');
    expect((await refusal(perform(spec))).code).toBe('forbidden');
    expect([sent, rows, scene.kept]).toEqual([[], [], []]);
    refuses = undefined;
    allowed = 0;
    const repeated = effectOf('op', {
      async send(_, stillAllowed) {
        await stillAllowed();
        refuses = new FleetError({ code: 'stopped', message: 'cancelled' });
        await stillAllowed();
        return 'went on';
      },
    });
    expect((await refusal(perform(repeated.spec))).code).toBe('stopped');
    // Before the intent, once the intent is shown elsewhere, and by what is sent more than once.
    expect([allowed, rows[0]?.state]).toEqual([4, 'failed']);
  });
});

describe('a failure', () => {
  const unsent = ['conflict', 'bmc_unreachable', 'cluster_unreachable', 'certificate_changed'];

  it.each(errorCodes.filter(code => code !== 'ambiguous' && code !== 'conflict'))(
    '%s is final unless nothing was written',
    async code => {
      const { spec, sent } = effectOf('op', { send: failing(code) });
      expect(await refusal(perform(spec))).toMatchObject({ code, message: `it was ${code}` });
      const state = unsent.includes(code) ? 'not-happened' : 'failed';
      expect([rows[0]?.state, rows[0]?.detail, sent.length]).toEqual([state, `it was ${code}`, 1]);
      expect(entries().at(-1)?.type).toBe(state === 'failed' ? 'effect.result' : 'effect.reconciled');
      const again = effectOf('op');
      const second = await perform(again.spec).then(
        () => 'sent',
        (error: FleetError) => error.message,
      );
      expect(second).toBe(state === 'failed' ? `flashFirmware of w-1 failed before: it was ${code}` : 'sent');
    },
  );

  it('by which the resource had changed is tried again, three times in all', async () => {
    const { spec, sent } = effectOf('op', { send: failing('conflict') });
    expect(await refusal(perform(spec))).toMatchObject({
      code: 'ambiguous',
      retry: 'ask',
      message: 'flashFirmware of w-1 was tried 3 times',
    });
    expect([sent.length, rows.map(({ attempt }) => attempt)]).toEqual([3, [1, 2, 3]]);
  });

  it('that is no FleetError is one that nobody foresaw', async () => {
    const { spec } = effectOf('op', { send: () => Promise.reject(new TypeError('x')) });
    await refusal(perform(spec));
    expect(rows[0]?.state).toBe('failed');
  });
});

it('whose outcome finds no database is not given up: asked again, it begins with a look', async () => {
  const send = async () => {
    away = true;
    return 'sent';
  };
  const { spec, sent } = effectOf('op', { send, observe: seen('happened') });
  expect(await refusal(perform(spec))).toMatchObject({ code: 'database', retry: 'later' });
  away = false;
  expect([await perform(spec), sent.length]).toEqual(['found', 1]);
});

describe('what an earlier life left', () => {
  it.each([
    ['ok', 'kept'],
    ['happened', 'kept'],
  ] as const)('%s is the answer', async (state, answer) => {
    earlier(state);
    const { spec, sent } = effectOf('op', { observe: () => Promise.reject(new Error('nothing to look at')) });
    expect([await perform(spec), sent]).toEqual([answer, []]);
  });

  it.each([
    ['failed', 'precondition_failed', 'flashFirmware of w-1 failed before: said'],
    ['ambiguous', 'ambiguous', 'whether flashFirmware reached w-1 is not known: said'],
    ['torn', 'ambiguous', 'the record of flashFirmware of w-1 cannot be understood'],
  ] as const)('%s stays so', async (state, code, message) => {
    earlier(state);
    const { spec, sent } = effectOf('op');
    const error = await refusal(perform(spec));
    expect([error.code, error.message, error.retry]).toEqual([code, message, code === 'ambiguous' ? 'ask' : 'never']);
    expect([sent, scene.kept]).toEqual([[], []]);
  });

  it.each(['open', 'unknown'] as const)('%s is looked into, and what is found stands', async state => {
    earlier(state);
    const happened = effectOf('op', { observe: seen('happened') });
    expect([await perform(happened.spec), happened.sent]).toEqual(['found', []]);
    expect(rows).toMatchObject([{ state: 'happened', result: 'found', detail: 'a look' }]);
    expect(entries()).toMatchObject([
      { type: 'effect.reconciled', intent: 0, finding: 'happened', evidence: 'a look' },
    ]);
    rows = [];
    earlier(state);
    const nothing = effectOf('op', { observe: seen('not-happened') });
    expect([await perform(nothing.spec), nothing.sent.length]).toEqual(['done', 1]);
    expect(rows.map(row => [row.state, row.attempt, row.result])).toEqual([
      ['not-happened', 1, null],
      ['ok', 2, 'done'],
    ]);
    rows = [];
    earlier(state);
    const unclear = effectOf('op', { observe: seen('ambiguous') });
    expect(await refusal(perform(unclear.spec))).toMatchObject({ code: 'ambiguous', retry: 'ask' });
    expect([unclear.sent, rows[0]?.state]).toEqual([[], 'ambiguous']);
  });

  it.each([1, 2])('after attempt %i that did nothing is tried again', async attempt => {
    earlier('not-happened', attempt);
    const { spec, sent } = effectOf('op');
    expect([await perform(spec), sent.length, rows.at(-1)?.attempt]).toEqual(['done', 1, attempt + 1]);
  });

  it('after a third attempt is not tried again', async () => {
    for (const attempt of [1, 2, 3]) earlier('not-happened', attempt);
    const { spec, sent } = effectOf('op');
    expect([(await refusal(perform(spec))).message, sent]).toEqual(['flashFirmware of w-1 was tried 3 times', []]);
  });

  it('is tried again where nothing was sent of it, but not after twelve intents', async () => {
    for (const attempt of [1, 2, 3, 4]) earlier('not-happened', attempt);
    for (const row of rows) row.mayBeSent = false;
    const { spec, sent } = effectOf('op', { send: async () => 'done' });
    expect([await perform(spec), sent.length]).toEqual(['done', 1]);
    rows.length = 0;
    earlier('not-happened', 12);
    for (const row of rows) row.mayBeSent = false;
    expect((await refusal(perform(effectOf('op').spec))).message).toBe('flashFirmware of w-1 was tried 12 times');
  });

  it.each([
    ['later', 'later'],
    ['never', 'ask'],
    ['ask', 'ask'],
  ] as const)(
    'open, while nobody can look (%s), may still be told: it is ambiguous, and on record as open',
    async (retry, told) => {
      earlier('open');
      const { spec, sent } = effectOf('op', { observe: failing('bmc_unreachable', retry) as never });
      expect(await refusal(perform(spec))).toMatchObject({
        code: 'ambiguous',
        retry: told,
        message: expect.stringContaining('it was bmc_unreachable'),
      });
      expect([sent, rows[0]?.state, scene.kept]).toEqual([[], 'open', []]);
    },
  );

  it('is ambiguous where the record cannot be read', async () => {
    const { spec, sent } = effectOf('op');
    rows.findLast = () => {
      throw new FleetError({ code: 'database', retry: 'later', message: 'gone' });
    };
    expect(await refusal(perform(spec))).toMatchObject({ code: 'ambiguous', retry: 'later' });
    expect(sent).toEqual([]);
  });
});

it('an answer that was lost is looked into at once', async () => {
  let looks = 0;
  const { spec, sent } = effectOf('op', {
    send: failing('ambiguous'),
    async observe({ state }) {
      looks++;
      expect(state).toBe('unknown');
      return { finding: 'happened', result: 'found', evidence: 'a task' };
    },
  });
  expect([await perform(spec), looks, sent.length]).toEqual(['found', 1, 1]);
  expect(entries().map(({ status, finding }) => status ?? finding)).toEqual([undefined, 'unknown', 'happened']);
});

it('an intent that the log does not keep is none', async () => {
  const { spec, sent } = effectOf('op');
  scene.store.append = async () => [];
  expect((await refusal(perform(spec))).message).toBe('the custody log kept no intent');
  expect([sent, rows]).toEqual([[], []]);
});
