/**
 * One message about one thing, kept up to date. It is claimed in the database
 * before it is sent, and carries its key: where an answer was lost, or a
 * process died in between, the channel is asked several times whether it
 * stands there before anything is sent again, since Slack may show late what
 * it took. One that nobody can change any more is posted anew.
 */
import { digestOf } from '../../core/canonical.ts';
import { FleetError } from '../../core/errors.ts';
import type { PostStore } from '../../core/posts.ts';
import type { Card } from './pieces.ts';
import { SlackRefusal } from './slack-client.ts';

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

/** Where the message stands; undefined while nobody knows: to be called again, in a second or two. */
export type KeepPost = (kept: Kept) => Promise<string | undefined>;

const looks = 5;
/** Somebody deleted it, or Slack lets nobody change it, or not where it stands. */
const unchangeable = new Set([
  'message_not_found',
  'cant_update_message',
  'edit_window_closed',
  'channel_not_found',
  'is_archived',
]);

/** Sends nothing where it says the same already. */
export function postKeeper({ store, messages }: PostParts): KeepPost {
  /** Of each key whose message may stand somewhere: how often it is looked for before it is sent. */
  const looksLeft = new Map<string, number>();
  const forsaken = new Set<string>();

  async function send({ key, card, final }: Kept, place: string): Promise<string> {
    looksLeft.set(key, looks);
    const at = await messages.post(place, card, key).catch((thrown: unknown) => {
      if (thrown instanceof FleetError && thrown.code !== 'ambiguous') looksLeft.set(key, 0);
      throw thrown;
    });
    await store.sent(key, { at, digest: digestOf(card), final });
    looksLeft.delete(key);
    return at;
  }

  async function change(kept: Kept, { place, at }: { place: string; at: string }): Promise<string> {
    const { key, channel, card, final } = kept;
    try {
      await messages.update(place, at, card);
    } catch (thrown) {
      if (!(thrown instanceof SlackRefusal && unchangeable.has(thrown.error))) throw thrown;
      forsaken.add(at);
      await store.gone(key, channel);
      return send(kept, channel);
    }
    await store.sent(key, { at, digest: digestOf(card), final });
    looksLeft.delete(key);
    return at;
  }

  /** Whether it may be sent: nothing of ours stands there, as far as several looks tell. */
  function looked(key: string): boolean {
    const left = looksLeft.get(key) ?? looks;
    looksLeft.set(key, Math.max(0, left - 1));
    return left <= 1;
  }

  return async kept => {
    const { key, channel, card, final } = kept;
    const digest = digestOf(card);
    const known = await store.get(key);
    if (known?.at !== undefined && known.digest === digest) {
      if (known.final !== final) await store.sent(key, { at: known.at, digest, final });
      return known.at;
    }
    // Another process may be about to post it.
    if (!known) return (await store.claim({ key, channel })) ? send(kept, channel) : undefined;
    const place = known.channel;
    if (known.at !== undefined) return change(kept, { place, at: known.at });
    const found = looksLeft.get(key) === 0 ? undefined : await messages.find(place, key);
    if (found !== undefined && !forsaken.has(found)) return change(kept, { place, at: found });
    return looked(key) ? send(kept, place) : undefined;
  };
}
