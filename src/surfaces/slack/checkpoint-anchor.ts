/**
 * An anchor that is a channel of Slack: each checkpoint is a message that everybody there has seen, and nobody of theirs can
 * take back. Give it a channel of its own.
 */
import type { Anchor } from '../../core/anchor.ts';
import { FleetError } from '../../core/errors.ts';
import { piece, preformatted, richText, section } from './blocks/rich-text.ts';
import type { SlackClient } from './slack-client.ts';

const event_type = 'groundskeeper_checkpoint';
const mostBetween = 1_000;

/** Throws as the client does; `precondition_failed` where others have said so much that ours cannot be found. */
export function checkpointAnchor(client: SlackClient, channel: string): Anchor {
  return {
    name: `slack ${channel}`,
    async newest() {
      const user = await client.self();
      let seen = 0;
      for await (const message of client.messages({ channel })) {
        seen += 1;
        const { metadata } = message;
        if (message.user === user && metadata?.event_type === event_type) return String(metadata.event_payload?.note);
      }
      if (seen < mostBetween) return undefined;
      throw new FleetError({
        code: 'precondition_failed',
        retry: 'later',
        message: `none of the newest ${mostBetween} messages in ${channel} is a checkpoint`,
        hint: 'give checkpoints a channel of their own, in which nobody else writes',
      });
    },
    async post(note) {
      const size = note.split('\n')[1];
      const text = `Custody checkpoint: ${size} entries`;
      await client.call('chat.postMessage', {
        channel,
        text,
        blocks: [richText([section([piece(text)]), preformatted(note)])],
        metadata: { event_type, event_payload: { note } },
      });
    },
  };
}
