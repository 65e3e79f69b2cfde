/**
 * The one way to a BMC for everything that talks to it: few requests in
 * flight, fewer when it gets slow, the urgent ones first, writes one after
 * another, failures named in our own words, our credential in no answer.
 */
import { FleetError } from '../../core/errors.ts';
import { showPath } from './answer.ts';
import type { Discretion } from './discretion.ts';
import { Lane, type Turns } from './lane.ts';
import { Pace } from './pace.ts';
import { ConnectFailure, type Trust } from './pinned-connector.ts';
import { AnswerLost, type Timeouts, Transport, type WireAnswer, type WireRequest } from './transport.ts';

/** A lane serves the lowest number first. */
const priority = { power: 0, write: 2, read: 4, event: 6, poll: 8 } as const;
export type Urgency = keyof typeof priority;
const longPollMs = 2_000;

/** Aborted before its turn comes, it is not sent, and throws the signal's reason. */
export type Sent = WireRequest & { urgency?: Urgency | undefined; signal?: AbortSignal | undefined };

export class Wire {
  /** `https://host[:port]`, without a path. */
  readonly url: string;
  readonly timeouts: Timeouts;
  readonly #transport: Transport;
  readonly #fleet: Turns;
  readonly #discreet: Discretion;
  readonly #mayWrite: (() => Promise<void>) | undefined;
  readonly #pace = new Pace();
  readonly #lane = new Lane(this.#pace.inFlight);
  #allowed = this.#pace.inFlight;
  readonly #writeLane = new Lane(1);
  readonly #polls = new Lane(1);
  #longPolls = 0;

  /** `fleet` is the lane that all BMCs share, and `isRoom` tells whether they leave one for a connection that is kept. */
  constructor(fields: {
    url: string;
    trust: Trust;
    timeouts: Timeouts;
    discreet: Discretion;
    fleet: Turns;
    isRoom: () => boolean;
    mayWrite?: (() => Promise<void>) | undefined;
  }) {
    this.url = fields.url;
    this.timeouts = fields.timeouts;
    this.#fleet = fields.fleet;
    this.#discreet = fields.discreet;
    this.#mayWrite = fields.mayWrite;
    this.#transport = new Transport({
      origin: fields.url,
      trust: fields.trust,
      timeouts: fields.timeouts,
      isRoom: fields.isRoom,
    });
  }

  /**
   * Sends one request once. Throws certificate_changed or bmc_unreachable when nothing was sent, and for
   * what may have been sent: timeout, bmc_unreachable or bmc_protocol on a read, ambiguous on a fresh POST or PATCH.
   */
  async send(request: Sent): Promise<WireAnswer> {
    const isWrite = request.method !== 'GET';
    const urgency = request.urgency ?? (isWrite ? 'write' : 'read');
    const order = priority[urgency];
    const isPoll = urgency === 'poll';
    const exchange = () => (isPoll ? this.#unblocked(this.#timed(request)) : this.#timed(request));
    const job = () => this.#lane.run(order, () => this.#fleet.run(order, exchange));
    try {
      return await (isWrite ? this.#writeLane.run(order, job) : job());
    } catch (error) {
      throw this.#named(error, request);
    }
  }

  /**
   * The turn of one who polls. Samples are in no hurry: one read at a time, so that one connection does for a BMC; only behind
   * an answer that takes long do others go on, and one place is always left for what is more urgent. A look has dozens of reads
   * and a fleet thousands of looks, so they wait here, where a read holds next to nothing, and not on their way out.
   */
  get polls(): Turns {
    return this.#polls;
  }

  /** Method and address for messages. */
  where(method: string, path: string): string {
    return `${method} ${this.url}${showPath(path)}`;
  }

  /** No more than this many requests in flight from now on, for a BMC that is known to bear no more. */
  limit(inFlight: number): void {
    this.#pace.limit(inFlight);
    this.#keepPace();
  }

  /** Until when the certificate is valid that was presented last. */
  get certificateExpires(): Date | undefined {
    return this.#transport.certificateExpires;
  }

  async end(): Promise<void> {
    await this.#transport.end();
  }

  async #timed(request: Sent): Promise<WireAnswer> {
    request.signal?.throwIfAborted();
    // Here, because a write may have waited for its turn longer than its process was believed to live.
    if (request.method !== 'GET') await this.#mayWrite?.();
    const sent = performance.now();
    const answered = (status: number | undefined) => {
      this.#pace.answered({ sent, at: performance.now(), status, slow: request.slow === true });
      this.#keepPace();
    };
    try {
      const answer = await this.#transport.send(request);
      answered(answer.status);
      return this.#discreet(answer, request.headers?.['x-auth-token']);
    } catch (error) {
      if (error instanceof AnswerLost) answered(undefined);
      throw error;
    }
  }

  /** Lets another sample read begin when this one takes long. */
  async #unblocked(poll: Promise<WireAnswer>): Promise<WireAnswer> {
    let long = 0;
    const timer = setTimeout(() => {
      long = 1;
      this.#longPolls++;
      this.#fitPolls();
    }, longPollMs);
    try {
      return await poll;
    } finally {
      clearTimeout(timer);
      this.#longPolls -= long;
      this.#fitPolls();
    }
  }

  #fitPolls(): void {
    this.#polls.resize(Math.min(1 + this.#longPolls, Math.max(1, this.#allowed - 1)));
  }

  #keepPace(): void {
    if (this.#pace.inFlight === this.#allowed) return;
    this.#allowed = this.#pace.inFlight;
    this.#lane.resize(this.#allowed);
    this.#fitPolls();
  }

  #named(error: unknown, request: WireRequest): unknown {
    if (error instanceof ConnectFailure) return this.#connectError(error);
    if (!(error instanceof AnswerLost)) return error;
    const where = this.where(request.method, request.path);
    if (request.fresh === true && (request.method === 'POST' || request.method === 'PATCH')) {
      return new FleetError({
        code: 'ambiguous',
        retry: 'ask',
        message: `${where} was sent, but its answer was lost: the BMC may or may not have acted`,
        hint: 'Do not send it again; read tasks, inventory and power state to learn what happened.',
        cause: error,
      });
    }
    switch (error.kind) {
      case 'timeout': {
        const limit = request.slow === true ? this.timeouts.slowMs : this.timeouts.answerMs;
        return new FleetError({
          code: 'timeout',
          retry: 'later',
          message: `${where} was not answered within ${Math.ceil(limit / 1000)} s`,
          cause: error,
        });
      }
      case 'too-large':
        return new FleetError({
          code: 'bmc_protocol',
          message: `${where} answered with more than 8 MiB`,
          cause: error,
        });
      case 'broken':
        return new FleetError({
          code: 'bmc_unreachable',
          retry: 'later',
          message: `${where}: the connection broke before an answer came`,
          hint: 'The BMC may be restarting; try again in a minute.',
          cause: error,
        });
    }
  }

  #connectError(failure: ConnectFailure): FleetError {
    if (failure.kind === 'certificate') {
      const which =
        failure.presented === undefined
          ? 'carries a certificate that no configured CA vouches for'
          : `presents another key than the pinned one (SPKI SHA-256 ${failure.presented})`;
      return new FleetError({
        code: 'certificate_changed',
        retry: 'ask',
        message: `${this.url} ${which}; no credential was sent`,
        hint: 'Compare the key at the machine itself; if the change is wanted, put the new SPKI into the configuration.',
        cause: failure,
      });
    }
    return new FleetError({
      code: 'bmc_unreachable',
      retry: 'later',
      message:
        failure.kind === 'timeout'
          ? `${this.url} did not accept a connection within ${Math.ceil(this.timeouts.connectMs / 1000)} s; nothing was sent`
          : `${this.url} does not accept connections; nothing was sent`,
      hint: 'Check the address, the management network, and whether the BMC is restarting.',
      cause: failure,
    });
  }
}
