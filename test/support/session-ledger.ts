/** Ledgers in memory, for tests of adapters alone. */
import type { LoginLedger, SessionLedger } from '../../src/core/bmc.ts';
import type { SubscriptionLedger } from '../../src/core/bmc-events.ts';

export type MemoryLedger = SessionLedger & { entries: { bmcUrl: string; sessionUri: string }[] };

export function memoryLedger(entries: MemoryLedger['entries'] = []): MemoryLedger {
  return ledgerOf('sessionUri', entries);
}

export type MemorySubscriptions = SubscriptionLedger & { entries: { bmcUrl: string; destination: string }[] };

export function memorySubscriptions(): MemorySubscriptions {
  return ledgerOf('destination', []);
}

type Row<Key extends string> = { bmcUrl: string } & Record<Key, string>;

/** What is open on BMCs, each named by `key`. */
function ledgerOf<Key extends string>(key: Key, entries: Row<Key>[]) {
  const ledger = {
    entries: [...entries],
    async opened(bmcUrl: string, name: string) {
      ledger.entries.push({ bmcUrl, [key]: name } as Row<Key>);
    },
    async closed(bmcUrl: string, name: string) {
      ledger.entries = ledger.entries.filter(each => each.bmcUrl !== bmcUrl || each[key] !== name);
    },
    async list() {
      return ledger.entries;
    },
  };
  return ledger;
}

export type MemoryLogins = LoginLedger & { entries: { bmcUrl: string; credentialDigest: string; at: Date }[] };

export function memoryLogins(): MemoryLogins {
  const entries: MemoryLogins['entries'] = [];
  return {
    entries,
    async failed(bmcUrl, credentialDigest, at) {
      entries.push({ bmcUrl, credentialDigest, at });
    },
    async failures(bmcUrl, since) {
      return entries.filter(each => each.bmcUrl === bmcUrl && each.at > since);
    },
  };
}
