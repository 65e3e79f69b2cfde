/**
 * A place in the queue: so many jobs at once, the most urgent first, and among
 * equals the one that waited longest. Every request to every BMC passes through
 * several lanes, so one costs next to nothing.
 */

/** Where a job waits for its turn. */
export type Turns = Pick<Lane, 'run'>;

export class Lane {
  #places: number;
  #taken = 0;
  /** By urgency, each in the order in which they begin. */
  readonly #waiting: (() => void)[][] = [];

  constructor(places: number) {
    this.#places = places;
  }

  /** Runs `job` once there is a place. A lower `urgency`, a small integer, goes first. */
  async run<T>(urgency: number, job: () => Promise<T>): Promise<T> {
    if (this.#taken < this.#places) this.#taken++;
    else await this.#turn(urgency);
    try {
      return await job();
    } finally {
      this.#taken--;
      this.#fill();
    }
  }

  /** What is under way beyond a smaller number ends undisturbed. */
  resize(places: number): void {
    this.#places = places;
    this.#fill();
  }

  #turn(urgency: number): Promise<void> {
    return new Promise(begin => {
      const equals = this.#waiting[urgency] ?? [];
      this.#waiting[urgency] = equals;
      equals.push(begin);
    });
  }

  #fill(): void {
    while (this.#taken < this.#places) {
      const begin = this.#waiting.find(equals => equals !== undefined && equals.length > 0)?.shift();
      if (begin === undefined) return;
      this.#taken++;
      begin();
    }
  }
}
