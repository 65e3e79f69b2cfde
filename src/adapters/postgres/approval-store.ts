/** Requests and votes in Postgres; every change of state is a compare-and-set. */
import { type Kysely, type Selectable, sql } from 'kysely';
import type { Approval, ApprovalState, Vote } from '../../core/approval.ts';
import { FleetError } from '../../core/errors.ts';
import type { ApprovalStore } from '../../core/records.ts';
import type { Tables } from './schema.ts';

type Row = Selectable<Tables['approval']>;

export function approvalStore(db: Kysely<Tables>): ApprovalStore {
  const withVotes = async (row: Row): Promise<Approval> => {
    const votes = await db.selectFrom('vote').selectAll().where('approval', '=', row.id).orderBy('at').execute();
    return { ...approvalOf(row), votes: votes.map(voteOf) };
  };
  const one = async (column: 'id' | 'plan' | 'operation', value: string) => {
    const row = await db.selectFrom('approval').selectAll().where(column, '=', value).executeTakeFirst();
    return row && withVotes(row);
  };
  return {
    async insert(approval) {
      const result = await db
        .insertInto('approval')
        .values({
          id: approval.id,
          plan: approval.plan,
          digest: approval.digest,
          requester: approval.requester,
          channel: approval.channel,
          author: approval.author,
          state: approval.state,
          requirements: JSON.stringify(approval.requirements),
          created_at: new Date(approval.createdAt),
          expires_at: new Date(approval.expiresAt),
          operation: null,
        })
        .onConflict(conflict => conflict.column('plan').doNothing())
        .executeTakeFirst();
      return result.numInsertedOrUpdatedRows === 1n;
    },
    async get(id) {
      return (await one('id', id)) ?? missing(id);
    },
    async hold(id) {
      const row = await db.selectFrom('approval').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
      return row ? withVotes(row) : missing(id);
    },
    forPlan: plan => one('plan', plan),
    forOperation: operation => one('operation', operation),
    async list(state) {
      let query = db.selectFrom('approval').selectAll().orderBy('created_at');
      if (state) query = query.where('state', '=', state);
      return Promise.all((await query.execute()).map(withVotes));
    },
    async overdue(at) {
      const query = db.selectFrom('approval').select('id').where('state', '=', 'pending').where('expires_at', '<=', at);
      return (await query.execute()).map(row => row.id);
    },
    async countPending(requester) {
      await sql`select pg_advisory_xact_lock(hashtext('approvals of'), hashtext(${requester}))`.execute(db);
      const { count } = await db
        .selectFrom('approval')
        .select(({ fn }) => fn.countAll().as('count'))
        .where('requester', '=', requester)
        .where('state', '=', 'pending')
        .executeTakeFirstOrThrow();
      return Number(count);
    },
    async addVote(approval, vote) {
      const result = await db
        .insertInto('vote')
        .values({ approval, ...vote, at: new Date(vote.at) })
        .onConflict(conflict => conflict.doNothing())
        .executeTakeFirst();
      return result.numInsertedOrUpdatedRows === 1n;
    },
    async removeVote(approval, person) {
      const query = db.deleteFrom('vote').where('approval', '=', approval).where('person', '=', person);
      return (await query.executeTakeFirst()).numDeletedRows === 1n;
    },
    async transition(id, { from, to, operation, breakGlass, closing }) {
      const result = await db
        .updateTable('approval')
        .set({
          state: to,
          ...(operation ? { operation } : {}),
          ...(breakGlass ? { break_glass: JSON.stringify(breakGlass) } : {}),
          ...(closing ? { closing: JSON.stringify(closing) } : {}),
        })
        .where('id', '=', id)
        .where('state', '=', from)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
  };
}

function approvalOf(row: Row): Omit<Approval, 'votes'> {
  return {
    id: row.id,
    plan: row.plan,
    digest: row.digest,
    requester: row.requester,
    channel: row.channel,
    author: row.author,
    state: row.state as ApprovalState,
    requirements: row.requirements as unknown as Approval['requirements'],
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    operation: row.operation ?? undefined,
    breakGlass: row.break_glass ?? undefined,
    closing: row.closing ?? undefined,
  };
}

function voteOf({ approval: _, at, ...vote }: Selectable<Tables['vote']>): Vote {
  return { ...(vote as Omit<Vote, 'at'>), at: at.toISOString() };
}

function missing(id: string): never {
  throw new FleetError({
    code: 'not_found',
    message: `there is no approval request ${id}`,
    hint: 'groundskeeper approvals list --state all',
  });
}
