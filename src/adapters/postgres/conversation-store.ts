/** Conversations with a model, and what models took, in Postgres. */
import { type Kysely, sql } from 'kysely';
import type { Conversation, ConversationStore } from '../../core/conversation.ts';
import { FleetError } from '../../core/errors.ts';
import type { Tables } from './schema.ts';

export type ConversationTable = {
  id: string;
  person: string;
  version: number;
  /** JSON of what was said, results and tokens. */
  body: string;
  changed_at: Date;
};

export type ModelSpendTable = { day: string; model: string; input: string; output: string };

export const conversationSchema = [
  `create table conversation (id text primary key, person text not null, version int not null, body text not null,
     changed_at timestamptz not null default now())`,
  `create index conversation_age on conversation (changed_at)`,
  `create table model_spend (day date not null, model text not null, input bigint not null, output bigint not null,
     primary key (day, model))`,
];

/** A conversation in which nobody said anything for so long is forgotten. */
const keptFor = '30 days';

const today = sql<string>`(now() at time zone 'utc')::date`;

export function conversationStore(db: Kysely<Tables>): ConversationStore {
  return {
    async get(id) {
      const row = await db.selectFrom('conversation').selectAll().where('id', '=', id).executeTakeFirst();
      if (row === undefined) return undefined;
      const { person, version, body } = row;
      return { id, person, version, ...(JSON.parse(body) as Pick<Conversation, 'messages' | 'results' | 'tokens'>) };
    },
    async put({ id, person, version, messages, results, tokens }) {
      const body = JSON.stringify({ messages, results, tokens });
      const values = { id, person, version: version + 1, body, changed_at: new Date() };
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('conversation')
        .values(values)
        .onConflict(conflict => conflict.column('id').doUpdateSet(values).where('conversation.version', '=', version))
        .executeTakeFirst();
      if (numInsertedOrUpdatedRows !== 1n)
        throw new FleetError({
          code: 'conflict',
          message: 'this conversation went on elsewhere meanwhile',
          retry: 'later',
          hint: 'ask again',
        });
      await sql`delete from conversation where changed_at < now() - ${keptFor}::interval`.execute(db);
    },
    async spend(model, { input, output }) {
      await sql`insert into model_spend (day, model, input, output) values (${today}, ${model}, ${input}, ${output})
        on conflict (day, model) do update set input = model_spend.input + excluded.input,
        output = model_spend.output + excluded.output`.execute(db);
    },
    async spentToday(model) {
      const row = await db
        .selectFrom('model_spend')
        .select(['input', 'output'])
        .where('day', '=', today)
        .where('model', '=', model)
        .executeTakeFirst();
      return { input: Number(row?.input ?? 0), output: Number(row?.output ?? 0) };
    },
  };
}
