/**
 * Whatever befalls a log between two looks, each of its entries is taken in
 * once. The log of the model does what real ones do; the cursor sees only what
 * the log shows, and is a text that outlives the process.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { known, type LogEntry, unknown } from '../../src/core/bmc.ts';
import { knownIn, type LogCursor, takeIn } from '../../src/health/log-cursor.ts';

const capacity = 200;
const page = 10;
const texts = ['fan failed', 'power supply lost', 'log cleared'];

type Step =
  | { act: 'write'; count: number; text: number }
  | { act: 'clear'; idsGoOn: boolean }
  | { act: 'clock'; bySeconds: number }
  | { act: 'hide' }
  | { act: 'look'; paged: boolean };

/** Never by whole quarters of an hour: what moved by those is a time zone, not a new entry. */
const clockStep = fc.integer({ min: -100_000, max: 100_000 }).map(quarters => quarters * 900 + 7);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ act: fc.constant('write' as const), count: fc.nat(9), text: fc.nat(texts.length - 1) }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('write' as const), count: fc.constant(150), text: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('clear' as const), idsGoOn: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('clock' as const), bySeconds: clockStep }) },
  { weight: 1, arbitrary: fc.constant({ act: 'hide' as const }) },
  { weight: 4, arbitrary: fc.record({ act: fc.constant('look' as const), paged: fc.boolean() }) },
);

/** Oldest first. Entries are told apart as objects: what they say may be the same twice. */
function model(timed: boolean) {
  const written: LogEntry[] = [];
  const overwritten = new Set<LogEntry>();
  const taken: LogEntry[] = [];
  let [held, nextId, clock]: [LogEntry[], number, number] = [[], 1, Date.parse('2026-01-01T00:00:00Z')];
  let cursor: LogCursor | undefined;
  return {
    written,
    overwritten,
    taken,
    write({ count, text }: { count: number; text: number }) {
      for (let i = 0; i < count; i++) {
        clock += 1000;
        const created = timed ? known(new Date(clock).toISOString()) : unknown('no clock');
        const entry: LogEntry = { id: String(nextId++), created, severity: 'critical', message: texts[text] ?? '' };
        written.push(entry);
        held.push(entry);
      }
      this.lose(Math.max(0, held.length - capacity));
    },
    clear(idsGoOn: boolean) {
      this.lose(held.length);
      if (!idsGoOn) nextId = 1;
    },
    /** Set to another time, forwards or backwards; what is written already keeps its own. */
    setClock(bySeconds: number) {
      clock += bySeconds * 1000;
    },
    lose(count: number) {
      for (const entry of held.splice(0, count)) overwritten.add(entry);
    },
    /** With pages it is read as far back as something known, with the last entries of a page repeated on the next. */
    look(paged: boolean) {
      const newestFirst = held.toReversed();
      const isKnown = cursor === undefined ? undefined : knownIn(cursor);
      let upto = page;
      while (isKnown && upto < newestFirst.length && !newestFirst.slice(0, upto).some(isKnown)) upto += page;
      const whole = !paged || cursor === undefined || upto >= newestFirst.length;
      const pages = whole ? newestFirst : newestFirst.slice(0, upto);
      const entries = pages.flatMap((entry, place) => (place % page === page - 1 ? [entry, entry] : [entry]));
      this.take(entries, whole);
    },
    take(entries: LogEntry[], whole: boolean) {
      const seen = takeIn(cursor, { entries, whole });
      cursor = JSON.parse(JSON.stringify(seen.cursor));
      taken.push(...seen.fresh.map(({ entry }) => entry));
    },
  };
}

function play(steps: Step[], timed: boolean) {
  const log = model(timed);
  log.take([], true);
  for (const step of steps) {
    if (step.act === 'write') log.write(step);
    else if (step.act === 'clear') log.clear(step.idsGoOn);
    else if (step.act === 'clock') log.setClock(step.bySeconds);
    else if (step.act === 'hide') log.take([], true);
    else log.look(step.paged);
  }
  log.look(false);
  return log;
}

const steps = fc.array(step, { maxLength: 40 });
const runs = { numRuns: 1000 };

function missed({ written, overwritten, taken }: ReturnType<typeof play>): LogEntry[] {
  return written.filter(entry => !taken.includes(entry) && !overwritten.has(entry));
}

describe('a log', () => {
  it('gives each of its entries once, whatever becomes of it and of its clock', () => {
    fc.assert(
      fc.property(steps, all => {
        const log = play(all, true);
        expect(new Set(log.taken).size).toBe(log.taken.length);
        expect(missed(log)).toEqual([]);
      }),
      runs,
    );
  });

  it('whose entries have no time gives each once too, as long as no id is used twice', () => {
    fc.assert(
      fc.property(steps, all => {
        const log = play(
          all.map(each => (each.act === 'clear' ? { ...each, idsGoOn: true } : each)),
          false,
        );
        expect(new Set(log.taken).size).toBe(log.taken.length);
        expect(missed(log)).toEqual([]);
      }),
      runs,
    );
  });

  it('whose entries have no time gives what it says again after it was cleared, and nothing twice after a glance at it', () => {
    const entry = (id: string): LogEntry => ({
      id,
      created: unknown('no clock'),
      severity: 'critical',
      message: 'lost',
    });
    const seen = takeIn('', { entries: ['3', '2', '1'].map(entry), whole: true });
    expect(seen.fresh).toHaveLength(3);
    const cleared = takeIn(seen.cursor, { entries: ['2', '1'].map(entry), whole: true });
    expect(cleared.fresh.map(({ entry: { id } }) => id)).toEqual(['2', '1']);
    const nothing = takeIn(seen.cursor, { entries: [], whole: true });
    expect(takeIn(nothing.cursor, { entries: ['3', '2', '1'].map(entry), whole: true }).fresh).toEqual([]);
  });

  it('whose clock or time zone was put right shows old entries with other times, and they stay old', () => {
    const entry = (id: string, minute: number): LogEntry => ({
      id,
      created: known(new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()),
      severity: 'critical',
      message: 'lost',
    });
    const { cursor } = takeIn('', { entries: [entry('3', 9), entry('2', 5), entry('1', 1)], whole: true });
    const hour = [entry('4', 70), entry('3', 69), entry('2', 65), entry('1', 61)];
    const later = takeIn(cursor, { entries: hour, whole: true });
    expect(later.fresh).toEqual([{ entry: hour[0], sure: true }]);
    // The same ids at other distances are another log.
    const cleared = [entry('3', 69), entry('2', 64), entry('1', 61)];
    expect(takeIn(cursor, { entries: cleared, whole: true }).fresh).toHaveLength(3);
  });
});
