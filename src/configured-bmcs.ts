/** The BMCs of the configuration, and how their events come in. */
import { type Mailboxes, openMailboxes } from './adapters/redfish/events/mailboxes.ts';
import { openBmcs } from './adapters/redfish/open-bmcs.ts';
import type { Config } from './config.ts';
import type { Bmcs, LoginLedger, SessionLedger } from './core/bmc.ts';
import type { SubscriptionLedger } from './core/bmc-events.ts';
import { FleetError } from './core/errors.ts';
import { allNodes } from './core/fleet.ts';

type Ledgers = { sessions: SessionLedger; refusedLogins: LoginLedger; subscriptions: SubscriptionLedger };

/** Binds the addresses that BMCs push events to. Connects to no BMC yet. Throws port_taken, invalid_config. */
export async function openConfiguredBmcs(config: Config, records: Ledgers): Promise<Bmcs> {
  const { sampleEveryMs, events } = config.health;
  const hears = events === 'on' && sampleEveryMs !== 'off';
  const mailboxes = hears ? await openMailboxes({ sites: config.eventListeners }) : undefined;
  const bmcs = openBmcs({
    bmcs: accessOf(config),
    ledger: records.sessions,
    logins: records.refusedLogins,
    events: {
      ...(hears ? {} : { streams: 0 }),
      mailboxes,
      ledger: records.subscriptions,
      spreadMs: sampleEveryMs === 'off' ? 0 : sampleEveryMs,
    },
  });
  return withMailboxes(bmcs, mailboxes);
}

/** What BMCs still push while they are told to stop is taken in. */
function withMailboxes(bmcs: Bmcs, mailboxes: Mailboxes | undefined): Bmcs {
  return {
    ...bmcs,
    async end() {
      await bmcs.end().finally(() => mailboxes?.close());
    },
  };
}

function accessOf({ fleet, bmcCredentials, bmcCas }: Config) {
  return allNodes(fleet).map(({ name, site, server }) => {
    const credential = bmcCredentials.get(server.credential);
    if (!credential)
      throw new FleetError({
        code: 'invalid_config',
        message: `node ${name} names the unknown credential ${server.credential}`,
      });
    const password = credential.password.reveal();
    return {
      node: name,
      site,
      url: server.bmcUrl,
      username: credential.username,
      password,
      spki: server.spki,
      ca: bmcCas.get(name),
      systemUri: server.systemUri,
    };
  });
}
