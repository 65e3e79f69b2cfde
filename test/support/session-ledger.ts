/** Ledgers in memory, for tests of adapters alone. */
import type { LoginLedger, SessionLedger } from '../../src/core/bmc.ts';
import type { SubscriptionLedger } from '../../src/core/bmc-events.ts';

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

export type MemorySubscriptions = SubscriptionLedger & { entries: { bmcUrl: string; destination: string }[] };

export function memorySubscriptions(): MemorySubscriptions {
  const ledger: MemorySubscriptions = {
    entries: [],
    async opened(bmcUrl, destination) {
      ledger.entries.push({ bmcUrl, destination });
    },
    async closed(bmcUrl, destination) {
      ledger.entries = ledger.entries.filter(each => each.bmcUrl !== bmcUrl || each.destination !== destination);
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
    async failures(bmcUrl, credentialDigest, since) {
      return entries
        .filter(each => each.bmcUrl === bmcUrl && each.credentialDigest === credentialDigest && each.at > since)
        .map(each => each.at);
    },
  };
}
