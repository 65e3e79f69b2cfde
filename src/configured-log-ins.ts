/** Who may come in, and by which doors, from the configuration. Part of the composition of the service; decides nothing. */
import { identityProvider } from './adapters/oidc/identity-provider.ts';
import type { Database } from './adapters/postgres/database.ts';
import { type Config, linksBy } from './config.ts';
import type { Approval } from './core/approval.ts';
import { servicePerson } from './core/fleet.ts';
import type { People } from './guard/authority.ts';
import { browserLogIns } from './guard/browser-log-ins.ts';
import { ClaimGroups } from './guard/claim-groups.ts';
import { deedTickets } from './guard/deed-tickets.ts';
import { DirectoryGroups } from './guard/directory-groups.ts';
import { createLogins, type PageSession } from './guard/logins.ts';
import { type ProvedDeed, presenceProver, presenceWanted } from './guard/presence.ts';
import { standingOf } from './guard/standing.ts';
import { terminalLogIns } from './guard/terminal-log-ins.ts';

/** `browser` is there where an issuer is configured. */
export async function configuredLogIns(config: Config, records: Database, now: () => number = Date.now) {
  const { oidc } = config;
  const linked = linksBy(config, 'subject');
  const subjects = new Map([...linked].map(([subject, name]) => [name, subject]));
  const claims =
    oidc?.groups &&
    (await ClaimGroups.open({
      store: records.claimedGroups,
      issuer: oidc.issuer,
      subjects,
      ...oidc.groups,
      now,
    }));
  const directory =
    config.directory && new DirectoryGroups({ ...config.directory, people: config.people.map(({ name }) => name) });
  const persons = new Map(config.people.map(({ name, groups }) => [name, groups]));
  const people: People = {
    find(name) {
      if (name === servicePerson.name) return servicePerson;
      const groups = persons.get(name);
      const given = [...(directory?.of(name) ?? []), ...(claims?.of(name) ?? [])];
      return groups && { name, groups: [...new Set([...groups, ...given])] };
    },
    async read() {
      await directory?.read();
      await claims?.read();
    },
  };
  const logins = createLogins({
    people: config.people,
    directory: people,
    store: records.logins,
    mcpScope: config.mcp.scope,
    now,
  });
  const tickets = deedTickets(records.deedTickets, now);
  const browser =
    oidc &&
    browserLogIns({
      provider: identityProvider({ ...oidc, groupsClaim: oidc.groups?.claim }),
      linked,
      logins,
      tickets,
      store: records.logInsAway,
      claims,
      now,
    });
  return {
    people,
    directory,
    logins,
    provePresence: presenceProver({
      provePassphrase: logins.provePresence,
      session: logins.session,
      tickets,
      members: linksBy(config, 'slack'),
      now,
    }),
    doors: {
      browser,
      terminals: terminalLogIns(logins, now),
      presenceWanted: (deed: ProvedDeed, session: PageSession) =>
        presenceWanted(deed, session, { issuer: browser !== undefined, now: now() }),
      standing: (approval: Approval) => standingOf(approval, people, new Date(now())),
    },
  };
}
