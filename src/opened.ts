/** What was opened, closed in the opposite order, also when opening fails halfway. */
import type { Logger } from 'pino';
import { FleetError } from './core/errors.ts';

export class Opened {
  readonly #closers: (() => Promise<unknown>)[] = [];

  add<T>(thing: T, close: (thing: T) => Promise<unknown>): T {
    this.#closers.push(() => close(thing));
    return thing;
  }

  async close(log: Logger): Promise<void> {
    for (const close of this.#closers.splice(0).reverse())
      await close().catch((error: unknown) => log.warn({ error: FleetError.from(error) }, 'closing failed'));
  }
}
