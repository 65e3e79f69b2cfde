/** Readings over time in Postgres: a row a look, ten-minute rows for longer, days that are dropped as a whole. */
import { type Kysely, sql } from 'kysely';
import { digestOf } from '../../core/canonical.ts';
import type { HistorySample, HistoryStore, Quantity, Retention, Series, SeriesPoint } from '../../core/history.ts';
import type { Tables } from './schema.ts';

const rollupMs = 10 * 60_000;
const dayMs = 86_400_000;
/** A look is stamped with its begin, and written when it is over: what is younger is still coming in. */
const settleMs = 5 * 60_000;
const toldGaps = 20;
/** A statement takes 65,535 parameters. */
const rowsAtOnce = 5000;

export function historyStore(db: Kysely<Tables>): HistoryStore {
  const layouts = new Map<string, Promise<number>>();
  const days = new Map<string, Promise<unknown>>();

  function layoutOf(quantities: Quantity[]): Promise<number> {
    const digest = digestOf(quantities);
    return layouts.get(digest) ?? remembered(layouts, digest, () => insertLayout(digest, quantities));
  }

  async function insertLayout(digest: string, quantities: Quantity[]): Promise<number> {
    const names = quantities.map(({ name }) => name);
    const units = quantities.map(({ unit }) => unit);
    const { rows } = await sql<{ id: number }>`
      insert into reading_layout (digest, names, units) values (${digest}, ${names}, ${units})
      on conflict (digest) do update set digest = excluded.digest returning id`.execute(db);
    return rows[0]?.id ?? 0;
  }

  async function ensureDay(at: Date): Promise<void> {
    const day = at.toISOString().slice(0, 10);
    await (days.get(day) ?? remembered(days, day, () => createDay(day)));
  }

  async function createDay(day: string): Promise<void> {
    const next = new Date(Date.parse(day) + dayMs).toISOString().slice(0, 10);
    await db.transaction().execute(async tx => {
      await sql`select pg_advisory_xact_lock(hashtext('groundskeeper-reading-day'))`.execute(tx);
      await sql
        .raw(
          `create table if not exists ${partition(day)} partition of reading for values from ('${day}Z') to ('${next}Z')`,
        )
        .execute(tx);
    });
  }

  return {
    async add(samples) {
      await Promise.all(
        [...new Map(samples.map(({ at }) => [at.toISOString().slice(0, 10), at])).values()].map(ensureDay),
      );
      const rows = await Promise.all(samples.map(async sample => rowOf(sample, layoutOf)));
      if (rows.length > 0) await db.transaction().execute(tx => insertRows(tx, rows));
    },

    async quantities(node, since) {
      const { rows } = await sql<Quantity>`
        select distinct name, unit from reading_layout, unnest(names, units) as each(name, unit)
        where id in (select layout from reading where node = ${node} and at >= ${since}) order by name`.execute(db);
      return rows;
    },

    async series({ node, quantity, from, to, points }) {
      const unit = await unitOf(db, node, quantity);
      if (unit === undefined) return undefined;
      const wanted = Math.ceil((to.getTime() - from.getTime()) / points);
      const condensed = await condensedUpTo(db, { node, from, stepMs: wanted });
      // Finer than the looks themselves, every other point would be a gap that was none.
      const finest = condensed > from ? rollupMs : 1.5 * (await betweenLooks(db, { node, from, to }));
      const stepMs = Math.ceil(Math.max(1000, wanted, finest));
      const { rows } = await sql<SeriesPoint & { slot: Date }>`
        select date_bin(make_interval(secs => ${stepMs / 1000}), at, ${from}) as slot,
          min(low) as low, avg(mean)::real as mean, max(high) as high
        from (
          select r.at, numbers[n] as low, numbers[n] as mean, numbers[n] as high
            from reading r join reading_layout l on l.id = r.layout, array_position(l.names, ${quantity}) as n
            where node = ${node} and r.at >= greatest(${from}, ${condensed}::timestamptz) and r.at < ${to}
          union all
          select r.at, low[n], mean[n], high[n]
            from reading_rollup r join reading_layout l on l.id = r.layout, array_position(l.names, ${quantity}) as n
            where node = ${node} and r.at >= ${from} and r.at < least(${to}, ${condensed}::timestamptz)
        ) as each where mean is not null group by slot order by slot`.execute(db);
      return {
        quantity: { name: quantity, unit },
        stepMs,
        points: withoutHoles(rows, { from, to, stepMs }),
        gaps: await gapsOf(db, { node, from, to }),
      };
    },

    async condense(now, { samplesMs, rollupsMs }) {
      await condenseUpTo(db, new Date(Math.floor((now.getTime() - settleMs) / rollupMs) * rollupMs));
      await forget(db, now, { samplesMs, rollupsMs });
      for (const day of days.keys()) if (Date.parse(day) + dayMs <= now.getTime() - samplesMs) days.delete(day);
    },
  };
}

type Row = { node: string; at: Date; layout: number | null; numbers: (number | null)[] | null; missing: string | null };

async function rowOf(sample: HistorySample, layoutOf: (quantities: Quantity[]) => Promise<number>): Promise<Row> {
  const { node, at } = sample;
  if ('missing' in sample) return { node, at, layout: null, numbers: null, missing: sample.missing };
  return { node, at, layout: await layoutOf(sample.quantities), numbers: sample.values, missing: null };
}

/**
 * What comes later than that, because the database was away, is condensed again: the mark goes back to it. Under its lock,
 * so that no condensing goes past rows that it cannot see yet.
 */
async function insertRows(tx: Kysely<Tables>, rows: Row[]): Promise<void> {
  await sql`select from reading_rolled for update`.execute(tx);
  for (let from = 0; from < rows.length; from += rowsAtOnce)
    await tx
      .insertInto('reading')
      .values(rows.slice(from, from + rowsAtOnce))
      .onConflict(conflict => conflict.doNothing())
      .execute();
  const oldest = new Date(Math.min(...rows.map(({ at }) => at.getTime())));
  await sql`update reading_rolled set upto = date_bin('10 minutes', ${oldest}, 'epoch') where upto > ${oldest}`.execute(
    tx,
  );
}

/** What `make` gives, once for all who ask; a failure is forgotten. */
function remembered<T>(held: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const made = make();
  held.set(key, made);
  made.catch(() => held.delete(key));
  return made;
}

function partition(day: string): string {
  return `reading_${day.replaceAll('-', '_')}`;
}

async function unitOf(db: Kysely<Tables>, node: string, quantity: string): Promise<string | undefined> {
  const { rows } = await sql<{ unit: string }>`
    select units[array_position(names, ${quantity})] as unit from reading_layout l
    where ${quantity} = any(names) and (exists (select from reading r where r.node = ${node} and r.layout = l.id)
      or exists (select from reading_rollup r where r.node = ${node} and r.layout = l.id)) limit 1`.execute(db);
  return rows[0]?.unit;
}

/** Until when ten-minute rows answer, because the points are that wide or the single looks are gone. */
async function condensedUpTo(
  db: Kysely<Tables>,
  { node, from, stepMs }: { node: string; from: Date; stepMs: number },
): Promise<Date> {
  const { rows } = await sql<{ upto: Date | null; oldest: Date | null }>`
    select (select upto from reading_rolled), (select min(at) from reading where node = ${node}) as oldest`.execute(db);
  const [{ upto, oldest } = { upto: null, oldest: null }] = rows;
  const wanted = stepMs >= rollupMs || oldest === null || oldest > from;
  return wanted && upto !== null ? upto : from;
}

/** Milliseconds from one look to the next, on average; zero where there were not two. */
async function betweenLooks(
  db: Kysely<Tables>,
  { node, from, to }: { node: string; from: Date; to: Date },
): Promise<number> {
  const { rows } = await sql<{ ms: number | null }>`
    select extract(epoch from max(at) - min(at))::float * 1000 / nullif(count(*) - 1, 0) as ms
    from reading where node = ${node} and at >= ${from} and at < ${to}`.execute(db);
  return rows[0]?.ms ?? 0;
}

function withoutHoles(
  rows: (SeriesPoint & { slot: Date })[],
  { from, to, stepMs }: { from: Date; to: Date; stepMs: number },
): SeriesPoint[] {
  const found = new Map(rows.map(({ slot, low, mean, high }) => [slot.getTime(), { low, mean, high }]));
  const points: SeriesPoint[] = [];
  for (let at = from.getTime(); at < to.getTime(); at += stepMs)
    points.push({ at: new Date(at).toISOString(), ...(found.get(at) ?? { low: null, mean: null, high: null }) });
  return points;
}

async function gapsOf(
  db: Kysely<Tables>,
  { node, from, to }: { node: string; from: Date; to: Date },
): Promise<Series['gaps']> {
  const { rows } = await sql<{ at: Date; missing: string }>`
    select at, missing from reading where node = ${node} and at >= ${from} and at < ${to} and missing is not null
    order by at desc limit ${toldGaps}`.execute(db);
  return rows.map(({ at, missing }) => ({ at: at.toISOString(), reason: missing }));
}

/** An hour at a time, each in a transaction of its own, so that what a stop leaves out is made up for. */
async function condenseUpTo(db: Kysely<Tables>, end: Date): Promise<void> {
  for (;;) {
    const done = await db.transaction().execute(async tx => {
      await sql`insert into reading_rolled (upto) select date_bin('10 minutes', min(at), 'epoch') from reading having min(at) is not null
        on conflict do nothing`.execute(tx);
      const { rows } = await sql<{ upto: Date }>`select upto from reading_rolled for update`.execute(tx);
      const from = rows[0]?.upto;
      if (from === undefined || from >= end) return true;
      const to = new Date(Math.min(end.getTime(), from.getTime() + 3_600_000));
      await sql`
        insert into reading_rollup (node, at, layout, low, mean, high)
        select node, slot, layout, array_agg(low order by i), array_agg(mean order by i), array_agg(high order by i)
        from (
          select node, layout, date_bin('10 minutes', at, 'epoch') as slot, i, min(number) as low, avg(number)::real as mean,
            max(number) as high
          from reading, unnest(numbers) with ordinality as each(number, i)
          where at >= ${from} and at < ${to} and layout is not null group by node, layout, slot, i
        ) as each group by node, layout, slot
        on conflict (node, at, layout) do update set low = excluded.low, mean = excluded.mean, high = excluded.high`.execute(
        tx,
      );
      await sql`update reading_rolled set upto = ${to}`.execute(tx);
      return to >= end;
    });
    if (done) return;
  }
}

async function forget(db: Kysely<Tables>, now: Date, { samplesMs, rollupsMs }: Retention): Promise<void> {
  const kept = partition(new Date(now.getTime() - samplesMs).toISOString().slice(0, 10));
  const { rows } = await sql<{ name: string }>`
    select inhrelid::regclass::text as name from pg_inherits where inhparent = 'reading'::regclass`.execute(db);
  for (const { name } of rows) if (name < kept) await sql`drop table ${sql.ref(name)}`.execute(db);
  await sql`delete from reading_rollup where at < ${new Date(now.getTime() - rollupsMs)}`.execute(db);
}
