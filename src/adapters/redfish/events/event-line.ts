/**
 * Hears the events of one BMC: by a stream where it offers one and bears it,
 * else by a push where we have an address that it reaches. What is in the way
 * is tried again at longer and longer intervals: polling goes on all the while,
 * so there is nothing that must be heard.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Hearing, Hint, SubscriptionLedger } from '../../../core/bmc-events.ts';
import { FleetError } from '../../../core/errors.ts';
import type { Connection } from '../connection.ts';
import { pathOnBmc } from '../links.ts';
import { ConnectFailure } from '../pinned-connector.ts';
import type { Session } from '../session.ts';
import { AnswerLost } from '../transport.ts';
import type { Wire } from '../wire.ts';
import type { EventOffer } from './event-offer.ts';
import { type OpenedStream, openStream, type StreamDoor, type StreamEnd } from './event-stream.ts';
import { Subscription } from './subscription.ts';

/** Milliseconds. */
export type LineTimings = {
  /** Before the next attempt after one that failed; doubled each time, with jitter, up to the longest. */
  firstPauseMs: number;
  longestPauseMs: number;
  /** A stream that lasted so long was a good one. */
  goodStreamMs: number;
  silentMs: number;
  /** Between two looks at whether a subscription still stands. */
  checkMs: number;
  /** Until what a BMC does not offer is asked for again: one that has just started shows a part of its tree. */
  againMs: number;
  /** Until a stream is tried again after several that were no use. */
  withoutStreamMs: number;
};

export const lineTimings: LineTimings = {
  firstPauseMs: 2_000,
  longestPauseMs: 300_000,
  goodStreamMs: 20_000,
  silentMs: 900_000,
  checkMs: 60_000,
  againMs: 600_000,
  withoutStreamMs: 3_600_000,
};

/** Milliseconds for a BMC that does not answer while we leave. */
const longestStopMs = 10_000;
/** Streams in a row that came to nothing before we do without. */
const mostBadStreams = 5;

export type LineFields = {
  door: StreamDoor;
  wire: Wire;
  session: Session;
  connection: Connection;
  /** Behind this BMC, by node; one at least once the line is started. */
  servers: Map<string, { eventOffer(): Promise<EventOffer> }>;
};

export type LineOptions = {
  hint: Hint;
  /** Whether one more stream may be held, of all BMCs together; `off` for none at all. */
  streams: 'off' | { take(): boolean; give(): void };
  /** Where this BMC may push to. */
  mailbox(heard: () => void): string | undefined;
  ledger: SubscriptionLedger;
  /** Destinations that an earlier life wrote down for this BMC. Rejects with the ledger. */
  recorded(): Promise<string[]>;
  timings: LineTimings;
  /** The first attempts are spread over this time. */
  spreadMs: number;
};

type Offered = Exclude<EventOffer, { none: string }>;

export class EventLine {
  readonly #fields: LineFields;
  readonly #stopping = new AbortController();
  #state: Pick<Hearing, 'way' | 'why'> = { way: 'polling', why: 'nobody listens for events' };
  #received = 0;
  #dropped = 0;
  #hint: Hint = () => false;
  #running: Promise<void> | undefined;
  #streamAgainAt = 0;
  #badStreams = 0;
  #lastEventId: string | undefined;

  constructor(fields: LineFields) {
    this.#fields = fields;
  }

  get hearing(): Hearing {
    return { ...this.#state, received: this.#received, dropped: this.#dropped };
  }

  start(options: LineOptions): void {
    this.#hint = options.hint;
    this.#running ??= this.#run(options);
  }

  /** Ends the stream and takes the subscription back; one that cannot be stays recorded for the next life. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.race([this.#running, delay(longestStopMs, undefined, { ref: false })]);
  }

  async #run(options: LineOptions): Promise<void> {
    const { timings, spreadMs } = options;
    const subscription = new Subscription({ ...this.#fields, ledger: options.ledger, recorded: options.recorded });
    const destination = options.mailbox(() => this.#heard());
    const ear: Ear = { ...options, destination, subscription, subscriptions: undefined };
    await this.#pause(Math.random() * spreadMs);
    for (let failures = 0; !this.#stopped; ) {
      try {
        const again = await this.#hear(ear);
        if (again === 'never') return;
        failures = 0;
        await this.#pause(again);
      } catch (thrown) {
        this.#tell('polling', FleetError.from(thrown).message);
        await this.#pause(backoff(++failures, timings));
      }
    }
    await ear.subscription.clear(ear.subscriptions).catch(() => undefined);
    this.#tell('polling', 'nobody listens for events');
  }

  /** Listens in the best way there is. Answers how many milliseconds later to see to it again; throws what is in the way for now. */
  async #hear(ear: Ear): Promise<number | 'never'> {
    const { streams, destination, subscription, timings } = ear;
    await subscription.inherit();
    if (streams === 'off' && destination === undefined && !subscription.untidy) {
      this.#tell('polling', 'events are switched off in the configuration');
      return 'never';
    }
    const offer = await this.#offer();
    if ('none' in offer) return this.#without(offer.none, ear);
    ear.subscriptions = offer.subscriptions;
    if (subscription.untidy) await subscription.clear(offer.subscriptions);
    const stream = this.#streamOf(offer, ear);
    if ('path' in stream) return this.#stream(stream.path, ear);
    const { subscriptions } = offer;
    if (destination === undefined || subscriptions === undefined) return this.#without(stream.none, ear);
    await subscription.assert({ ...offer, subscriptions }, destination);
    this.#tell('push', stream.none);
    return timings.checkMs;
  }

  async #offer(): Promise<EventOffer> {
    const [server] = this.#fields.servers.values();
    return server?.eventOffer() ?? { none: 'it serves no server of ours' };
  }

  #without(why: string, { timings }: Ear): number {
    this.#tell('polling', why);
    return timings.againMs;
  }

  /** Where there is to be a stream, its place is taken. */
  #streamOf({ stream, weak }: Offered, { streams }: Ear): { path: string } | { none: string } {
    if (streams === 'off') return { none: 'events are switched off in the configuration' };
    if (stream === undefined) return { none: 'it offers no stream of events' };
    if (weak) return { none: 'it bears one request at a time, and a stream would be one' };
    if (Date.now() < this.#streamAgainAt) return { none: 'its streams of events came to nothing lately' };
    const path = pathOnBmc(this.#fields.door.origin, stream);
    return streams.take() ? { path } : { none: 'there are as many streams of events already as may be' };
  }

  async #stream(path: string, ear: Ear): Promise<number> {
    const { streams, timings, subscription } = ear;
    try {
      await subscription.clear(ear.subscriptions);
      const began = Date.now();
      const end = await this.#follow(path, timings.silentMs);
      if (end === 'stopped') return 0;
      const lasted = Date.now() - began >= timings.goodStreamMs;
      this.#badStreams = lasted ? 0 : this.#badStreams + 1;
      if (end === 'refused' || this.#badStreams >= mostBadStreams) {
        this.#badStreams = 0;
        this.#streamAgainAt = Date.now() + timings.withoutStreamMs;
        return 0;
      }
      this.#tell('polling', ends[end]);
      return backoff(Math.max(1, this.#badStreams), timings);
    } finally {
      if (streams !== 'off') streams.give();
    }
  }

  /** Opens the stream with our session, and follows it to its end. Throws bmc_unreachable where it cannot be opened for now. */
  async #follow(path: string, silentMs: number): Promise<StreamEnd | 'refused'> {
    const { door, session } = this.#fields;
    const { signal } = this.#stopping;
    const heard = () => this.#heard();
    let opened: OpenedStream | undefined;
    const send = async (headers: Record<string, string>) => {
      // With Basic each request is a log-in, and a reconnect would be one more.
      if (headers.authorization !== undefined) throw busy('gave us no session for a stream');
      const last: Record<string, string> =
        this.#lastEventId === undefined ? {} : { 'last-event-id': this.#lastEventId };
      opened = await openStream(door, { path, headers: { ...headers, ...last }, silentMs, heard, signal });
      return opened.answer;
    };
    try {
      // A 401 is left to the reads that come before the next attempt: they tell whether the session is gone, so no stream logs in.
      const { status } = await session.once(send);
      const stream = opened?.stream;
      if (status === 429 || status >= 500) throw busy(`answered ${status} to the stream of events`);
      if (stream === undefined) return status === 401 ? 'broken' : 'refused';
      this.#tell('stream', 'it offers a stream of events');
      const end = await stream.ended;
      this.#lastEventId = stream.lastEventId() ?? this.#lastEventId;
      return end;
    } catch (error) {
      if (this.#stopped) return 'stopped';
      if (error instanceof AnswerLost) return 'broken';
      if (error instanceof ConnectFailure) throw busy('does not take a connection for the stream of events');
      throw error;
    }
  }

  #heard(): void {
    this.#received++;
    const forward = [...this.#fields.servers.keys()].filter(node => this.#hint(node));
    if (forward.length === 0) this.#dropped++;
  }

  #tell(way: Hearing['way'], why: string): void {
    this.#state = { way, why };
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopping.signal, ref: false }).catch(() => undefined);
  }
}

type Ear = LineOptions & {
  destination: string | undefined;
  subscription: Subscription;
  /** The BMC's list of them, as far as it is known. */
  subscriptions: string | undefined;
};

const ends: Record<Exclude<StreamEnd, 'stopped'>, string> = {
  closed: 'the BMC closed its stream of events; it is opened again',
  broken: 'the stream of events broke; it is opened again',
  silent: 'the stream of events was silent for long; it is opened again',
  senseless: 'the stream of events made no sense; it is opened again',
};

function backoff(failures: number, { firstPauseMs, longestPauseMs }: LineTimings): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1)) * (0.5 + Math.random());
}

function busy(what: string): FleetError {
  return new FleetError({ code: 'bmc_unreachable', retry: 'later', message: `the BMC ${what}` });
}
