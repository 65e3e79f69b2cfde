/** News of an operation, for clients that wait for it. */
import { setTimeout as delay } from 'node:timers/promises';
import { hasEnded } from '../../core/operation.ts';
import type { ServiceDoor } from '../../gateway/door.ts';
import type { EventsAnswer } from './api.ts';

/** Events after `after`; with nothing new, waits until there is, the operation ends, or the time is over. */
export async function news({ records }: ServiceDoor, id: string, after: number, waitMs: number): Promise<EventsAnswer> {
  const until = Date.now() + waitMs;
  for (;;) {
    const [operation, events] = [await records.operations.get(id), await records.operations.events(id, after)];
    if (events.length > 0 || hasEnded(operation.state) || Date.now() >= until) return { operation, events };
    await delay(200);
  }
}
