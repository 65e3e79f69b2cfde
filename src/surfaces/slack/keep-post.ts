/**
 * One message about one thing, kept up to date. It is claimed in the database
 * before it is sent, and carries its key: where an answer was lost, or a
 * process died in between, the channel is asked whether it stands there before
 * anything is sent again.
 */
import { digestOf } from '../../core/canonical.ts';
import type { PostStore } from '../../core/posts.ts';
import type { Card } from './pieces.ts';

/** What is needed of Slack. Each throws where it is not known whether it happened. */
export type Messages = {
  /** Answers the message's timestamp, which is its name in the channel. */
  post(channel: string, card: Card, key: string): Promise<string>;
  update(channel: string, at: string, card: Card): Promise<void>;
  /** Of the newest messages of ours in the channel the one with this key. */
  find(channel: string, key: string): Promise<string | undefined>;
};

export type Kept = { key: string; channel: string; card: Card; final: boolean };

export type PostParts = { store: PostStore; messages: Messages };

/** Answers where the message stands. Sends nothing where it says the same already. */
export async function keepPost({ store, messages }: PostParts, { key, channel, card, final }: Kept): Promise<string> {
  const digest = digestOf(card);
  const known = await store.get(key);
  if (known?.at !== undefined && known.digest === digest) {
    if (known.final !== final) await store.sent(key, { at: known.at, digest, final });
    return known.at;
  }
  const place = known?.channel ?? channel;
  const standing = known?.at ?? (known ? await messages.find(place, key) : undefined);
  if (standing !== undefined) {
    await messages.update(place, standing, card);
    await store.sent(key, { at: standing, digest, final });
    return standing;
  }
  if (!known) await store.claim({ key, channel });
  const at = await messages.post(place, card, key);
  await store.sent(key, { at, digest, final });
  return at;
}
