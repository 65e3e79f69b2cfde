/** A session ledger in memory, for tests of adapters alone. */
import type { SessionLedger } from '../../src/core/bmc.ts';

export type MemoryLedger = SessionLedger & { entries: { bmcUrl: string; sessionUri: string }[] };

export function memoryLedger(entries: { bmcUrl: string; sessionUri: string }[] = []): MemoryLedger {
  const ledger: MemoryLedger = {
    entries: [...entries],
    async opened(bmcUrl, sessionUri) {
      ledger.entries.push({ bmcUrl, sessionUri });
    },
    async closed(bmcUrl, sessionUri) {
      ledger.entries = ledger.entries.filter(each => each.bmcUrl !== bmcUrl || each.sessionUri !== sessionUri);
    },
    async list() {
      return ledger.entries;
    },
  };
  return ledger;
}
