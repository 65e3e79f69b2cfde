/** What a BMC offers to those who want to hear of events. */
import { z } from 'zod';
import type { Connection } from '../connection.ts';
import { flag, link, text, texts } from '../schema.ts';
import type { Topology } from '../topology.ts';

const eventService = z.object({
  ServiceEnabled: flag,
  ServerSentEventUri: text,
  Subscriptions: link,
  EventTypesForSubscription: texts,
});
const manager = z.object({ LastResetTime: text });

export type EventOffer =
  /** Why there is nothing to be had, as the end of a sentence. */
  | { none: string }
  | {
      stream: string | undefined;
      subscriptions: string | undefined;
      /** The kinds of events that can be asked for, where the BMC wants to be told one. */
      eventTypes: string[] | undefined;
      /** It bears one request at a time: a connection that is held would be too much. */
      weak: boolean;
      /** When the BMC itself last started, in its own words. */
      startedAt: string | undefined;
    };

/** Throws when the event service is there and cannot be read. */
export async function readEventOffer(connection: Connection, topology: Topology): Promise<EventOffer> {
  if (topology.eventService === undefined) return { none: 'it has no event service' };
  const service = await connection.read(topology.eventService, eventService, { lasting: true });
  if (service.ServiceEnabled === false) return { none: 'its event service is switched off' };
  const [managerUri] = topology.managerUris;
  const managed = managerUri === undefined ? undefined : await connection.read(managerUri, manager);
  return {
    stream: service.ServerSentEventUri ?? undefined,
    subscriptions: service.Subscriptions ?? undefined,
    eventTypes: service.EventTypesForSubscription ?? undefined,
    weak: topology.profile.inFlight === 1,
    startedAt: managed?.LastResetTime ?? undefined,
  };
}
