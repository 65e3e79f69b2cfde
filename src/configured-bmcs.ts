/** The BMCs of the configuration, and how their events come in. */
import { type Mailboxes, openMailboxes } from './adapters/redfish/events/mailboxes.ts';
import { type OpenBmcsOptions, openBmcs } from './adapters/redfish/open-bmcs.ts';
import type { Config } from './config.ts';
import type { Bmcs, LoginLedger, SessionLedger } from './core/bmc.ts';
import type { Hint, SubscriptionLedger } from './core/bmc-events.ts';
import { FleetError } from './core/errors.ts';
import { allNodes } from './core/fleet.ts';

type Ledgers = { sessions: SessionLedger; refusedLogins: LoginLedger; subscriptions: SubscriptionLedger };

/** `listen` binds the addresses that BMCs push events to, and then throws port_taken where it cannot. */
export type ConfiguredBmcs = Omit<Bmcs, 'listen'> & { listen(hint: Hint): Promise<void> };

/** Of no configuration: only a bench whose machines live faster has others than the product's. */
export type BmcLimits = Pick<OpenBmcsOptions, 'logInWindowMs'>;

/** Connects to no BMC yet. `mayWrite` is asked before each write goes out. Throws invalid_config. */
export function openConfiguredBmcs(
  config: Config,
  records: Ledgers,
  limits: BmcLimits & Pick<OpenBmcsOptions, 'mayWrite'>,
): ConfiguredBmcs {
  const { sampleEveryMs, events } = config.health;
  const hears = events === 'on' && sampleEveryMs !== 'off';
  const how = {
    ...(hears ? {} : { streams: 0 }),
    mailboxes: undefined as Mailboxes | undefined,
    ledger: records.subscriptions,
    spreadMs: sampleEveryMs === 'off' ? 0 : sampleEveryMs,
  };
  const bmcs = openBmcs({
    bmcs: accessOf(config),
    ledger: records.sessions,
    logins: records.refusedLogins,
    events: how,
    ...limits,
    // Where nobody looks again and again, a connection that is kept only costs memory.
    ...(sampleEveryMs === 'off' && { kept: 0 }),
  });
  return {
    ...bmcs,
    async listen(hint) {
      if (hears) how.mailboxes = await openMailboxes({ sites: config.eventListeners });
      bmcs.listen(hint);
    },
    /** What BMCs still push while they are told to stop is taken in. */
    async end() {
      await bmcs.end().finally(() => how.mailboxes?.close());
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
