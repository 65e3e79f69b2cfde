/**
 * Callers that append at the same moment share one commit: the disk's flush,
 * not the hashing, is what an entry costs. Appends inside a wider transaction
 * never come here; they commit with it.
 */
import type { CustodyReceipt, CustodyStore } from '../../core/custody.ts';

/** Entries in one commit, unless one caller brings more. */
const most = 256;

type Waiting = { bytes: Uint8Array[]; resolve(receipts: CustodyReceipt[]): void; reject(error: unknown): void };

/** The same store; one commit is under way at a time, and those who come meanwhile form the next. Where it fails, all of it fails. */
export function groupCommit(store: CustodyStore): CustodyStore {
  const waiting: Waiting[] = [];
  let busy = false;

  async function drain(): Promise<void> {
    busy = true;
    for (let group = nextGroup(waiting); group.length > 0; group = nextGroup(waiting)) await commit(group);
    busy = false;
  }

  async function commit(group: Waiting[]): Promise<void> {
    try {
      const receipts = await store.append(group.flatMap(({ bytes }) => bytes));
      for (const { bytes, resolve } of group) resolve(receipts.splice(0, bytes.length));
    } catch (thrown) {
      for (const { reject } of group) reject(thrown);
    }
  }

  return {
    ...store,
    append: bytes =>
      new Promise((resolve, reject) => {
        waiting.push({ bytes, resolve, reject });
        if (!busy) void drain();
      }),
  };
}

/** Takes the oldest callers whose entries fit, at least one. */
function nextGroup(waiting: Waiting[]): Waiting[] {
  let size = 0;
  const end = waiting.findIndex(({ bytes }, index) => {
    size += bytes.length;
    return index > 0 && size > most;
  });
  return waiting.splice(0, end < 0 ? waiting.length : end);
}
