/**
 * Writes Events as the components of a real cluster do: repetitions of one
 * event count up, a component that repeats itself about one object is held
 * back, and after a while events are gone.
 */
import type { LabClock } from '../../clock.ts';
import type { KubeObject } from '../model/objects.ts';
import type { Store } from '../model/store.ts';
import { microTimestamp, type Timers } from '../model/timing.ts';

export type EventSource = { component: string; host?: string };

export type EventText = {
  type?: 'Normal' | 'Warning';
  reason: string;
  message: string;
  /** Part of the object, such as `spec.containers{web}`. */
  fieldPath?: string;
};

/** Real milliseconds that an event is kept after its last occurrence: the API server's default. */
const timeToLiveMs = 3_600_000;
/** However fast time runs, people have this many wall-clock milliseconds to read one. */
const shortestLifeMs = 60_000;
/** Events of one component about one object: so many at once, then one for each refill, in real milliseconds. */
const burst = 25;
const refillMs = 300_000;

type Bucket = { tokens: number; filled: number };

export class EventRecorder {
  readonly #store: Store;
  readonly #clock: LabClock;
  readonly #timers: Timers;
  readonly #lifeMs: number;
  readonly #known = new Map<string, { name: string; namespace: string }>();
  readonly #buckets = new Map<string, Bucket>();
  #count = 0;

  /** `lifeMs`: wall-clock milliseconds that an event is kept; an hour of the lab's time, and no less than a minute, unless given. */
  constructor(options: { store: Store; clock: LabClock; timers: Timers; lifeMs?: number | undefined }) {
    const { store, clock, timers } = options;
    this.#lifeMs = options.lifeMs ?? Math.max(clock.scaled(timeToLiveMs), shortestLifeMs);
    this.#store = store;
    this.#clock = clock;
    this.#timers = timers;
    this.#sweepLater();
  }

  /** Records an event about an object as components with the older recorder do: node agents, most controllers. */
  record(source: EventSource, object: KubeObject, text: EventText): void {
    const regarding = involved(object, text.fieldPath);
    const { ref, again } = this.#find(source, regarding, text) ?? {};
    if (ref === undefined) return;
    const now = this.#store.now();
    if (again) {
      this.#store.update('events', ref, draft => {
        const event = draft as unknown as { count: number; lastTimestamp: string; message: string };
        Object.assign(event, { count: event.count + 1, lastTimestamp: now });
      });
      return;
    }
    this.#create(ref, {
      involvedObject: regarding,
      reason: text.reason,
      message: text.message,
      source: { component: source.component, ...(source.host === undefined ? {} : { host: source.host }) },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      type: text.type ?? 'Normal',
      eventTime: null,
      reportingComponent: source.component,
      reportingInstance: source.host ?? '',
    });
  }

  /** Records an event as components with the newer recorder do: the scheduler. */
  recordAction(source: EventSource & { host: string }, object: KubeObject, text: EventText & { action: string }): void {
    const regarding = involved(object, text.fieldPath);
    const { ref, again } = this.#find(source, regarding, text) ?? {};
    if (ref === undefined) return;
    const now = microTimestamp();
    if (again) {
      this.#store.update('events', ref, draft => {
        const event = draft as unknown as { series?: { count: number } };
        Object.assign(event, { series: { count: (event.series?.count ?? 1) + 1, lastObservedTime: now } });
      });
      return;
    }
    this.#create(ref, {
      involvedObject: regarding,
      reason: text.reason,
      message: text.message,
      source: {},
      firstTimestamp: null,
      lastTimestamp: null,
      type: text.type ?? 'Normal',
      eventTime: now,
      action: text.action,
      reportingComponent: source.component,
      reportingInstance: `${source.component}-${source.host}`,
    });
  }

  /** Where to write, and whether the same was said before; undefined when nothing may be written. */
  #find(
    source: EventSource,
    regarding: ReturnType<typeof involved>,
    text: EventText,
  ): { ref: { name: string; namespace: string }; again: boolean } | undefined {
    const namespace = regarding.namespace ?? 'default';
    const home = this.#store.get('namespaces', { name: namespace });
    if (home === undefined || home.metadata.deletionTimestamp !== undefined) return undefined;
    const about = [
      source.component,
      source.host ?? '',
      regarding.kind,
      namespace,
      regarding.name,
      regarding.uid ?? '',
    ].join('/');
    if (!this.#mayWrite(about)) return undefined;
    const key = [about, regarding.fieldPath ?? '', text.type ?? 'Normal', text.reason, text.message].join('/');
    const known = this.#known.get(key);
    if (known !== undefined && this.#store.get('events', known) !== undefined) return { ref: known, again: true };
    const ref = { name: `${regarding.name}.${this.#suffix()}`, namespace };
    this.#known.set(key, ref);
    return { ref, again: false };
  }

  #create(ref: { name: string; namespace: string }, event: object): void {
    this.#store.create('events', { metadata: ref, ...event });
  }

  #mayWrite(about: string): boolean {
    const now = this.#store.nowMs();
    const bucket = this.#buckets.get(about) ?? { tokens: burst, filled: now };
    const refilled = Math.floor((now - bucket.filled) / this.#clock.scaled(refillMs));
    if (refilled > 0) {
      bucket.tokens = Math.min(burst, bucket.tokens + refilled);
      bucket.filled += refilled * this.#clock.scaled(refillMs);
    }
    this.#buckets.set(about, bucket);
    if (bucket.tokens === 0) return false;
    bucket.tokens--;
    return true;
  }

  /** Nanoseconds in hexadecimal, as recorders end the names of events; a counter keeps them apart. */
  #suffix(): string {
    return (BigInt(Date.now()) * 1_000_000n + BigInt(this.#count++ % 1_000_000)).toString(16);
  }

  #sweepLater(): void {
    this.#timers.afterWallClock(this.#lifeMs / 4, () => {
      this.#sweep(this.#store.nowMs() - this.#lifeMs);
      this.#sweepLater();
    });
  }

  #sweep(before: number): void {
    for (const event of this.#store.list('events')) {
      if (Date.parse(lastSeen(event)) < before) this.#store.remove('events', event.metadata);
    }
    for (const [key, ref] of this.#known) if (this.#store.get('events', ref) === undefined) this.#known.delete(key);
    for (const [about, bucket] of this.#buckets) if (bucket.filled < before) this.#buckets.delete(about);
  }
}

function lastSeen(event: KubeObject): string {
  const { lastTimestamp, eventTime, series } = event as unknown as {
    lastTimestamp?: string | null;
    eventTime?: string | null;
    series?: { lastObservedTime: string };
  };
  return series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? event.metadata.creationTimestamp;
}

function involved({ apiVersion, kind, metadata }: KubeObject, fieldPath?: string) {
  const { name, namespace, uid, resourceVersion } = metadata;
  return {
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    ...(uid === '' ? {} : { uid }),
    ...(apiVersion === '' ? {} : { apiVersion }),
    ...(resourceVersion === '' ? {} : { resourceVersion }),
    ...(fieldPath === undefined ? {} : { fieldPath }),
  };
}
