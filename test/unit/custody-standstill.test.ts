/** What lets effects happen while it is not known whether the log is the only one, and who hears of it. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Standstill as Status } from '../../src/core/anchor.ts';
import { FleetError } from '../../src/core/errors.ts';
import type { Records, Stores } from '../../src/core/records.ts';
import type { Caller } from '../../src/core/tool.ts';
import type { Authority } from '../../src/guard/authority.ts';
import { Anchoring } from '../../src/guard/custody/anchoring.ts';
import { leafHash } from '../../src/guard/custody/merkle.ts';
import { signCheckpoint } from '../../src/guard/custody/note.ts';
import { Standstill } from '../../src/guard/custody/standstill.ts';
import { serviceEntry } from '../support/custody.ts';
import { refusal } from '../support/guard.ts';
import { memoryAnchor, memoryLog, memorySeen } from '../support/memory-custody.ts';

const every = { entries: 3, ms: 300_000 };
const away = new FleetError({ code: 'service_unreachable', message: 'no route' });
const ada: Caller = { person: { name: 'ada', groups: ['sre'] }, channel: 'cli', scope: 'execute', client: 'shell' };
let clock: number;
let told: Status[];
let scene: ReturnType<typeof memoryLog>;
let seen: ReturnType<typeof memorySeen>;
let one: ReturnType<typeof memoryAnchor>;
/** A log of another history, signed by the true key. */
let forked: string;

afterEach(() => void vi.useRealTimers());
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  clock = Date.parse('2026-11-26T12:00:00Z');
  told = [];
  scene = memoryLog();
  seen = memorySeen();
  one = memoryAnchor('one');
  await scene.log.append(serviceEntry('first'));
  forked = signCheckpoint({ size: 1, root: leafHash(Buffer.of()) }, scene.key);
});

/** One life over the same rows, with nothing at work. */
function life(maxAnchorAgeMs?: number) {
  const { log, store } = scene;
  const anchoring = new Anchoring({
    anchors: [one.anchor],
    log,
    custody: store,
    store: seen.store,
    every,
    now: () => clock,
  });
  const nothing = { list: async () => [] };
  const stores = { anchors: seen.store, approvals: nothing, operations: nothing, custody: store };
  const records = {
    ...stores,
    transaction: <T>(work: (tx: Stores) => Promise<T>) => work(stores as unknown as Stores),
  } as unknown as Records;
  const onChange = (status: Status) => void told.push(status);
  const age = maxAnchorAgeMs === undefined ? {} : { maxAnchorAgeMs };
  return new Standstill({ records, custody: log, anchoring, onChange, ...age });
}

const entries = () => scene.kept.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()));
const states = () => told.map(({ state }) => state);
const isClear = (of: Standstill) => {
  try {
    of.check();
    return true;
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'forbidden', hint: expect.stringContaining('custody status') });
    return false;
  }
};

describe('a life', () => {
  it('has no effect before its log was compared, and then nobody hears that all is well', async () => {
    const standstill = life();
    expect([standstill.status().state, isClear(standstill)]).toEqual(['waiting', false]);
    await standstill.begin();
    expect([standstill.status(), isClear(standstill), told]).toEqual([{ state: 'none' }, true, []]);
  });

  it('waits while an anchor cannot be read, since when it began to, and goes on by itself', async () => {
    vi.setSystemTime('2026-11-26T09:00:00.000Z');
    const standstill = life();
    one.place.broken = away;
    vi.setSystemTime('2026-11-26T09:00:01.000Z');
    await standstill.begin();
    const reason = 'an anchor of the custody log cannot be read: no route';
    expect(standstill.status()).toEqual({ state: 'waiting', since: '2026-11-26T09:00:00.000Z', reason });
    await standstill.look();
    expect([isClear(standstill), one.place.posts]).toEqual([false, 0]);
    one.place.broken = undefined;
    await standstill.look();
    expect([isClear(standstill), one.place.posts]).toEqual([true, 1]);
    expect([states(), seen.standing.freeze]).toEqual([['waiting', 'waiting'], undefined]);
  });

  it('freezes on a contradiction, on record once, and so do those after it until a person lifts it', async () => {
    one.place.note = forked;
    const standstill = life();
    await standstill.begin();
    expect(standstill.status()).toMatchObject({
      state: 'frozen',
      reason: 'one shows 1 other entries than this database holds',
    });
    const frozen = { type: 'custody', action: 'frozen', detail: 'one shows 1 other entries than this database holds' };
    expect(entries().slice(1)).toMatchObject([frozen]);
    await standstill.look();
    expect([entries().length, one.place.posts]).toEqual([2, 0]);
    one.place.note = undefined;
    const next = life();
    await next.begin();
    expect(next.status()).toEqual({ state: 'frozen', ...seen.standing.freeze });
    one.place.broken = away;
    const blind = life();
    await blind.begin();
    expect(blind.status()).toEqual({ state: 'frozen', ...seen.standing.freeze });
  });

  it('takes up what another worker froze, and what was lifted there', async () => {
    const standstill = life();
    await standstill.begin();
    await seen.store.freeze('another worker saw it');
    await standstill.look();
    expect([isClear(standstill), one.place.posts]).toEqual([false, 0]);
    await seen.store.lift('ada', 'looked');
    await standstill.look();
    expect([isClear(standstill), one.place.posts, states()]).toEqual([true, 1, ['frozen', 'none']]);
  });

  it('freezes on what it finds when it posts, from that moment on', async () => {
    const standstill = life();
    await standstill.begin();
    one.place.note = forked;
    vi.setSystemTime('2026-11-26T10:00:00.000Z');
    await standstill.look();
    expect(standstill.status()).toMatchObject({ state: 'frozen', since: '2026-11-26T10:00:00.000Z' });
    expect(one.place.note).toBe(forked);
  });
});

describe('what waits until effects may happen', () => {
  it('runs at once where they may, and its failure is the caller’s', async () => {
    const standstill = life();
    await standstill.begin();
    const ran: string[] = [];
    await standstill.onceClear(
      async () => void ran.push('ran'),
      () => ran.push('told'),
    );
    expect(ran).toEqual(['ran']);
    const failing = standstill.onceClear(
      () => Promise.reject(new Error('broken')),
      () => ran.push('told'),
    );
    await expect(failing).rejects.toThrow('broken');
    expect(ran).toEqual(['ran']);
  });

  it('runs the first time that they may, and who waits hears of a failure', async () => {
    const standstill = life();
    const ran: string[] = [];
    const heard = Promise.withResolvers<FleetError>();
    await standstill.onceClear(async () => void ran.push('one'), heard.reject);
    await standstill.onceClear(
      () => Promise.reject(new FleetError({ code: 'database', message: 'gone' })),
      heard.resolve,
    );
    expect(ran).toEqual([]);
    await standstill.begin();
    expect(await heard.promise).toMatchObject({ code: 'database' });
    expect(ran).toEqual(['one']);
  });
});

describe('an announcement', () => {
  it('shows the log outside, however little came to it', async () => {
    const standstill = life();
    await standstill.begin();
    await standstill.announce();
    expect(one.place.posts).toBe(1);
  });

  it('is refused while everything stands still, before and after it is tried', async () => {
    const waiting = life();
    expect((await refusal(waiting.announce())).code).toBe('forbidden');
    expect(one.place.posts).toBe(0);
    const standstill = life();
    await standstill.begin();
    one.place.note = forked;
    expect((await refusal(standstill.announce())).message).toContain('other entries');
  });

  it('waits no longer than it may for an anchor that hangs or fails', async () => {
    const standstill = life();
    await standstill.begin();
    one.anchor.post = () => new Promise(() => undefined);
    await standstill.announce(10);
    const failing = life();
    await failing.begin();
    const { frozen } = seen.store;
    seen.store.frozen = () => Promise.reject(new Error('the database is gone'));
    await failing.announce();
    seen.store.frozen = frozen;
  });
});

describe('the authority under it', () => {
  const allowed = { digest: 'd', actor: { sub: 'ada', groups: [] } };
  const authority = { decide: () => ({ verdict: 'allow' }), allow: async () => allowed } as unknown as Authority;
  const effect = (settling: boolean) => ({ settling }) as Parameters<Authority['allow']>[0];
  const ask = {} as Parameters<Authority['decide']>[0];

  it('says no to everything until the log was compared, and its own word after that', async () => {
    const standstill = life();
    const guarded = standstill.guard(authority);
    expect(guarded.decide(ask)).toMatchObject({
      verdict: 'deny',
      reasons: [{ policy: 'custody', reason: expect.stringContaining('nothing was compared yet') }],
    });
    for (const settling of [true, false])
      expect((await refusal(guarded.allow(effect(settling)))).code).toBe('forbidden');
    await standstill.begin();
    expect(guarded.decide(ask)).toEqual({ verdict: 'allow' });
    for (const settling of [true, false]) expect(await guarded.allow(effect(settling))).toBe(allowed);
  });

  it('lets only what settles happen once no anchor was read for longer than is allowed', async () => {
    const standstill = life(3600_000);
    await standstill.begin();
    const guarded = standstill.guard(authority);
    clock += 3600_000;
    expect(await guarded.allow(effect(false))).toBe(allowed);
    clock += 1;
    expect(await refusal(guarded.allow(effect(false)))).toMatchObject({ code: 'forbidden', retry: 'later' });
    expect(await guarded.allow(effect(true))).toBe(allowed);
    const unlimited = life();
    await unlimited.begin();
    clock += 1e12;
    expect(await unlimited.guard(authority).allow(effect(false))).toBe(allowed);
  });
});

describe('a person who has looked', () => {
  it('lifts nothing where nothing is frozen', async () => {
    const waiting = life();
    expect((await refusal(waiting.reconcile(ada, 'why not'))).code).toBe('conflict');
    await waiting.begin();
    expect((await refusal(waiting.reconcile(ada, 'why not'))).code).toBe('conflict');
    expect(entries()).toHaveLength(1);
  });

  it('sets aside what contradicts, and the log is shown over it', async () => {
    one.place.note = forked;
    const standstill = life();
    await standstill.begin();
    const text = 'one shows 1 other entries than this database holds';
    expect(await standstill.reconcile(ada, 'a copy ran')).toEqual({
      found: [text],
      voided: [],
      halted: [],
      ambiguous: 0,
    });
    expect(entries().at(2)).toMatchObject({
      action: 'reconciled',
      detail: `a copy ran. Found: ${text}`,
      actor: { sub: 'ada', groups: ['sre'] },
      via: { channel: 'cli', client: 'shell' },
    });
    expect([isClear(standstill), seen.standing.freeze, states()]).toEqual([true, undefined, ['frozen', 'none']]);
    expect(scene.log.open(one.place.note ?? '').size).toBe(3);
    expect(await life().begin()).toBeUndefined();
  });

  it('lets an anchor that shows nothing begin anew', async () => {
    await life().begin();
    const before = life();
    await before.begin();
    await before.announce();
    one.place.note = undefined;
    const standstill = life();
    await standstill.begin();
    expect(isClear(standstill)).toBe(false);
    await standstill.reconcile(ada, 'the disk was replaced');
    expect([isClear(standstill), one.place.posts]).toEqual([true, 2]);
    expect(entries().filter(({ action }) => action === 'anchored')).toHaveLength(2);
  });

  it('is told what froze it also where nothing contradicts any more, and nothing where this life does not know', async () => {
    one.place.note = forked;
    const standstill = life();
    await standstill.begin();
    one.place.note = undefined;
    expect((await standstill.reconcile(ada, 'gone')).found).toEqual([
      'one shows 1 other entries than this database holds',
    ]);
    await seen.store.freeze('another worker saw it');
    const next = life();
    await next.begin();
    await next.reconcile(ada, 'looked');
    expect(entries().at(-1).detail).toBe('looked. Found: no contradiction any more');
  });

  it('has lifted it, and nothing has an effect before the log was compared once more', async () => {
    one.place.note = forked;
    const standstill = life();
    await standstill.begin();
    const { lift } = seen.store;
    seen.store.lift = async (...by) => {
      one.place.broken = away;
      return lift(...by);
    };
    await standstill.reconcile(ada, 'a copy ran');
    expect([standstill.status().state, one.place.posts]).toEqual(['waiting', 0]);
    one.place.broken = undefined;
    await standstill.look();
    expect([isClear(standstill), one.place.posts]).toEqual([true, 1]);
  });

  it('lifts nothing while an anchor cannot be read', async () => {
    one.place.note = forked;
    const standstill = life();
    await standstill.begin();
    one.place.broken = away;
    expect((await refusal(standstill.reconcile(ada, 'blind'))).code).toBe('service_unreachable');
    expect([isClear(standstill), seen.standing.freeze !== undefined]).toEqual([false, true]);
  });
});
