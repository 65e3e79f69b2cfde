/**
 * The timeline of each rollout that ended, in the thread of its message. What
 * is owed is claimed in the database before that message is final, so that a
 * restart takes it up, and found by its name where it stands already.
 */
import type { Fleet } from '../../core/fleet.ts';
import { hasEnded, type Operation } from '../../core/operation.ts';
import { rolloutPicture } from '../../core/picture.ts';
import type { PostStore } from '../../core/posts.ts';
import type { ServiceDoor } from '../../gateway/door.ts';
import type { Pictures } from './pictures.ts';

export type TimelineParts = {
  posts: PostStore;
  pictures: Pictures;
  channel: string;
  fleet: Pick<Fleet, 'sites'>;
  records: { operations: Pick<ServiceDoor['records']['operations'], 'get' | 'events'> };
};

export type Timelines = {
  /** To be called before the message of an operation is final. */
  owe(operation: Operation): Promise<void>;
  /** Begins to post what is owed, of the operations with these ids, and waits for none of it. */
  post(owed: string[]): void;
};

export const timelineNoun = 'timeline';

export function createTimelines({ posts, pictures, channel, fleet, records }: TimelineParts): Timelines {
  const begun = new Set<string>();

  async function post(id: string): Promise<void> {
    const words = await posts.get(`operation/${id}`);
    if (words?.at === undefined) return;
    const operation = await records.operations.get(id);
    const events = await records.operations.events(id, 0);
    const timeZone = fleet.sites.find(({ name }) => name === operation.site)?.timeZone ?? 'UTC';
    const picture = rolloutPicture(operation, { timeZone, events });
    const key = `${timelineNoun}/${id}`;
    const place = { channel: words.channel, thread: words.at };
    if (await pictures.show({ place, picture, key, mayStand: true }))
      await posts.sent(key, { at: words.at, digest: '', final: true });
  }

  return {
    async owe({ id, state, kind, nodes }) {
      if (hasEnded(state) && (kind === 'firmware-rollout' || nodes.length > 1))
        await posts.claim({ key: `${timelineNoun}/${id}`, channel });
    },
    post(owed) {
      for (const id of owed) {
        if (begun.has(id)) continue;
        begun.add(id);
        void post(id)
          .catch(() => undefined)
          .finally(() => begun.delete(id));
      }
    },
  };
}
