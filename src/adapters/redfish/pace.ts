/**
 * How many requests a BMC bears at once. It is halved when the BMC says that
 * it is busy (503, 429), loses an answer, or answers much slower than it used
 * to, and grows back one by one while all is well.
 */

const most = 4;
/** Good answers in a row before one more request is allowed. */
const trust = 20;
/** Recent answers this much slower than usual count as busy, once they take longer than any idle BMC. */
const slowdown = 4;
/** How much the newest answer counts among the recent ones, and among the usual. */
const recentShare = 0.25;
const usualShare = 0.02;
const noticedMs = 500;

export type Answered = {
  /** Milliseconds on one clock. */
  sent: number;
  at: number;
  /** Undefined when no answer came. */
  status: number | undefined;
  /** Asked of a resource that is slow by nature: tells nothing of the load. */
  slow: boolean;
};

export class Pace {
  #most = most;
  #inFlight = most;
  #good = 0;
  #lastCut = Number.NEGATIVE_INFINITY;
  /** Logarithms: answers of an idle BMC differ tenfold, and one that took long must not pass for a load. */
  #usual: number | undefined;
  #recent: number | undefined;

  get inFlight(): number {
    return this.#inFlight;
  }

  limit(inFlight: number): void {
    this.#most = inFlight;
    this.#inFlight = Math.min(this.#inFlight, inFlight);
  }

  answered({ sent, at, status, slow }: Answered): void {
    // What was sent before the last cut tells of the load before it.
    if (sent < this.#lastCut) return;
    const busy = status === undefined || status === 503 || status === 429;
    if (busy || (!slow && this.#slower(at - sent))) {
      this.#inFlight = Math.max(1, Math.floor(this.#inFlight / 2));
      this.#lastCut = at;
      this.#good = 0;
      return;
    }
    this.#good++;
    if (this.#good < trust || this.#inFlight >= this.#most) return;
    this.#good = 0;
    this.#inFlight++;
  }

  #slower(tookMs: number): boolean {
    const newest = Math.log(Math.max(1, tookMs));
    this.#usual = average(this.#usual, newest, usualShare);
    this.#recent = average(this.#recent, newest, recentShare);
    return this.#recent > Math.log(noticedMs) && this.#recent > this.#usual + Math.log(slowdown);
  }
}

/** Moves towards the newest value by this share of the way. */
function average(before: number | undefined, newest: number, share: number): number {
  return before === undefined ? newest : before + share * (newest - before);
}
