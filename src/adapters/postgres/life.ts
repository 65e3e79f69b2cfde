/**
 * One process among those that share a database: its life, under an id that
 * never comes again, and the advisory lock that says that it lives, held by a
 * connection of its own. The server ends that connection when it hears nothing
 * for a while, so that a host that vanished, or a process that hangs, gives
 * its lock up like one that was killed.
 *
 * A lost lock alone ends nothing: the database may have restarted. What ends a
 * life is another process that had the lock meanwhile and wrote so into the
 * row of this one. From then on whatever this process commits is refused.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import pg from 'pg';
import { FleetError } from '../../core/errors.ts';
import { ownBootId } from './host-store.ts';
import type { Tables } from './schema.ts';

/** Without a word for so long a process counts as gone. It says one each second, so a long pause of its own is no death. */
export const silenceMs = 10_000;
const answerWithinMs = 5_000;
const retryMs = 100;
const lockMs = 1_000;
/** A life that ended may still hold work that it took with its last breath. */
const rememberedDays = 7;
const mostRemembered = 1_000;

export const lifeSchema = [
  `create table executor (id text primary key, host text not null, began_at timestamptz not null default now(), ended_at timestamptz)`,
  // What versions before this one left is of the one executor that there was.
  `alter table bmc_session add column executor text not null default 'service'`,
];

export class Life {
  /** Unique to this life of this process. */
  readonly executor = `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`;
  readonly #url: string;
  readonly #db: Kysely<Tables>;
  readonly #silence: number;
  #line: Promise<pg.Client> | undefined;
  /** The last question on the line. Who beats and who takes over asks on the same one, which takes one at a time. */
  #asked: Promise<unknown> = Promise.resolve();
  /** The connection that holds the service's lock, if one does. */
  #serving: pg.Client | undefined;

  /** Over a database that is migrated already. `silence` is in milliseconds. */
  static async begin(url: string, db: Kysely<Tables>, silence = silenceMs): Promise<Life> {
    const life = new Life(url, db, silence);
    // The lock comes first: nobody may find the row without it.
    await life.#connected({ fresh: true });
    await db.insertInto('executor').values({ id: life.executor, host: hostname(), boot_id: ownBootId() }).execute();
    return life;
  }

  private constructor(url: string, db: Kysely<Tables>, silence: number) {
    this.#url = url;
    this.#db = db;
    this.#silence = silence;
  }

  /** Throws `conflict` for good once another process took over from this one; `database` while that cannot be known. */
  async prove(): Promise<void> {
    await this.proveIn(this.#db).catch(thrown => {
      throw thrown instanceof FleetError ? thrown : away(thrown);
    });
  }

  /** As {@link prove}; inside a transaction it holds until that ends. */
  async proveIn(db: Kysely<Tables>): Promise<void> {
    const { rows } = await sql`
      select from executor where id = ${this.executor} and ended_at is null for share`.execute(db);
    if (rows.length === 0) throw replaced();
  }

  /** To be called each second: says that it lives, and takes the lock again where that was lost. Throws as {@link prove}. */
  async beat(): Promise<void> {
    try {
      await this.#ask(await this.#connected(), 'select 1');
    } catch (thrown) {
      this.#drop();
      throw thrown instanceof FleetError ? thrown : away(thrown);
    }
  }

  /** Ends the lives of those whose lock nobody holds; answers all that ended and are not forgotten. Only who beats may ask. */
  async endDead(): Promise<string[]> {
    const line = await this.#connected();
    const { rows: dead } = await this.#ask<{ id: string }>(
      line,
      `select id from (select id, pg_try_advisory_lock(hashtext('groundskeeper-executor'), hashtext(id)) as free
         from executor where ended_at is null and id <> $1 offset 0) as others where free`,
      [this.executor],
    );
    for (const { id } of dead) {
      // A transaction that it left open holds its row for a while: then the next time.
      await this.#ask(line, 'update executor set ended_at = now() where id = $1', [id]).catch(unlessLocked);
      await this.#ask(line, `select pg_advisory_unlock(hashtext('groundskeeper-executor'), hashtext($1))`, [id]);
    }
    const { rows: ended } = await this.#ask<{ id: string }>(
      line,
      `select id from executor where ended_at is not null order by ended_at desc limit ${mostRemembered}`,
    );
    return ended.map(({ id }) => id);
  }

  /** Whether this process is the one that serves, which it becomes where no other is. */
  async holdsService(): Promise<boolean> {
    const line = await this.#connected();
    if (this.#serving === line) return true;
    const { rows } = await this.#ask<{ taken: boolean }>(
      line,
      "select pg_try_advisory_lock(hashtext('groundskeeper-service')) as taken",
    );
    if (rows[0]?.taken) this.#serving = line;
    return this.#serving === line;
  }

  /** Of these lives others have all that was left: those that ended long ago are never asked for again. */
  async forget(executors: string[]): Promise<void> {
    await this.#ask(
      await this.#connected(),
      `delete from executor where ended_at < now() - interval '${rememberedDays} days' and id = any($1)`,
      [executors],
    );
  }

  /** The sessions that those lives opened are this one's to close. Answers whether there were any. */
  async inherit(from: string[]): Promise<boolean> {
    if (from.length === 0) return false;
    const moved = await this.#db
      .updateTable('bmc_session')
      .set({ executor: this.executor })
      .where('executor', 'in', from)
      .executeTakeFirst();
    return moved.numUpdatedRows > 0n;
  }

  /** What it left undone is anybody's from now on. */
  async end(): Promise<void> {
    await this.#db
      .updateTable('executor')
      .set({ ended_at: new Date() })
      .where('id', '=', this.executor)
      .execute()
      .catch(() => undefined); // the lock goes in any case
    const line = await this.#line?.catch(() => undefined);
    this.#line = undefined;
    await line?.end();
  }

  #connected({ fresh } = { fresh: false }): Promise<pg.Client> {
    this.#line ??= this.#connect(fresh);
    return this.#line;
  }

  #ask<R extends pg.QueryResultRow>(line: pg.Client, sql: string, values?: unknown[]): Promise<pg.QueryResult<R>> {
    const asked = this.#asked.then(() => line.query<R>(sql, values));
    this.#asked = asked.catch(thrown => {
      if (!(thrown instanceof pg.DatabaseError)) this.#drop(); // no answer to this, so none to the next either
    });
    return asked;
  }

  #drop(): void {
    const line = this.#line;
    this.#line = undefined;
    line?.then(client => client.end()).catch(() => undefined);
  }

  async #connect(fresh: boolean): Promise<pg.Client> {
    const line = new pg.Client({
      connectionString: this.#url,
      keepAlive: true,
      keepAliveInitialDelayMillis: this.#silence / 2,
      connectionTimeoutMillis: answerWithinMs,
      query_timeout: answerWithinMs,
    });
    line.on('error', () => {}); // the next beat finds out
    try {
      await line.connect();
      await line.query(`set idle_session_timeout = ${this.#silence}; set lock_timeout = ${lockMs}`);
      await this.#lock(line);
      if (!fresh) await this.prove();
      return line;
    } catch (thrown) {
      line.end().catch(() => undefined);
      throw thrown;
    }
  }

  /** The old connection's lock may live for a moment longer; whoever takes over has it for a moment too, and says so in the row. */
  async #lock(line: pg.Client): Promise<void> {
    const until = Date.now() + answerWithinMs;
    for (;;) {
      const { rows } = await line.query<{ taken: boolean }>(
        `select pg_try_advisory_lock(hashtext('groundskeeper-executor'), hashtext($1)) as taken`,
        [this.executor],
      );
      if (rows[0]?.taken) return;
      if (Date.now() > until) throw away(undefined);
      await delay(retryMs);
    }
  }
}

function unlessLocked(thrown: unknown): void {
  const lockNotAvailable = '55P03';
  if (!(thrown instanceof pg.DatabaseError) || thrown.code !== lockNotAvailable) throw thrown;
}

function replaced(): FleetError {
  return new FleetError({
    code: 'conflict',
    message: 'another process has taken over from this one',
    hint: 'start it again; it was silent for too long, or lost its way to the database',
  });
}

function away(cause: unknown): FleetError {
  return new FleetError({
    code: 'database',
    retry: 'later',
    message: 'the database does not say whether this process may still act',
    cause,
  });
}
