/** What several parts ask of a whole configuration: who there is, under which names elsewhere, and which secrets. */
import { Secret } from '../core/secret.ts';
import type { Config } from './config-types.ts';

/** Who exists, as policies are checked against it. */
export function directoryOf({ people, directory, oidc, fleet }: Config): { groups: string[]; sites: string[] } {
  return {
    groups: [
      ...new Set([
        ...people.flatMap(({ groups }) => groups),
        ...(directory?.accept ?? []),
        ...(oidc?.groups?.accept ?? []),
      ]),
    ],
    sites: fleet.sites.map(({ name }) => name),
  };
}

/** Name of the person by subject at the issuer, or by member of the chat. */
export function linksBy({ people }: Pick<Config, 'people'>, link: 'subject' | 'slack'): Map<string, string> {
  return new Map(people.flatMap(({ name, [link]: id }) => (id === undefined ? [] : [[id, name] as const])));
}

/** Every secret that the program holds, for what must not let one out. */
export function secretsOf({ databaseUrl, bmcCredentials, oidc, rollout, assistant, slack }: Config): Secret[] {
  return [
    ...(databaseUrl === 'embedded' ? [] : [databaseUrl, ...passwordIn(databaseUrl)]),
    ...[...bmcCredentials.values()].map(({ password }) => password),
    ...(oidc?.clientSecret ? [oidc.clientSecret] : []),
    ...rollout.ownChecks.flatMap(({ bearer }) => (bearer ? [bearer] : [])),
    ...(assistant?.apiKey ? [assistant.apiKey] : []),
    ...(slack ? [slack.botToken, 'appToken' in slack.way ? slack.way.appToken : slack.way.signingSecret] : []),
  ];
}

function passwordIn(url: Secret): Secret[] {
  const { password } = new URL(url.reveal());
  return password === '' ? [] : [new Secret(decodeURIComponent(password))];
}
