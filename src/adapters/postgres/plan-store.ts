/**
 * Plans in Postgres. A plan over a fleet is megabytes, and is asked for before every act: what was read and proved once is
 * kept, for as long as its row is the same version of the same row. Whatever changes the row, by whatever way, has it read
 * and proved again.
 */
import { type Kysely, sql } from 'kysely';
import { canonicalBytes, digestOf } from '../../core/canonical.ts';
import { FleetError } from '../../core/errors.ts';
import type { Plan, StoredPlan } from '../../core/plan.ts';
import type { PlanStore } from '../../core/records.ts';
import type { Tables } from './schema.ts';

type Kept = { version: string; size: number; stored: StoredPlan };

/** Characters of canonical JSON of all that is kept; about four times as many bytes in memory. */
const mostKept = 16_000_000;

/** Of one database; those that were used last. */
export class ProvedPlans {
  readonly #kept = new Map<string, Kept>();

  get(id: string, version: string): StoredPlan | undefined {
    const kept = this.#kept.get(id);
    if (kept?.version !== version) return undefined;
    this.#kept.delete(id);
    this.#kept.set(id, kept);
    return kept.stored;
  }

  keep(id: string, kept: Kept): void {
    this.#kept.delete(id);
    this.#kept.set(id, kept);
    let size = [...this.#kept.values()].reduce((sum, each) => sum + each.size, 0);
    for (const [oldest, { size: given }] of this.#kept) {
      if (size <= mostKept || oldest === id) break;
      this.#kept.delete(oldest);
      size -= given;
    }
  }
}

/** Where Postgres has a row's current version, and which transaction wrote it: no two versions of a row have both in common. */
const rowVersion = sql<string>`ctid::text || ' ' || xmin::text`;

export function planStore(db: Kysely<Tables>, proved: ProvedPlans): PlanStore {
  /** By id and version: after a start hundreds ask at once, and a body is megabytes. */
  const reading = new Map<string, Promise<StoredPlan>>();
  const versionOf = (id: string) => db.selectFrom('plan').select(rowVersion.as('version')).where('id', '=', id);

  async function read(id: string): Promise<StoredPlan> {
    const row = await versionOf(id).select(['digest', 'body']).executeTakeFirst();
    if (!row)
      throw new FleetError({
        code: 'not_found',
        message: `there is no plan ${id}`,
        hint: 'make one: groundskeeper plan-firmware-rollout <site>',
      });
    const { version, digest, body } = row;
    const plan = JSON.parse(body) as Plan;
    if (digestOf(plan) !== digest || plan.id !== id)
      throw new FleetError({
        code: 'database',
        retry: 'ask',
        message: `plan ${id} does not match its digest: its row was changed outside Groundskeeper`,
      });
    const stored = frozen({ plan, digest });
    proved.keep(id, { version, size: body.length, stored });
    return stored;
  }

  return {
    async insert({ plan, digest }) {
      await db
        .insertInto('plan')
        .values({ id: plan.id, digest, body: canonicalBytes(plan).toString('utf8') })
        .execute();
    },
    async get(id) {
      const current = await versionOf(id).executeTakeFirst();
      const known = current && proved.get(id, current.version);
      if (known) return known;
      const key = `${id} ${current?.version}`;
      const begun = reading.get(key) ?? read(id).finally(() => reading.delete(key));
      reading.set(key, begun);
      return begun;
    },
  };
}

/** Everybody who asks gets the same object. */
function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) frozen(part);
    Object.freeze(value);
  }
  return value;
}
