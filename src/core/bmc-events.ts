/**
 * How events of BMCs come in. An event only says that a look may be worth it
 * now: nothing of what it tells is kept or believed, and a BMC that sends none
 * is looked at all the same.
 */
export type Hearing = {
  /** `polling`: no events, only the beat of the watch. */
  way: 'stream' | 'push' | 'polling';
  /** For people. */
  why: string;
  /** Events since the start, and those of them that brought no look forward. */
  received: number;
  dropped: number;
};

/** Tells of an event; answers whether it brings a look at that server forward. */
export type Hint = (node: string) => boolean;

/**
 * Durable list of subscriptions that we may have on BMCs, by the address that events go to: it is written down before the BMC
 * is asked, is different in each life, and is what a subscription is found by when the answer was lost.
 */
export type SubscriptionLedger = {
  opened(bmcUrl: string, destination: string): Promise<void>;
  closed(bmcUrl: string, destination: string): Promise<void>;
  list(): Promise<{ bmcUrl: string; destination: string }[]>;
};
