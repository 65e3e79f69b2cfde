/** Walking a stored log from end to end without holding it in memory. */
import type { CustodyRow, CustodyStore } from '../../core/custody.ts';

/** The rows of a store from `begin` on and below `end`, read a thousand at a time. */
export async function* storedRows(
  store: Pick<CustodyStore, 'rows'>,
  end = Number.POSITIVE_INFINITY,
  begin = 0,
): AsyncGenerator<CustodyRow> {
  for (let from = begin; from < end; ) {
    const rows = await store.rows(from, Math.min(1000, end - from));
    const last = rows.at(-1);
    if (!last) return;
    yield* rows.filter(row => row.seq < end);
    from = last.seq + 1;
  }
}
