/** Subscriptions to events, and a test event for them. */
import { z } from 'zod';
import type { Controller } from '../controller.ts';
import { type Body, problem, type Reply } from '../reply.ts';
import { subscriptionBody, subscriptionsUri } from '../resources/events.ts';

const httpHeaders = z.array(z.record(z.string(), z.string()));
const known: readonly string[] = [
  'Destination',
  'Protocol',
  'Context',
  'EventTypes',
  'EventFormatType',
  'SubscriptionType',
  'HttpHeaders',
];

/** Answers 201 with the subscription; events go out from then on. */
export function subscribe(bmc: Controller, body: Body): Reply {
  const { profile, events } = bmc;
  const odd = Object.keys(body).find(name => !known.includes(name));
  if (odd !== undefined) return problem(profile, 400, 'PropertyUnknown', odd);
  const { Destination: destination, Protocol: protocol, Context: context = '', EventTypes: eventTypes } = body;
  if (typeof destination !== 'string') return problem(profile, 400, 'PropertyMissing', 'Destination');
  if (!/^https?:$/.test(URL.parse(destination)?.protocol ?? '')) {
    return problem(profile, 400, 'PropertyValueFormatError', 'Destination');
  }
  if (protocol !== 'Redfish') return problem(profile, 400, 'PropertyValueNotInList', 'Protocol');
  const allowed = profile.acts.events.eventTypes;
  if (eventTypes !== undefined && !isListOf(eventTypes, allowed)) {
    return problem(profile, 400, 'PropertyValueNotInList', 'EventTypes');
  }
  const headers = headersOf(body.HttpHeaders);
  if (headers === undefined) return problem(profile, 400, 'PropertyValueFormatError', 'HttpHeaders');
  if (events.full) return problem(profile, 400, 'CreateLimitReachedForResource');
  const subscription = events.subscribe({ destination, context: String(context), eventTypes, headers });
  return {
    status: 201,
    body: subscriptionBody(subscription),
    headers: { Location: `${subscriptionsUri}/${subscription.id}` },
  };
}

export function unsubscribe(bmc: Controller, id: string): Reply {
  return bmc.events.unsubscribe(id) ? { status: 204 } : problem(bmc.profile, 404, 'ResourceMissingAtURI');
}

export function submitTestEvent(bmc: Controller, body: Body): Reply {
  const { Message: message = 'A test event.', MessageId: messageId = `${bmc.profile.baseRegistry}.Success` } = body;
  bmc.events.emit({ severity: 'OK', message: String(message), messageId: String(messageId), created: bmc.now() });
  return { status: 204 };
}

function isListOf(value: unknown, allowed: readonly string[] | undefined): value is string[] {
  return Array.isArray(value) && value.every(each => typeof each === 'string' && (allowed?.includes(each) ?? true));
}

/** Undefined for what is no list of objects with texts. */
function headersOf(value: unknown): Record<string, string> | undefined {
  const parsed = httpHeaders.safeParse(value ?? []);
  return parsed.success ? Object.assign({}, ...parsed.data) : undefined;
}
