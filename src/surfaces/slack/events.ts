/**
 * What comes from Slack, taken up once: Slack sends again what it thinks was
 * lost, also to the process that comes after this one. Who said it is asked
 * each time, and whoever is nobody is told so where only they see it.
 */
import type { ChatEvent } from '../../core/chat.ts';
import { FleetError } from '../../core/errors.ts';
import type { Person } from '../../core/fleet.ts';
import { fallbackText, slackBlocks } from './blocks/render-blocks.ts';
import type { Sender } from './identity.ts';
import type { SlackParts } from './parts.ts';
import type { Message } from './slack-client.ts';

export type Events = {
  /** Does the work unless this event was taken up before. Never throws: what fails is logged, since nobody is left to tell. */
  once(event: ChatEvent, work: () => Promise<void>): Promise<void>;
  /** The person; undefined after it was said privately why there is none. Throws where nobody can say. */
  person(sender: Sender, event: ChatEvent): Promise<Person | undefined>;
  /** Tells those who got no answer from an earlier life of the service, once. */
  tellInterrupted(): Promise<void>;
  /** When all that was taken up is done. */
  idle(): Promise<unknown>;
};

/** Reads what is unanswered now, so to be made before anything is taken up. */
export function createEvents({ chat, client, identify, log, signal }: SlackParts): Events {
  const underWay = new Set<Promise<void>>();
  let interrupted: Promise<ChatEvent[]> | undefined = chat.unanswered();
  interrupted.catch(() => undefined);

  return {
    once(event, work) {
      const mine = takeUp(event, work).finally(() => underWay.delete(mine));
      underWay.add(mine);
      return mine;
    },

    async person(sender, { id, channel, thread }) {
      const found = await identify(sender);
      if ('person' in found) return found.person;
      const message = refusal(found.refused);
      if (channel.startsWith('D')) await client.postSurely({ channel, thread }, message, `${id}/refused`);
      else await client.call('chat.postEphemeral', { channel, thread_ts: thread, user: sender.user, ...message });
      return undefined;
    },

    async tellInterrupted() {
      const waiting = (await interrupted?.catch(() => [])) ?? [];
      interrupted = undefined;
      for (const event of waiting) await tellAgain(event);
    },

    idle: () => Promise.allSettled(underWay),
  };

  async function takeUp(event: ChatEvent, work: () => Promise<void>): Promise<void> {
    try {
      if (!(await chat.claim(event))) return;
      await work();
      await chat.answered(event.id);
    } catch (thrown) {
      if (signal.aborted) return;
      log.error({ error: FleetError.from(thrown), channel: event.channel }, 'an event of Slack was not answered');
    }
  }

  async function tellAgain({ id, channel, thread }: ChatEvent): Promise<void> {
    const text = 'I was stopped while I answered. Please ask again.';
    const message = { text, blocks: slackBlocks([{ text, tone: 'warn' }]) };
    const key = `${id}/stopped`;
    try {
      if ((await client.find({ channel, thread }, key)) === undefined)
        await client.postSurely({ channel, thread }, message, key);
      await chat.answered(id);
    } catch (thrown) {
      log.warn({ error: FleetError.from(thrown).message, channel }, 'nobody was told of an answer that was cut off');
    }
  }
}

/** What somebody is told who is not served, and what they can do. */
export function refusal(text: string, hint?: string): Message {
  const said = [{ text }, ...(hint === undefined ? [] : [{ text: hint, tone: 'muted' as const }])];
  return { text: fallbackText(said), blocks: slackBlocks(said) };
}
