/**
 * The lock that makes this the only service on its database, held by a
 * connection of its own. A connection can break while the process lives on,
 * and another service may begin then: so the lock is asked for again before
 * anything is committed, and nothing is while another one has it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { FleetError } from '../../core/errors.ts';

const attempts = 20;
const pauseMs = 250;

export class ServiceLock {
  readonly #url: string;
  #held: Promise<pg.Client> | undefined;
  /** What `#held` resolved to; a broken connection reports twice, and the second time another may hold. */
  #client: pg.Client | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  /** Returns while the lock is held, taking it when it is not. Throws `conflict` when another service has it. */
  async hold(): Promise<void> {
    // The server's word, not the absence of bad news: that a connection broke may not have been heard yet.
    if (this.#held && (await this.#alive(this.#held))) return;
    this.#held ??= this.#take();
    const mine = this.#held;
    await mine.catch(error => {
      if (this.#held === mine) this.#held = undefined;
      throw error;
    });
  }

  async #alive(held: Promise<pg.Client>): Promise<boolean> {
    try {
      await (await held).query('select 1');
      return true;
    } catch {
      if (this.#held === held) this.#held = undefined;
      return false;
    }
  }

  async release(): Promise<void> {
    const held = await this.#held?.catch(() => undefined);
    this.#held = undefined;
    await held?.end();
  }

  async #take(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.#url, keepAlive: true });
    const forget = () => {
      if (this.#client === client) this.#held = undefined;
    };
    client.on('error', () => {});
    await client.connect();
    // A killed service's connection may live for a moment longer than the service.
    for (let attempt = 0; attempt < attempts; attempt++) {
      const { rows } = await client.query("select pg_try_advisory_lock(hashtext('groundskeeper-service')) as taken");
      if (rows[0].taken) {
        this.#client = client;
        client.once('error', forget).once('end', forget);
        return client;
      }
      await delay(pauseMs);
    }
    await client.end();
    throw new FleetError({
      code: 'conflict',
      message: 'another Groundskeeper service runs on this database',
      hint: 'stop it first, or give this one a database of its own',
    });
  }
}
