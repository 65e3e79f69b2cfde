/** A time limit that can be started again while something goes on, tied to an outer signal. */
export class Deadline {
  readonly #aborter = new AbortController();
  readonly #outer: AbortSignal;
  #timer: NodeJS.Timeout;
  readonly #cut = () => this.#aborter.abort(this.#outer.reason);

  constructor(ms: number, outer: AbortSignal) {
    this.#outer = outer;
    this.#timer = this.#timerOf(ms);
    if (outer.aborted) this.#cut();
    else outer.addEventListener('abort', this.#cut, { once: true });
  }

  /** Aborts with a TimeoutError, or with the outer signal's reason. */
  get signal(): AbortSignal {
    return this.#aborter.signal;
  }

  /** Starts again, with another limit where one is given. */
  restart(ms?: number): void {
    if (ms === undefined) {
      this.#timer.refresh();
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = this.#timerOf(ms);
  }

  /** To be called in any case: until then the timer and the outer signal hold it. Cuts what still goes on. */
  end(): void {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener('abort', this.#cut);
    this.#aborter.abort();
  }

  #timerOf(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#aborter.abort(new DOMException('took too long', 'TimeoutError')), ms);
  }
}
