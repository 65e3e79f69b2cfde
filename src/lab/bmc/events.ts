/**
 * Who wants to hear of what is written to the log: subscribers that events are
 * pushed to, and open SSE streams. Sensors are looked at now and then while
 * anybody listens, because they write to the log only when looked at.
 */
import type { LabClock } from '../clock.ts';
import type { EventEntry, EventLog } from './event-log.ts';
import type { EventsSpec } from './profiles/acts.ts';
import { push } from './push.ts';
import type { Body } from './reply.ts';

export type Subscription = {
  id: string;
  type: 'RedfishEvent' | 'SSE';
  destination: string;
  context: string;
  eventTypes: string[] | undefined;
  /** Never shown: credentials are in them. */
  headers: Record<string, string>;
};

export type EventRecord = Pick<EventEntry, 'severity' | 'message' | 'messageId' | 'created'> & { origin?: string };

type Listener = { subscription: Subscription; deliver(event: Body): void; end(): void };

export type EventsOptions = {
  spec: EventsSpec;
  log: EventLog;
  clock: LabClock;
  address: string;
  /** URI of a log entry. */
  entryUri(id: number): string;
  /** Lets what is computed on demand write its log. */
  observe(): void;
};

/** Real milliseconds between two looks at the sensors. */
const lookMs = 5_000;
/** Events that wait for a subscriber that does not answer; the oldest go first. */
const queueLimit = 64;

export class EventService {
  readonly #options: EventsOptions;
  readonly #listeners = new Map<string, Listener>();
  #nextId = 1;
  #nextEvent = 1;
  #watching = false;

  constructor(options: EventsOptions) {
    this.#options = options;
    options.log.onAppend(entry => this.emit({ ...entry, origin: options.entryUri(entry.id) }));
  }

  get full(): boolean {
    return this.#listeners.size >= this.#options.spec.limit;
  }

  subscriptions(): Subscription[] {
    return [...this.#listeners.values()].map(({ subscription }) => subscription);
  }

  /** Pushes events to a destination from now on. The caller has looked at {@link full}. */
  subscribe(fields: Pick<Subscription, 'destination' | 'context' | 'eventTypes' | 'headers'>): Subscription {
    const subscription: Subscription = { ...fields, id: String(this.#nextId++), type: 'RedfishEvent' };
    const queue: string[] = [];
    let busy = false;
    const drain = async () => {
      if (busy) return;
      busy = true;
      for (let body = queue.shift(); body !== undefined; body = queue.shift()) await this.#push(subscription, body);
      busy = false;
    };
    this.#add({
      subscription,
      deliver: event => {
        queue.push(JSON.stringify(event));
        if (queue.length > queueLimit) queue.shift();
        void drain();
      },
      end: () => queue.splice(0),
    });
    return subscription;
  }

  /** Sends events as SSE until the function that it answers is called. */
  stream(send: (text: string) => void): () => void {
    const id = String(this.#nextId++);
    const subscription: Subscription = {
      id,
      type: 'SSE',
      destination: '',
      context: '',
      eventTypes: undefined,
      headers: {},
    };
    send(': open\n\n');
    this.#add({
      subscription,
      deliver: event => send(`id: ${event.Id}\ndata: ${JSON.stringify(event)}\n\n`),
      end() {},
    });
    return () => void this.#listeners.delete(id);
  }

  /** False when there is none of this id. */
  unsubscribe(id: string): boolean {
    this.#listeners.get(id)?.end();
    return this.#listeners.delete(id);
  }

  /** What a restart of the BMC does to its subscribers. */
  forget(): void {
    for (const { id } of this.subscriptions()) this.unsubscribe(id);
  }

  emit(record: EventRecord): void {
    const id = String(this.#nextEvent++);
    for (const { subscription, deliver } of this.#listeners.values()) {
      if (subscription.eventTypes?.includes('Alert') ?? true) deliver(this.#body(id, subscription, record));
    }
  }

  #body(id: string, subscription: Subscription, record: EventRecord): Body {
    const { messageId } = record;
    const full = messageId.includes('.') ? messageId : `${this.#options.spec.registry}.${messageId}`;
    return eventBody(id, subscription, { ...record, messageId: full });
  }

  #add(listener: Listener): void {
    this.#listeners.set(listener.subscription.id, listener);
    if (!this.#watching) void this.#watch();
  }

  async #watch(): Promise<void> {
    const { clock, observe } = this.#options;
    this.#watching = true;
    while (this.#listeners.size > 0) {
      observe();
      if (!(await clock.sleep(Math.max(lookMs, 50 * clock.speed)))) break;
    }
    this.#watching = false;
  }

  async #push(subscription: Subscription, body: string): Promise<void> {
    const { clock, address, spec } = this.#options;
    await push({
      destination: subscription.destination,
      headers: subscription.headers,
      body,
      localAddress: address,
      clock,
      attempts: 1 + spec.retryAttempts,
      pauseMs: spec.retryIntervalSeconds * 1000,
      wanted: () => this.#listeners.has(subscription.id),
    });
  }
}

function eventBody(id: string, { context }: Subscription, record: EventRecord): Body {
  const { severity, message, messageId, created, origin } = record;
  return {
    '@odata.type': '#Event.v1_7_0.Event',
    Id: id,
    Name: 'Event Array',
    Context: context,
    Events: [
      {
        MemberId: '0',
        EventId: id,
        EventType: 'Alert',
        EventTimestamp: created.toISOString(),
        Severity: severity,
        MessageSeverity: severity,
        Message: message,
        MessageId: messageId,
        MessageArgs: [],
        ...(origin === undefined ? {} : { OriginOfCondition: { '@odata.id': origin } }),
      },
    ],
  };
}
