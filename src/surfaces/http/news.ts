/** News of an operation, for clients that wait for it. */
import { setTimeout as delay } from 'node:timers/promises';
import { hasEnded } from '../../core/operation.ts';
import type { ServiceDoor } from '../../gateway/door.ts';
import type { EventsAnswer } from './api.ts';

/** Of a rollout over thousands of nodes there are tens of thousands. */
const mostEvents = 200;

/** Events after `after`; with nothing new, waits until there is, the operation ends, or the time is over. */
export async function news(
  { records: { operations } }: ServiceDoor,
  id: string,
  { after, waitMs }: { after: number; waitMs: number },
): Promise<EventsAnswer> {
  const until = Date.now() + waitMs;
  for (;;) {
    const [{ state }, [next]] = [await operations.head(id), await operations.events(id, after, 1)];
    if (next || hasEnded(state) || Date.now() >= until) break;
    await delay(200);
  }
  // In this order, so that whoever reads of the end has what was told before it.
  const operation = await operations.get(id);
  const events = await operations.events(id, after, mostEvents + 1);
  return { operation, events: events.slice(0, mostEvents), more: events.length > mostEvents };
}
