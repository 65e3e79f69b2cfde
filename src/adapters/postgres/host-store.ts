/**
 * Where the processes that share a database run, and the database itself. A kernel's boot ID is the same in every container on
 * a host, and a Node shows it too, whatever names either has.
 */
import { readFileSync } from 'node:fs';
import { type Kysely, sql } from 'kysely';
import type { HostStore } from '../../core/records.ts';
import type { Tables } from './schema.ts';

export const hostSchema = [`alter table executor add column boot_id text`];

/** Of the kernel under this process; null where it is not Linux, and so no Node. */
export function ownBootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return null;
  }
}

export function hostStore(db: Kysely<Tables>): HostStore {
  return {
    async own() {
      const living = await db.selectFrom('executor').select('boot_id').where('ended_at', 'is', null).execute();
      const { rows } = await sql<{ address: string | null }>`select host(inet_server_addr()) as address`.execute(db);
      return {
        bootIds: living.flatMap(({ boot_id }) => boot_id ?? []),
        addresses: rows.flatMap(({ address }) => address ?? []),
      };
    },
  };
}
