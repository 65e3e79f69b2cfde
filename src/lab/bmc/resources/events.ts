/** EventService and who subscribed to it. */
import type { Controller } from '../controller.ts';
import type { Subscription } from '../events.ts';
import { type Body, collection, link } from '../reply.ts';
import type { Resources } from './tree.ts';

const eventServiceUri = '/redfish/v1/EventService';
export const subscriptionsUri = `${eventServiceUri}/Subscriptions`;
export const testEventUri = `${eventServiceUri}/Actions/EventService.SubmitTestEvent`;

export function eventResources(bmc: Controller): Resources {
  const subscriptions = bmc.events.subscriptions();
  return {
    [eventServiceUri]: () => serviceBody(bmc),
    [subscriptionsUri]: () =>
      collection({
        uri: subscriptionsUri,
        type: 'EventDestinationCollection',
        name: 'Event Subscriptions',
        members: subscriptions.map(({ id }) => `${subscriptionsUri}/${id}`),
      }),
    ...Object.fromEntries(
      subscriptions.map(subscription => [
        `${subscriptionsUri}/${subscription.id}`,
        () => subscriptionBody(subscription),
      ]),
    ),
  };
}

function serviceBody({ profile }: Controller): Body {
  const { sse, eventTypes, retryAttempts, retryIntervalSeconds } = profile.acts.events;
  return {
    '@odata.id': eventServiceUri,
    '@odata.type': '#EventService.v1_7_0.EventService',
    Id: 'EventService',
    Name: 'Event Service',
    ServiceEnabled: true,
    Status: { Health: 'OK', State: 'Enabled' },
    DeliveryRetryAttempts: retryAttempts,
    DeliveryRetryIntervalSeconds: retryIntervalSeconds,
    EventFormatTypes: ['Event'],
    ...(eventTypes === undefined ? {} : { EventTypesForSubscription: eventTypes }),
    ...(sse === undefined ? {} : { ServerSentEventUri: sse }),
    Subscriptions: link(subscriptionsUri),
    Actions: { '#EventService.SubmitTestEvent': { target: testEventUri } },
  };
}

export function subscriptionBody({ id, type, destination, context, eventTypes }: Subscription): Body {
  return {
    '@odata.id': `${subscriptionsUri}/${id}`,
    '@odata.type': '#EventDestination.v1_9_0.EventDestination',
    Id: id,
    Name: `Event Subscription ${id}`,
    ...(type === 'SSE' ? {} : { Destination: destination, HttpHeaders: [] }),
    Context: context,
    Protocol: 'Redfish',
    SubscriptionType: type,
    EventFormatType: 'Event',
    ...(eventTypes === undefined ? {} : { EventTypes: eventTypes }),
    Status: { Health: 'OK', State: 'Enabled' },
  };
}
