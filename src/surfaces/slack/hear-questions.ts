/** Sentences as they come from Slack: mentions in channels, and messages to us alone. */
import type { App } from '@slack/bolt';
import type { Events } from './events.ts';
import type { SlackParts } from './parts.ts';
import { answer } from './questions.ts';
import { wordsOf } from './words.ts';

/** A message or mention, as far as we read it. */
type Said = {
  user?: string;
  /** The workspaces of whoever said it, and of where. */
  team?: string;
  user_team?: string;
  source_team?: string;
  text?: string;
  channel: string;
  ts: string;
  thread_ts?: string;
  bot_id?: string;
  subtype?: string;
  channel_type?: string;
};

const prompts = [
  { title: 'What needs attention?', message: 'Which nodes need attention, and why?' },
  { title: 'Firmware', message: 'Which nodes have firmware that is behind their baseline?' },
  { title: 'Operations', message: 'What is running, and what waits for an approval?' },
];

/** `self` is our own member ID, as Slack last told it. */
export function hearQuestions(app: App, parts: SlackParts, { events, self }: { events: Events; self(): string }): void {
  const { client, workspace } = parts;
  /** Of each person in a thread the last answer under way: questions wait for the answer before. */
  const turns = new Map<string, Promise<void>>();

  app.event('app_mention', ({ event, body }) => hear(event as Said, body));
  app.event('message', async ({ event, body }) => {
    if ((event as Said).channel_type === 'im') await hear(event as Said, body);
  });
  app.event('assistant_thread_started', ({ event, body }) => {
    const { channel_id: channel, thread_ts: thread, user_id: user } = event.assistant_thread;
    const begun = { id: body.event_id, channel, thread };
    return events.once(begun, async () => {
      if (await events.person({ user, team: body.team_id }, begun))
        await client.call('assistant.threads.setSuggestedPrompts', { channel_id: channel, thread_ts: thread, prompts });
    });
  });

  async function hear(said: Said, { event_id: id, team_id }: { event_id: string; team_id: string }): Promise<void> {
    const { user, channel, ts, thread_ts: thread = ts } = said;
    const isEdit = said.subtype !== undefined && said.subtype !== 'file_share';
    if (user === undefined || user === self() || said.bot_id !== undefined || isEdit) return;
    const teams = [said.team, said.user_team, said.source_team, team_id];
    const team = teams.find(each => each !== undefined && each !== workspace) ?? workspace;
    await events.once({ id, channel, thread }, async () => {
      const person = await events.person({ user, team }, { id, channel, thread });
      if (person === undefined) return;
      const text = wordsOf(said.text ?? '', self());
      await inTurn(`${channel} ${thread} ${person.name}`, async () => {
        await showStatus(channel, thread);
        await answer(parts, { id, person, user, channel, thread, ts, text });
      });
    });
  }

  function inTurn(key: string, work: () => Promise<void>): Promise<void> {
    const before = turns.get(key) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(work);
    turns.set(key, mine);
    return mine.finally(() => {
      if (turns.get(key) === mine) turns.delete(key);
    });
  }

  /** Decoration, without which all goes on. */
  async function showStatus(channel_id: string, thread_ts: string): Promise<void> {
    const shown = client.call('assistant.threads.setStatus', { channel_id, thread_ts, status: 'is looking…' });
    await shown.catch(() => undefined);
  }
}
