/** The custody log's rows in Postgres, over anything that can run a query: a pool, or the transaction that an entry has to commit with. */
import type { CustodyStore } from '../../core/custody.ts';
import { FleetError } from '../../core/errors.ts';

export type QueryExecutor = {
  query(sql: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
};

/**
 * A custody store on that executor. Failures are FleetErrors: `database` (retry later), and `conflict` when another
 * note of the same size is already saved.
 */
export function custodyStore(executor: QueryExecutor): CustodyStore {
  async function run(sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    try {
      return (await executor.query(sql, values)).rows;
    } catch (thrown) {
      if (thrown instanceof FleetError) throw thrown;
      throw new FleetError({
        code: 'database',
        retry: 'later',
        message: 'the custody log cannot be reached or refused the call',
        untrusted: thrown instanceof Error ? thrown.message : String(thrown),
        cause: thrown,
      });
    }
  }
  return {
    async append(bytes) {
      if (bytes.length === 0) return [];
      const rows = await run('select seq, leaf from custody_append($1::bytea[])', [bytes.map(asBuffer)]);
      return rows.map(row => ({ seq: count(row.seq), leaf: bytesOf(row.leaf).toString('hex') }));
    },
    async head() {
      const [row] = await run('select size, root, frontier from custody_head');
      if (!row) throw new FleetError({ code: 'database', message: 'the custody log has lost its head', retry: 'ask' });
      return { size: count(row.size), root: bytesOf(row.root), peaks: listOf(row.frontier).map(bytesOf) };
    },
    async rows(from, limit) {
      const rows = await run('select seq, bytes, leaf from custody_entry where seq >= $1 order by seq limit $2', [
        from,
        limit,
      ]);
      return rows.map(row => ({ seq: count(row.seq), bytes: bytesOf(row.bytes), leaf: bytesOf(row.leaf) }));
    },
    async saveCheckpoint(size, note) {
      const saved = await run(
        'insert into custody_checkpoint (size, note) values ($1, $2) on conflict (size) do nothing returning size',
        [size, note],
      );
      if (saved.length > 0) return;
      const [kept] = await run('select note from custody_checkpoint where size = $1', [size]);
      if (kept?.note !== note) {
        throw new FleetError({
          code: 'conflict',
          retry: 'ask',
          message: `another checkpoint of ${size} custody entries is already kept`,
          hint: 'stop changes and verify the custody log',
        });
      }
    },
    async newestCheckpoint() {
      const [row] = await run('select size, note from custody_checkpoint order by size desc limit 1');
      return row && { size: count(row.size), note: String(row.note) };
    },
    async checkpoints() {
      const rows = await run('select size, note from custody_checkpoint order by size');
      return rows.map(row => ({ size: count(row.size), note: String(row.note) }));
    },
  };
}

/** The driver writes Buffers, inside arrays too, as bytea. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A bigint column arrives as text. */
function count(value: unknown): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw unexpected();
  return number;
}

function bytesOf(value: unknown): Buffer {
  if (!Buffer.isBuffer(value)) throw unexpected();
  return value;
}

function listOf(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw unexpected();
  return value;
}

function unexpected(): FleetError {
  return new FleetError({ code: 'database', message: 'the custody log answered in an unexpected form' });
}
