import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/adapters/postgres/database.ts';
import type { HistorySample } from '../../src/core/history.ts';
import { freshDatabase } from '../support/postgres.ts';

const start = Date.parse('2026-03-01T00:00:00Z');
const minute = 60_000;
const day = 24 * 60 * minute;
const retention = { samplesMs: 2 * day, rollupsMs: 30 * day };
const quantities = [
  { name: 'Inlet', unit: 'celsius' },
  { name: 'Fan1', unit: 'rpm' },
];

let fresh: Awaited<ReturnType<typeof freshDatabase>>;
let database: Database;
let admin: pg.Client;
beforeAll(async () => {
  fresh = await freshDatabase();
  database = await openDatabase(fresh.url, { lock: false });
  admin = new pg.Client({ connectionString: fresh.url });
  await admin.connect();
});
afterAll(async () => {
  await admin?.end();
  await database?.close();
  await fresh?.drop();
});

const at = (minutes: number) => new Date(start + minutes * minute);

/** One look a minute; `value` gives the inlet, undefined a look that gave nothing. */
function looks(node: string, minutes: number, value: (minute: number) => number | null | undefined): HistorySample[] {
  return Array.from({ length: minutes }, (_, i): HistorySample => {
    const inlet = value(i);
    if (inlet === undefined) return { node, at: at(i), missing: 'the BMC does not answer' };
    return { node, at: at(i), quantities, values: [inlet, 8000 + i] };
  });
}

const means = (points: { mean: number | null }[] = []) => points.map(({ mean }) => mean);

describe('a series', () => {
  it('has a point for each stretch: lowest, mean and highest, and null where nothing was read', async () => {
    const inlet = (i: number) => (i === 2 ? null : i === 4 ? undefined : 20 + i);
    // Two looks a minute.
    const often = looks('a', 6, inlet).flatMap(look => [
      look,
      { ...look, at: new Date(look.at.getTime() + minute / 2) },
    ]);
    await database.history.add(often);
    const wanted = { node: 'a', quantity: 'Inlet', from: at(0), to: at(6) };
    const fine = await database.history.series({ ...wanted, points: 6 });
    expect(fine?.quantity).toEqual({ name: 'Inlet', unit: 'celsius' });
    expect(means(fine?.points)).toEqual([20, 21, null, 23, null, 25]);
    const reason = 'the BMC does not answer';
    expect(fine?.gaps).toEqual([at(4.5), at(4)].map(when => ({ at: when.toISOString(), reason })));
    const coarse = await database.history.series({ ...wanted, points: 2 });
    expect(coarse?.points[0]).toEqual({ at: at(0).toISOString(), low: 20, mean: 20.5, high: 21 });
    expect(coarse?.stepMs).toBe(3 * minute);
  });

  it('is never finer than the looks were: a point between two of them is no gap', async () => {
    await database.history.add(looks('e', 20, () => 20));
    const fine = await database.history.series({ node: 'e', quantity: 'Inlet', from: at(0), to: at(18), points: 200 });
    expect(means(fine?.points).filter(mean => mean === null)).toEqual([]);
    expect(fine?.points.length).toBeGreaterThan(10);
  });

  it('follows a quantity through servers whose sensors come and go', async () => {
    const other = [...quantities, { name: 'Outlet', unit: 'celsius' }].reverse();
    await database.history.add([
      { node: 'b', at: at(0), quantities, values: [20, 8000] },
      { node: 'b', at: at(1), quantities: other, values: [35, 8000, 21] },
    ]);
    const inlet = await database.history.series({ node: 'b', quantity: 'Inlet', from: at(0), to: at(2), points: 1 });
    expect(inlet?.points).toMatchObject([{ low: 20, high: 21 }]);
    expect(await database.history.quantities('b', at(0))).toEqual([
      { name: 'Fan1', unit: 'rpm' },
      { name: 'Inlet', unit: 'celsius' },
      { name: 'Outlet', unit: 'celsius' },
    ]);
  });

  it('of what was never measured on that node is none at all', async () => {
    const wanted = { from: at(0), to: at(6), points: 6 };
    expect(await database.history.series({ node: 'a', quantity: 'Outlet', ...wanted })).toBeUndefined();
    expect(await database.history.series({ node: 'nobody', quantity: 'Inlet', ...wanted })).toBeUndefined();
  });

  it('takes a second sample of one moment as the first', async () => {
    const twice = looks('c', 1, () => 20);
    await database.history.add(twice);
    await database.history.add(looks('c', 1, () => 99));
    const series = await database.history.series({ node: 'c', quantity: 'Inlet', from: at(0), to: at(1), points: 1 });
    expect(means(series?.points)).toEqual([20]);
  });
});

describe('what grows old', () => {
  const partitions = async () =>
    (
      await admin.query(
        "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'reading'::regclass",
      )
    ).rows.map(({ name }) => name);

  it('is condensed to ten minutes, with what happened in between still seen, and then dropped by the day', async () => {
    const peak = 707;
    await database.history.add(looks('d', 3 * 24 * 60, i => (i === peak ? 60 : i >= 800 && i < 860 ? undefined : 20)));
    const whole = { node: 'd', quantity: 'Inlet', from: at(0), to: at(3 * 24 * 60), points: 72 };
    await database.history.condense(at(24 * 60), retention);
    const before = await database.history.series(whole);
    await database.history.condense(at(3 * 24 * 60 + 5), retention);
    expect(await partitions()).not.toContain('reading_2026_03_01');
    expect(await partitions()).toContain('reading_2026_03_02');
    const after = await database.history.series(whole);
    expect(after?.points).toEqual(before?.points);
    expect(after?.points[Math.floor(peak / 60)]).toMatchObject({ low: 20, high: 60 });
    const gap = { ...whole, from: at(800), to: at(860), points: 6 };
    expect(means((await database.history.series(gap))?.points)).toEqual(Array(6).fill(null));
  });

  it('is condensed too when it comes late: after a long look, and after hours without a database', async () => {
    const from = 50 * 24 * 60;
    const [late, usual] = ['late', 'usual'].map(node =>
      looks(node, 180, i => 20 + i).map(look => ({ ...look, at: new Date(look.at.getTime() + from * minute) })),
    );
    const of = async (node: string) => {
      const wanted = { node, quantity: 'Inlet', from: at(from), to: at(from + 180), points: 18 };
      return means((await database.history.series(wanted))?.points);
    };
    await database.history.add(usual ?? []);
    // The looks of two hours wait for the database; that of one minute is still under way at the ten-minute mark.
    await database.history.add(late?.slice(0, 59) ?? []);
    await database.history.condense(at(from + 61), retention);
    await database.history.add(late?.slice(59, 60) ?? []);
    await database.history.condense(at(from + 121), retention);
    await database.history.condense(at(from + 181), retention);
    await database.history.add(late?.slice(60) ?? []);
    await database.history.condense(at(from + 191), retention);
    const whole = Array.from({ length: 18 }, (_, slot) => 24.5 + 10 * slot);
    expect(await of('usual')).toEqual(whole);
    expect(await of('late')).toEqual(whole);
    // The same once single looks are gone, as they are for all that is older than they are kept.
    const [before] = [await of('late')];
    await database.history.condense(at(from + 4 * 24 * 60), retention);
    expect(await partitions()).toEqual([]);
    expect(await of('late')).toEqual(before);
  });

  it('is gone after its time', async () => {
    await database.history.condense(at(90 * 24 * 60), retention);
    expect(await partitions()).toEqual([]);
    const wanted = { node: 'd', quantity: 'Inlet', from: at(0), to: at(60), points: 6 };
    expect(await database.history.series(wanted)).toBeUndefined();
  });
});
