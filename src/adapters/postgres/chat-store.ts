/** What a chat told us, in Postgres. */
import { type Generated, type Kysely, sql } from 'kysely';
import type { ChatStore } from '../../core/chat.ts';
import type { Tables } from './schema.ts';

export type ChatEventTable = {
  id: string;
  channel: string;
  thread: string;
  claimed_at: Generated<Date>;
  answered: Generated<boolean>;
};

export type ChatThreadTable = {
  channel: string;
  thread: string;
  person: string;
  conversation: string;
  changed_at: Generated<Date>;
};

export const chatSchema = [
  `create table chat_event (id text primary key, channel text not null, thread text not null,
     claimed_at timestamptz not null default now(), answered boolean not null default false)`,
  `create table chat_thread (channel text not null, thread text not null, person text not null, conversation text not null,
     changed_at timestamptz not null default now(), primary key (channel, thread, person))`,
];

/** A chat gives up long before that what it could not deliver. */
const eventsKeptFor = '1 day';
/** As long as the conversations themselves. */
const threadsKeptFor = '30 days';

export function chatStore(db: Kysely<Tables>): ChatStore {
  return {
    async claim(event) {
      await sql`delete from chat_event where claimed_at < now() - ${eventsKeptFor}::interval`.execute(db);
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('chat_event')
        .values(event)
        .onConflict(conflict => conflict.doNothing())
        .executeTakeFirst();
      return numInsertedOrUpdatedRows === 1n;
    },
    async answered(id) {
      await db.updateTable('chat_event').set({ answered: true }).where('id', '=', id).execute();
    },
    unanswered: () =>
      db
        .selectFrom('chat_event')
        .select(['id', 'channel', 'thread'])
        .where('answered', '=', false)
        .where('thread', '<>', '')
        .where('claimed_at', '>', sql<Date>`now() - interval '1 hour'`)
        .orderBy('claimed_at')
        .execute(),
    async conversation({ channel, thread, person }) {
      const row = await db
        .selectFrom('chat_thread')
        .select('conversation')
        .where('channel', '=', channel)
        .where('thread', '=', thread)
        .where('person', '=', person)
        .executeTakeFirst();
      return row?.conversation;
    },
    async setConversation(place, conversation) {
      await sql`delete from chat_thread where changed_at < now() - ${threadsKeptFor}::interval`.execute(db);
      await db
        .insertInto('chat_thread')
        .values({ ...place, conversation })
        .onConflict(conflict =>
          conflict.columns(['channel', 'thread', 'person']).doUpdateSet({ conversation, changed_at: new Date() }),
        )
        .execute();
    },
  };
}
