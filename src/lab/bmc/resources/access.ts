/** Sessions and accounts as resources. Passwords and tokens never appear in a body. */
import { sessionTimeoutSeconds } from '../access.ts';
import type { Controller } from '../controller.ts';
import { type Body, collection, link } from '../reply.ts';
import type { Resources } from './tree.ts';

export const sessionsUri = '/redfish/v1/SessionService/Sessions';
const accountsUri = '/redfish/v1/AccountService/Accounts';

export function accessResources(bmc: Controller): Resources {
  const sessions = bmc.access.sessions();
  return {
    '/redfish/v1/SessionService': () => ({
      '@odata.id': '/redfish/v1/SessionService',
      '@odata.type': '#SessionService.v1_1_8.SessionService',
      Id: 'SessionService',
      Name: 'Session Service',
      ServiceEnabled: true,
      SessionTimeout: sessionTimeoutSeconds,
      Sessions: link(sessionsUri),
    }),
    [sessionsUri]: () =>
      collection({
        uri: sessionsUri,
        type: 'SessionCollection',
        name: 'Sessions',
        members: sessions.map(({ id }) => `${sessionsUri}/${id}`),
      }),
    ...Object.fromEntries(sessions.map(session => [`${sessionsUri}/${session.id}`, () => sessionBody(session)])),
    '/redfish/v1/AccountService': () => ({
      '@odata.id': '/redfish/v1/AccountService',
      '@odata.type': '#AccountService.v1_9_0.AccountService',
      Id: 'AccountService',
      Name: 'Account Service',
      ServiceEnabled: true,
      ...lockoutFacts(bmc),
      Accounts: link(accountsUri),
    }),
    [accountsUri]: () =>
      collection({
        uri: accountsUri,
        type: 'ManagerAccountCollection',
        name: 'Accounts',
        members: [`${accountsUri}/1`],
      }),
    [`${accountsUri}/1`]: () => ({
      '@odata.id': `${accountsUri}/1`,
      '@odata.type': '#ManagerAccount.v1_8_0.ManagerAccount',
      Id: '1',
      Name: 'User Account',
      UserName: bmc.access.account.username,
      Password: null,
      RoleId: 'Administrator',
      Enabled: true,
      Locked: bmc.access.locked,
      AccountTypes: ['Redfish'],
    }),
  };
}

/** What the BMC says of its lockout, which need not be what it does. */
function lockoutFacts({ access }: Controller): Body {
  const { threshold, seconds, shown = threshold } = access.lockout;
  return shown === null ? {} : { AccountLockoutThreshold: shown, AccountLockoutDuration: seconds };
}

export function sessionBody(session: { id: string; username: string; created: Date }): Body {
  return {
    '@odata.id': `${sessionsUri}/${session.id}`,
    '@odata.type': '#Session.v1_4_0.Session',
    Id: session.id,
    Name: 'User Session',
    UserName: session.username,
    CreatedTime: session.created.toISOString(),
  };
}
