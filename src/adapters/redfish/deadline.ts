/**
 * The time that one look at a BMC may take as a whole. Every resource has a
 * limit of its own, and on a slow BMC those add up to a quarter of an hour.
 * What is under way at the deadline is answered to nobody; what still waits is
 * not sent any more.
 */
import { FleetError } from '../../core/errors.ts';

export class Deadline {
  readonly #over = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(ms: number) {
    const late = new FleetError({
      code: 'timeout',
      retry: 'later',
      message: `not read within the ${Math.ceil(ms / 1000)} s that a look may take`,
      hint: 'The BMC is slow; what it answers in time is shown.',
    });
    this.#timer = setTimeout(() => this.#over.abort(late), ms);
  }

  /** Its reason is a FleetError. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** What the work gives, or timeout as soon as the time is over. The work itself goes on. */
  within<T>(work: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const late = () => reject(this.signal.reason);
    if (this.signal.aborted) late();
    this.signal.addEventListener('abort', late, { once: true });
    const forget = () => this.signal.removeEventListener('abort', late);
    work.then(resolve, reject).finally(forget);
    return promise;
  }

  /** To be called once the look is over. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
