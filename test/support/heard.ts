/** One life of the product's BMC client that listens to lab BMCs for events. */

import type { EventOptions } from '../../src/adapters/redfish/events/listen.ts';
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import type { Bmcs } from '../../src/core/bmc.ts';
import type { Hearing } from '../../src/core/bmc-events.ts';
import { account, eventually } from './lab-bmc.ts';
import { type MemorySubscriptions, memoryLedger, memoryLogins, memorySubscriptions } from './session-ledger.ts';

export type Door = { url: string; spki: string };

export type HeardOptions = Partial<EventOptions> & {
  ledger?: MemorySubscriptions;
  answerMs?: number;
  account?: { username: string; password: string };
};

export type Heard = {
  bmcs: Bmcs;
  ledger: MemorySubscriptions;
  sessions: ReturnType<typeof memoryLedger>;
  hearing(node?: number): Hearing;
  /** Waits until events come in this way; until its reason is like `why`, too, where that is given. */
  until(way: Hearing['way'], why?: RegExp, node?: number): Promise<void>;
};

/** Nodes are called `node-0` and so on, each in a site of its own, `site-0` and so on. Pauses are a thousandth of what they are. */
export function openHeard(doors: Door[], options: HeardOptions = {}): Heard {
  const {
    ledger = memorySubscriptions(),
    answerMs = 2_000,
    account: credential = account,
    timings,
    ...events
  } = options;
  const sessions = memoryLedger();
  const quick = { firstPauseMs: 5, longestPauseMs: 200, checkMs: 50, againMs: 100, ...timings };
  const bmcs = openBmcs({
    bmcs: doors.map(({ url, spki }, n) => ({ node: `node-${n}`, site: `site-${n}`, url, spki, ...credential })),
    ledger: sessions,
    logins: memoryLogins(),
    timeouts: { retryMs: 5, connectMs: 2_000, answerMs },
    events: { ledger, spreadMs: 0, timings: quick, ...events },
  });
  const hearing = (node = 0) => bmcs.hearings()[node] as Hearing;
  return {
    bmcs,
    ledger,
    sessions,
    hearing,
    async until(way, why = /./, node = 0) {
      const asked = `${way}, ${why}, of node-${node}`;
      await eventually(asked, () => hearing(node).way === way && why.test(hearing(node).why)).catch(error => {
        throw new Error(`${error.message}, but: ${JSON.stringify(hearing(node))}`);
      });
    },
  };
}
