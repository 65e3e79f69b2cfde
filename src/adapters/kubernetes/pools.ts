/**
 * The connections to one API server: one set for requests, bounded, and one
 * for watches, so that neither waits for the other. Made anew only when a
 * rotated certificate or key asks for it.
 */
import type { RequestOptions } from 'node:https';
import { createSecureContext } from 'node:tls';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';

export type PoolName = 'requests' | 'watches';
export type Tls = Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'passphrase' | 'rejectUnauthorized' | 'servername'>;

const connectTimeoutMs = 10_000;
/** HTTP/1.1 with one request on a connection at a time: a slow answer delays no other, and a cut hits one request. */
const perConnection = { pipelining: 1, allowH2: false };
const limits = {
  // Fewer would take less memory, and a few requests that hang would keep all others from being sent.
  requests: { ...perConnection, connections: 8 },
  // Silence on a watch is judged by who reads it.
  watches: { ...perConnection, connections: 8, bodyTimeout: 0 },
};

export class Pools {
  readonly #proxy: string | undefined;
  #open: Record<PoolName, Dispatcher> | undefined;
  #key = '';

  constructor(proxy: string | undefined) {
    this.#proxy = proxy;
  }

  /** The pool for these TLS options; an outdated one ends once its requests and watches have. */
  of(name: PoolName, { ca, cert, key, passphrase, rejectUnauthorized, servername }: Tls): Dispatcher {
    const poolKey = JSON.stringify({ ca, cert, key, passphrase, rejectUnauthorized, servername });
    if (this.#open === undefined || this.#key !== poolKey) {
      const outdated = Object.values(this.#open ?? {});
      // One for all connections: it is the larger part of what each would take.
      const secureContext = createSecureContext({ ca, cert, key, passphrase });
      const tls = {
        secureContext,
        ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
        ...(servername !== undefined && { servername }),
      };
      this.#open = { requests: this.#pool('requests', tls), watches: this.#pool('watches', tls) };
      this.#key = poolKey;
      for (const pool of outdated) pool.close().catch(() => undefined);
    }
    return this.#open[name];
  }

  /** Requests and watches under way are cut. */
  async close(): Promise<void> {
    const pools = Object.values(this.#open ?? {});
    this.#open = undefined;
    await Promise.all(pools.map(pool => pool.destroy()));
  }

  #pool(name: PoolName, tls: object): Dispatcher {
    const connect = { ...tls, timeout: connectTimeoutMs };
    return this.#proxy === undefined
      ? new Agent({ ...limits[name], connect })
      : new ProxyAgent({ ...limits[name], uri: this.#proxy, requestTls: connect });
  }
}
