/**
 * Which server is behind a BMC, remembered: finding it takes many requests, and what was found is the same for a while.
 */
import { FleetError } from '../../core/errors.ts';
import type { Connection, Seen } from './connection.ts';
import { discover, type Topology } from './topology.ts';

/** How long discovered links are believed. Writes and closing forget them at once. */
const topologyMs = 10 * 60_000;

export class Discovery {
  readonly #connection: Connection;
  readonly #declaredSystem: string | undefined;
  readonly #now: () => number;
  #topology: { found: Promise<Topology>; at: number } | undefined;
  /** What was found last, however long ago. */
  #last: Topology | undefined;

  constructor(fields: { connection: Connection; systemUri?: string; now: () => number }) {
    this.#connection = fields.connection;
    this.#declaredSystem = fields.systemUri;
    this.#now = fields.now;
  }

  /** What is read on the way is left in `seen`. */
  found(seen?: Seen): Promise<Topology> {
    const held = this.#topology;
    if (held !== undefined && this.#now() - held.at < topologyMs) return held.found;
    const found = this.#discover(seen);
    const fresh = { found, at: this.#now() };
    this.#topology = fresh;
    found.then(
      topology => {
        if (this.#topology === fresh) this.#last = topology;
      },
      () => {
        if (this.#topology === fresh) this.#topology = undefined;
      },
    );
    return found;
  }

  /** No write to a BMC while it is uncertain which of its systems is meant: throws precondition_failed. */
  async certain(): Promise<Topology> {
    const topology = await this.found();
    if (topology.uncertain === undefined) return topology;
    throw new FleetError({
      code: 'precondition_failed',
      message: `nothing is changed: ${topology.uncertain}`,
      hint: 'Declare the URI of the ComputerSystem for this node.',
    });
  }

  /**
   * For looks alone: on a slow BMC discovery takes as long as a look may, so what was found last will do while it is found anew.
   * That goes on after the look, and so shares nothing with it: what the look's deadline cuts off would be missing from the links.
   */
  async lately(seen: Seen): Promise<Topology> {
    if (this.#last === undefined) return this.found(seen);
    this.found().catch(() => undefined);
    return this.#last;
  }

  forget(): void {
    this.#topology = undefined;
    this.#last = undefined;
  }

  async #discover(seen: Seen | undefined): Promise<Topology> {
    const connection = seen === undefined ? this.#connection : this.#connection.noting(seen);
    const topology = await discover(connection, this.#declaredSystem);
    this.#connection.bear(topology.profile.inFlight);
    return topology;
  }
}
