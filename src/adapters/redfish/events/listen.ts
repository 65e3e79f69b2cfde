/** Begins to listen to a fleet: who may hold a stream, who may push where, and what an earlier life left. */
import type { Hint, SubscriptionLedger } from '../../../core/bmc-events.ts';
import { once } from '../once.ts';
import { type EventLine, type LineTimings, lineTimings } from './event-line.ts';
import type { Mailboxes } from './mailboxes.ts';

export type EventOptions = {
  /**
   * Streams at once, of all BMCs together; 1,000 unless said, 0 for none. Each is a connection that is held, of some 70 KiB:
   * those BMCs that are met first have theirs.
   */
  streams?: number;
  /** Where BMCs that offer no stream may push to. */
  mailboxes?: Mailboxes | undefined;
  ledger: SubscriptionLedger;
  /** Milliseconds over which the first attempts are spread. */
  spreadMs: number;
  timings?: Partial<LineTimings>;
};

type Line = { site: string | undefined; url: string; line: EventLine };

export function listenTo(lines: Line[], hint: Hint, options: EventOptions): void {
  const { streams = 1_000, mailboxes, ledger, spreadMs } = options;
  const timings = { ...lineTimings, ...options.timings };
  const places = placesFor(streams);
  const earlier = once(() => ledger.list());
  for (const { site, url, line } of lines)
    line.start({
      hint,
      streams: streams === 0 ? 'off' : places,
      mailbox: heard => mailboxes?.open(site, heard),
      ledger,
      recorded: async () => (await earlier()).filter(row => row.bmcUrl === url).map(row => row.destination),
      timings,
      spreadMs,
    });
}

function placesFor(streams: number): { take(): boolean; give(): void } {
  let left = streams;
  return {
    take() {
      if (left === 0) return false;
      left--;
      return true;
    },
    give() {
      left++;
    },
  };
}
