/** The one door to every machine: an intent first, one send, evidence before another. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DatabaseAway, FleetError } from '../../src/core/errors.ts';
import type { EffectState } from '../../src/core/records.ts';
import { concluder } from '../../src/guard/conclude.ts';
import { closeEnded } from '../../src/guard/custody/close-open.ts';
import { storedRows } from '../../src/guard/custody/stored-rows.ts';
import { verifyLog } from '../../src/guard/custody/verify.ts';
import { mayHaveHappened } from '../../src/operations/may-have-happened.ts';
import { approvedOperation, effectOf, type GuardScene, guardScene, refusal } from '../support/guard.ts';

let scene: GuardScene;
let operation: string;

beforeEach(async () => {
  scene = await guardScene();
  operation = await approvedOperation(scene);
});
afterEach(() => scene.close());

const lost = () => new FleetError({ code: 'ambiguous', message: 'the answer was lost' });

/** Makes the database refuse custody entries of one kind, as a full disk or a broken log would. */
async function refuseEntries(type: string): Promise<void> {
  await scene.admin.query(`create function refuse_entry() returns trigger language plpgsql as $$ begin
    if convert_from(new.bytes, 'UTF8') like '%"type":"${type}"%' then raise exception 'no space'; end if;
    return new; end $$`);
  await scene.admin.query(
    'create trigger refuse_some before insert on custody_entry for each row execute function refuse_entry()',
  );
}

async function acceptEntries(): Promise<void> {
  await scene.admin.query('drop trigger refuse_some on custody_entry');
}

/** Of every attempt, by what another connection sees. */
async function mayBeSent(): Promise<boolean[]> {
  const { rows } = await scene.admin.query('select sent_at from effect order by intent');
  return rows.map(row => row.sent_at !== null);
}

async function typesOf(): Promise<string[]> {
  return (await scene.entries()).filter(entry => entry.type.startsWith('effect.')).map(entry => entry.type);
}

describe('the intent of an effect', () => {
  it('is committed before the request is sent', async () => {
    const seen: unknown[] = [];
    const { spec } = effectOf(operation, {
      async send({ intent }) {
        // Another connection: it sees committed rows alone.
        const { rows } = await scene.admin.query('select bytes from custody_entry where seq = $1', [intent]);
        seen.push(...rows.map(row => JSON.parse(row.bytes.toString())));
        return 'done';
      },
    });
    await scene.perform(spec);
    expect(seen).toMatchObject([{ type: 'effect.intent', operation, step: 'w-1/flash', attempt: 1 }]);
    expect(await typesOf()).toEqual(['effect.intent', 'effect.result']);
  });

  it('is what sending waits for: without it nothing is sent', async () => {
    await refuseEntries('effect.intent');
    const { spec, sent } = effectOf(operation);
    await refusal(scene.perform(spec));
    expect(sent).toEqual([]);
    await acceptEntries();
    await scene.perform(spec);
    expect(sent).toHaveLength(1);
  });

  it('is all that is written down until what has to hold is proved, and then, before it is sent, that it may have been', async () => {
    const seen: unknown[] = [];
    const { spec } = effectOf(operation, {
      prove: async () => void seen.push(await mayBeSent()),
      async send() {
        seen.push(await mayBeSent());
        return 'done';
      },
    });
    await scene.perform(spec);
    expect(seen).toEqual([[false], [true]]);
  });

  it('that another process took up meanwhile is not sent, and what that one left is gone on with', async () => {
    const proved: unknown[] = [];
    const { spec, sent } = effectOf(operation, {
      async prove() {
        proved.push(true);
        if (proved.length === 1) await scene.admin.query(`update effect set state = 'not-happened'`);
      },
    });
    expect(await scene.perform(spec)).toBe('done');
    const { rows } = await scene.admin.query('select attempt, intent from effect where sent_at is not null');
    expect([sent, rows.length, rows[0].attempt]).toEqual([[Number(rows[0].intent)], 1, 2]);
  });

  it('of a version that never said when it sent counts as sent', async () => {
    await scene.admin.query(
      `insert into effect (operation, step, attempt, intent, state, before, result, detail) values ($1, 'w-1/old', 1, 77, 'open', 'null', 'null', '')`,
      [operation],
    );
    expect(await scene.records.effects.latest(operation, 'w-1/old')).toMatchObject({ mayBeSent: true });
  });

  it('that stands open after a crash is looked into, and not sent again when it happened', async () => {
    const crash = effectOf(operation, { send: () => new Promise<string>(() => undefined) });
    void scene.perform(crash.spec); // never comes back, like a process that died while sending
    await expect.poll(() => crash.sent.length).toBe(1);
    const looked: unknown[] = [];
    const { spec, sent } = effectOf(operation, {
      prepare: () => Promise.reject(new Error('an open intent needs no new request')),
      async observe(open) {
        looked.push(open.state);
        return { finding: 'happened', result: 'found', evidence: 'the machine shows it' };
      },
    });
    expect(await scene.perform(spec)).toBe('found');
    expect([looked, sent]).toEqual([['open'], []]);
    expect(await typesOf()).toEqual(['effect.intent', 'effect.reconciled']);
  });
});

describe('an answer that was lost', () => {
  it('leads to a second send only after evidence that the first did nothing', async () => {
    const observed: string[] = [];
    const { spec, sent } = effectOf(operation, {
      async send() {
        if (observed.length === 0) throw lost();
        return 'second';
      },
      async observe(open) {
        observed.push(open.state);
        return { finding: 'not-happened', evidence: 'no fetch, no task' };
      },
    });
    expect(await scene.perform(spec)).toBe('second');
    expect([observed, sent.length]).toEqual([['unknown'], 2]);
    expect(await typesOf()).toEqual([
      'effect.intent',
      'effect.result',
      'effect.reconciled',
      'effect.intent',
      'effect.result',
    ]);
  });

  it('stays ambiguous when nothing tells, whoever asks again', async () => {
    const { spec, sent } = effectOf(operation, { send: () => Promise.reject(lost()) });
    for (let ask = 0; ask < 3; ask++) expect((await refusal(scene.perform(spec))).code).toBe('ambiguous');
    expect(sent).toHaveLength(1);
  });

  it('is ambiguous, not failed, while the machine cannot be looked at, and is settled once it can', async () => {
    let reachable = false;
    const { spec, sent } = effectOf(operation, {
      send: () => Promise.reject(lost()),
      async observe() {
        if (!reachable) throw new FleetError({ code: 'bmc_unreachable', retry: 'later', message: 'no route' });
        return { finding: 'happened', result: 'found', evidence: 'a task' };
      },
    });
    expect((await refusal(scene.perform(spec))).code).toBe('ambiguous');
    reachable = true;
    expect(await scene.perform(spec)).toBe('found');
    expect(sent).toHaveLength(1);
  });

  it('of an effect whose outcome could not be recorded counts as lost too', async () => {
    await refuseEntries('effect.result');
    const { spec, sent } = effectOf(operation);
    expect((await refusal(scene.perform(spec))).code).toBe('ambiguous');
    expect((await refusal(scene.perform(spec))).code).toBe('ambiguous');
    expect(sent).toHaveLength(1);
  });

  it.each(['prove', 'send'] as const)('and a database that was away in %s fails nothing: it is looked at', async at => {
    const looks: unknown[] = [];
    let away = true;
    const blink = async () => {
      if (!away) return;
      away = false;
      throw new DatabaseAway();
    };
    const { spec, sent } = effectOf(operation, {
      prove: () => (at === 'prove' ? blink() : Promise.resolve()),
      send: async () => (at === 'send' ? blink().then(() => 'done') : 'done'),
      async observe(open) {
        looks.push([open.state, open.mayBeSent]);
        return { finding: 'not-happened', evidence: 'the machine shows nothing' };
      },
    });
    await expect(scene.perform(spec)).rejects.toBeInstanceOf(DatabaseAway);
    expect(await scene.perform(spec)).toBe('done');
    expect(looks).toEqual(at === 'send' ? [['open', true]] : []);
    expect(sent).toHaveLength(at === 'send' ? 2 : 1);
  });

  it('is not followed by a second send where the record of the first cannot be understood', async () => {
    const { spec, sent } = effectOf(operation, { send: () => Promise.reject(lost()) });
    await refusal(scene.perform(spec));
    await scene.admin.query(`update effect set state = 'torn'`);
    expect((await refusal(scene.perform(spec))).code).toBe('ambiguous');
    expect(sent).toHaveLength(1);
  });

  it('does not buy more than three attempts, however often nothing happened', async () => {
    const { spec, sent } = effectOf(operation, {
      send: () => Promise.reject(lost()),
      observe: async () => ({ finding: 'not-happened', evidence: 'nothing there' }),
    });
    for (let ask = 0; ask < 3; ask++) expect((await refusal(scene.perform(spec))).code).toBe('ambiguous');
    expect(sent).toHaveLength(3);
  });
});

it('an attempt whose process died before anything was sent is none of the three', async () => {
  for (const died of [1, 2, 3, 4]) {
    const proving = Promise.withResolvers<void>();
    const crash = effectOf(operation, {
      prove: () => {
        proving.resolve();
        return new Promise<void>(() => undefined);
      },
      observe: async () => ({ finding: 'not-happened', evidence: `nothing there after ${died}` }),
    });
    void scene.perform(crash.spec);
    await proving.promise;
  }
  const observe = async () => ({ finding: 'not-happened', evidence: 'nothing there' }) as const;
  const { spec, sent } = effectOf(operation, { send: () => Promise.reject(lost()), observe });
  for (let ask = 0; ask < 3; ask++) expect((await refusal(scene.perform(spec))).code).toBe('ambiguous');
  expect(sent).toHaveLength(3);
});

describe('what may have been handed over', () => {
  type Attempt = [state: EffectState, sent: boolean];
  const attempts: [what: string, attempts: Attempt[], may: boolean][] = [
    ['nothing was asked for', [], false],
    ['it was refused', [['failed', true]], false],
    ['it was stopped before it was sent', [['failed', false]], false],
    ['the BMC was not reached', [['not-happened', true]], false],
    ['its answer is lost', [['unknown', true]], true],
    ['a crash left it open', [['open', false]], true],
    ['nobody can tell', [['ambiguous', true]], true],
    [
      'the next attempt was refused',
      [
        ['not-happened', true],
        ['failed', true],
      ],
      false,
    ],
    [
      'the next attempt was not sent, as the machine is not as it was',
      [
        ['not-happened', true],
        ['failed', false],
      ],
      true,
    ],
  ];

  it.each(attempts)('%s', async (_what, rows, may) => {
    for (const [at, [state, sent]] of rows.entries()) {
      const intent = 500 + at;
      const attempt = { operation, step: 'w-1/flash', attempt: at + 1, intent, before: null };
      await scene.records.effects.insert(attempt);
      if (sent) await scene.records.effects.letOut(intent);
      if (state !== 'open')
        await scene.records.effects.close({ intent, from: ['open'], state, result: null, detail: '' });
    }
    // Another step of that name's beginning says nothing.
    await scene.records.effects.insert({ operation, step: 'w-1/flash/2', attempt: 1, intent: 600, before: null });
    const job = { records: scene.records, operation, stepName: (step: string) => `w-1/${step}` };
    expect(await mayHaveHappened(job, 'flash')).toBe(may);
  });
});

describe('the outcome of an effect', () => {
  it('that was a clear refusal is final', async () => {
    const { spec, sent } = effectOf(operation, {
      send: () => Promise.reject(new FleetError({ code: 'bmc_refused', message: 'no' })),
    });
    expect((await refusal(scene.perform(spec))).code).toBe('bmc_refused');
    expect((await refusal(scene.perform(spec))).code).toBe('precondition_failed');
    expect(sent).toHaveLength(1);
  });

  it('that was good answers every later ask without sending', async () => {
    const { spec, sent } = effectOf(operation);
    expect([await scene.perform(spec), await scene.perform(spec)]).toEqual(['done', 'done']);
    expect(sent).toHaveLength(1);
  });

  it('is recorded for each of 40 effects at once, more than there are database connections', async () => {
    const effects = Array.from({ length: 40 }, (_, index) => effectOf(operation, { step: `w-1/evict/a/p/${index}` }));
    await Promise.all(effects.map(({ spec }) => scene.perform(spec)));
    expect(effects.map(({ sent }) => sent.length)).toEqual(effects.map(() => 1));
    expect((await typesOf()).filter(type => type === 'effect.result')).toHaveLength(40);
  });
});

it('is told in what words a machine ever chose: nothing of them keeps a node from its end', async () => {
  const words = 'active bios is 1.2\0\ud83d';
  const { operations } = scene.records;
  await operations.setNode(operation, { node: 'w-1', state: 'failed', step: 'verify', message: words });
  await operations.addEvent(operation, 'end', { node: 'w-1', step: 'end', status: 'failed', message: words });
  await operations.transition(operation, ['running'], 'halted', words);
  const { nodes, reason } = await operations.get(operation);
  const [told] = await operations.events(operation, 0);
  const kept = 'active bios is 1.2\ufffd';
  expect([nodes[0]?.message, reason, told?.message]).toEqual([kept, kept, kept]);
});

it('and so is what an effect began from and came to', async () => {
  const before = { tasks: [{ message: 'slot\0\ud83d' }] };
  const { prepare } = effectOf(operation).spec;
  const { spec } = effectOf(operation, {
    prepare: async () => ({ ...(await prepare()), before }),
    send: () => Promise.reject(new FleetError({ code: 'bmc_refused', message: 'no\0\ud83d' })),
  });
  expect((await refusal(scene.perform(spec))).code).toBe('bmc_refused');
  expect(await scene.records.effects.latest(operation, spec.step)).toMatchObject({
    state: 'failed',
    before: { tasks: [{ message: 'slot\ufffd' }] },
    detail: 'no\ufffd',
  });
});

describe('what an operation leaves open', () => {
  /** As a process leaves it that died while sending. */
  async function openIntent(step: string): Promise<number> {
    const crash = effectOf(operation, { step, send: () => new Promise<string>(() => undefined) });
    void scene.perform(crash.spec);
    await expect.poll(() => crash.sent.length).toBe(1);
    return crash.sent[0] ?? -1;
  }
  const openIntents = async () => {
    const { custody } = scene.records;
    await scene.custody.checkpoint();
    const [head, checkpoints] = [await custody.head(), await custody.checkpoints()];
    const verdict = await verifyLog({
      rows: storedRows(custody),
      head,
      checkpoints,
      verifierKey: scene.custody.verifierKey,
    });
    return verdict.ok ? verdict.openIntents.map(({ seq }) => seq) : verdict.problems;
  };

  it('is ambiguous in the very transaction that ends it', async () => {
    const intent = await openIntent('w-1/flash');
    expect(await openIntents()).toEqual([intent]);
    await concluder({
      records: scene.records,
      custody: scene.custody,
      people: { find: name => scene.people.get(name) },
    })(operation, 'halted', 'over');
    const [closed, end] = (await scene.entries()).slice(-2);
    expect(closed).toMatchObject({ type: 'effect.reconciled', operation, intent, finding: 'ambiguous' });
    expect(end).toMatchObject({ type: 'operation', operation, state: 'halted' });
    expect(await openIntents()).toEqual([]);
  });

  it('is concluded by the next process that serves where an earlier version ended it, and never while it runs', async () => {
    const intent = await openIntent('w-1/flash');
    expect(await closeEnded(scene.records, scene.custody)).toBe(0);
    expect(await openIntents()).toEqual([intent]);
    await scene.records.operations.transition(operation, ['running'], 'halted', 'by an earlier version');
    expect(await closeEnded(scene.records, scene.custody)).toBe(1);
    expect(await closeEnded(scene.records, scene.custody)).toBe(0);
    expect(await openIntents()).toEqual([]);
    expect(await scene.records.effects.latest(operation, 'w-1/flash')).toMatchObject({ state: 'ambiguous' });
  });
});
