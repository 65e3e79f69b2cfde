/** An operation as it is lived through: its events so far, and waits for what they tell. */
import { setTimeout as delay } from 'node:timers/promises';
import { hasEnded, type Operation, type OperationEvent } from '../../src/core/operation.ts';
import type { Client } from '../../src/surfaces/cli/client.ts';
import { eventually } from './stack.ts';

export type Followed = {
  id: string;
  events: OperationEvent[];
  /** Waits for an event that satisfies. Throws after 150 s. */
  tells(what: string, satisfies: (event: OperationEvent) => boolean): Promise<OperationEvent>;
  ended: Promise<Operation>;
};

/** Follows until the end; `client` is asked again after each failure, so that the service may be another by then. */
export function follow(id: string, client: () => Promise<Client>): Followed {
  const events: OperationEvent[] = [];
  const ended = toTheEnd(id, client, events);
  ended.catch(() => undefined);
  return {
    id,
    events,
    tells: (what, satisfies) => eventually(what, async () => events.find(satisfies), 150_000),
    ended,
  };
}

async function toTheEnd(id: string, client: () => Promise<Client>, events: OperationEvent[]): Promise<Operation> {
  const until = Date.now() + 150_000;
  while (Date.now() < until) {
    const after = events.at(-1)?.seq ?? 0;
    const answer = await client()
      .then(each => each.operationEvents(id, { after, waitMs: 5000 }))
      .catch(() => undefined);
    events.push(...(answer?.events ?? []));
    if (answer && !answer.more && hasEnded(answer.operation.state)) return lastEvents(id, client, events);
    if (answer === undefined) await delay(200);
  }
  throw new Error(`${id} did not end in time; last: ${events.at(-1)?.message}`);
}

/** What was told between the last answer and the end. */
async function lastEvents(id: string, client: () => Promise<Client>, events: OperationEvent[]): Promise<Operation> {
  const rest = await (await client()).operationEvents(id, { after: events.at(-1)?.seq ?? 0, waitMs: 0 });
  events.push(...rest.events);
  return rest.operation;
}
