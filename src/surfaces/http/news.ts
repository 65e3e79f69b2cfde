/** News of an operation, for clients that wait for it. */
import { setTimeout as delay } from 'node:timers/promises';
import { hasEnded } from '../../core/operation.ts';
import type { Caller } from '../../core/tool.ts';
import type { ServiceDoor } from '../../gateway/door.ts';
import type { EventsAnswer } from './api.ts';

/** Of a rollout over thousands of nodes there are tens of thousands. */
const mostEvents = 200;

export type Wait = { after: number; waitMs: number; caller: Caller };

/**
 * Events after `after`; with nothing new, waits until there is, the operation ends, or the time is over. Throws `forbidden`
 * before it waits to whom policy does not let read the operation.
 */
export async function news(
  { reads, records: { operations } }: ServiceDoor,
  id: string,
  { after, waitMs, caller }: Wait,
): Promise<EventsAnswer> {
  const until = Date.now() + waitMs;
  const head = await operations.head(id);
  await reads.check(head, ['getOperation'], caller);
  for (let { state } = head; ; { state } = await operations.head(id)) {
    const [next] = await operations.events(id, after, 1);
    if (next || hasEnded(state) || Date.now() >= until) break;
    await delay(200);
  }
  // In this order, so that whoever reads of the end has what was told before it.
  const operation = await operations.get(id);
  const events = await operations.events(id, after, mostEvents + 1);
  return { operation, events: events.slice(0, mostEvents), more: events.length > mostEvents };
}
