/** The pool of connections, which tells a database that is away from a query that is wrong. */
import pg from 'pg';
import { DatabaseAway, FleetError } from '../../core/errors.ts';

/** As a pool of pg; what fails because the database is away throws `database`, to be tried again later. */
export function openPool(options: pg.PoolConfig): pg.Pool {
  const pool = new TellingPool({ ...options, Client: TellingClient });
  pool.on('error', () => {}); // an idle connection that broke is replaced; a query on it reports by itself
  pool.on('connect', client => client.on('error', () => {})); // as does one that breaks between the queries of a transaction
  return pool;
}

class TellingPool extends pg.Pool {
  // biome-ignore lint/suspicious/noExplicitAny: with a callback it answers nothing
  override connect(...given: any[]): any {
    const answer: unknown = (super.connect as (...args: unknown[]) => unknown)(...given);
    return answer instanceof Promise ? answer.catch(told) : answer;
  }
}

class TellingClient extends pg.Client {
  // biome-ignore lint/suspicious/noExplicitAny: pg's own has a dozen forms
  override query(...given: any[]): any {
    const answer: unknown = (super.query as (...args: unknown[]) => unknown)(...given);
    return answer instanceof Promise ? answer.catch(told) : answer;
  }
}

/** Classes of SQLSTATE for a server that goes, comes, or has no connection left; 25P03 is a transaction that it gave up. */
const away = /^(?:08|53|57P|25P03)/;

function told(thrown: unknown): never {
  const isAway = thrown instanceof pg.DatabaseError ? away.test(thrown.code ?? '') : !(thrown instanceof TypeError);
  if (!isAway || thrown instanceof FleetError) throw thrown;
  throw new DatabaseAway(thrown);
}
