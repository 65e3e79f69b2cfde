/**
 * Our subscription on one BMC: one at a time, found again after a lost answer
 * or a kill -9, and taken back. The address that events go to is written down
 * before the BMC is asked; by that, and by nothing else, ours is told from
 * those of others.
 */
import { z } from 'zod';
import type { SubscriptionLedger } from '../../../core/bmc-events.ts';
import { FleetError } from '../../../core/errors.ts';
import { BmcStatus } from '../answer.ts';
import type { Connection } from '../connection.ts';
import { pathOnBmc } from '../links.ts';
import { sendSurely } from '../patience.ts';
import { text } from '../schema.ts';
import type { Session } from '../session.ts';
import type { Wire } from '../wire.ts';
import type { EventOffer } from './event-offer.ts';
import { contextOf } from './mailboxes.ts';

const eventDestination = z.object({ Destination: text, Context: text });
type Offered = Exclude<EventOffer, { none: string }>;
type Place = Offered & { subscriptions: string };

type Fields = {
  wire: Wire;
  session: Session;
  connection: Connection;
  ledger: SubscriptionLedger;
  /** What earlier lives wrote down for this BMC. Rejects with the ledger. */
  recorded(): Promise<string[]>;
};

export class Subscription {
  readonly #fields: Fields;
  /** Destinations under which the BMC may have subscriptions of ours, of this life or an earlier one. */
  readonly #recorded = new Set<string>();
  #inherited = false;
  #made: { uri: string; destination: string; startedAt: string | undefined } | undefined;

  constructor(fields: Fields) {
    this.#fields = fields;
  }

  /** Takes in what earlier lives left, once. Rejects with the ledger. */
  async inherit(): Promise<void> {
    if (this.#inherited) return;
    for (const destination of await this.#fields.recorded()) this.#recorded.add(destination);
    this.#inherited = true;
  }

  /** Whether something of an earlier life, or of a request without an answer, may be left. */
  get untidy(): boolean {
    return this.#recorded.size > (this.#made === undefined ? 0 : 1);
  }

  /**
   * Sees to it that events go to `destination`: asks whether they do, and subscribes where they do not, or where the BMC has
   * started anew since. Throws bmc_refused where the BMC refuses, and what reading and writing throw.
   */
  async assert(place: Place, destination: string): Promise<void> {
    const isSame = this.#made?.destination === destination && this.#made.startedAt === place.startedAt;
    if (isSame && (await this.#stands())) return;
    await this.clear(place.subscriptions);
    await this.#fields.ledger.opened(this.#fields.wire.url, destination);
    this.#recorded.add(destination);
    const { connection, wire } = this.#fields;
    const outcome = await connection.post(place.subscriptions, requestFor(place, destination));
    if (outcome.outcome === 'refused') {
      await this.#forget(destination);
      throw new FleetError({
        code: 'bmc_refused',
        retry: 'later',
        message: `${wire.url} refused a subscription to its events (${outcome.status})`,
        untrusted: outcome.reason,
      });
    }
    const [uri] = outcome.location === undefined ? await this.#ours(place.subscriptions) : [outcome.location];
    if (uri !== undefined) this.#made = { uri, destination, startedAt: place.startedAt };
  }

  /** Takes back all that may be ours, with the list of subscriptions where one is known. Throws what the BMC leaves undone. */
  async clear(subscriptions: string | undefined): Promise<void> {
    const made = this.#made;
    if (made !== undefined) {
      await this.#delete(made.uri);
      this.#made = undefined;
      await this.#forget(made.destination);
    }
    if (this.#recorded.size === 0 || subscriptions === undefined) return;
    for (const uri of await this.#ours(subscriptions)) await this.#delete(uri);
    for (const destination of [...this.#recorded]) await this.#forget(destination);
  }

  /** Events still go where they should; after a restart another's subscription may stand at our address. */
  async #stands(): Promise<boolean> {
    const made = this.#made;
    if (made === undefined) return false;
    const found = await this.#read(made.uri);
    return found !== undefined && isFor(found, made.destination);
  }

  /** Throws bmc_protocol where the list is not whole: what it leaves out may be ours. */
  async #ours(subscriptions: string): Promise<string[]> {
    const { members, complete } = await this.#fields.connection.members(subscriptions);
    if (!complete)
      throw new FleetError({
        code: 'bmc_protocol',
        retry: 'later',
        message: `${this.#fields.wire.url} gave no whole list of its subscriptions`,
      });
    const ours: string[] = [];
    for (const { uri } of members) {
      const found = await this.#read(uri);
      if (found !== undefined && [...this.#recorded].some(each => isFor(found, each))) ours.push(uri);
    }
    return ours;
  }

  /** Undefined for what is not there. */
  async #read(uri: string): Promise<z.infer<typeof eventDestination> | undefined> {
    return this.#fields.connection.read(uri, eventDestination).catch((error: unknown) => {
      if (FleetError.from(error).code === 'not_found') return undefined;
      throw error;
    });
  }

  async #delete(uri: string): Promise<void> {
    const { wire, session } = this.#fields;
    const path = pathOnBmc(wire.url, uri);
    const answer = await session.read(headers => sendSurely(wire, { method: 'DELETE', path, headers }));
    if (answer.status < 300 || answer.status === 404 || answer.status === 410) return;
    throw new BmcStatus(wire.where('DELETE', path), answer);
  }

  async #forget(destination: string): Promise<void> {
    await this.#fields.ledger.closed(this.#fields.wire.url, destination);
    this.#recorded.delete(destination);
  }
}

/** Some BMCs show a destination without what they take for secret in it; the context stays. */
function isFor({ Destination, Context }: z.infer<typeof eventDestination>, destination: string): boolean {
  return Destination === destination || Context === contextOf(destination);
}

function requestFor({ eventTypes }: Place, destination: string): Record<string, unknown> {
  return {
    Destination: destination,
    Protocol: 'Redfish',
    Context: contextOf(destination),
    ...(eventTypes?.includes('Alert') ? { EventTypes: ['Alert'] } : {}),
  };
}
