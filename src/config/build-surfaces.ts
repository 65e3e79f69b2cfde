/** The parts of a configuration by which people and models come in, and by which it tells them. */
import { resolve } from 'node:path';
import type { Outside } from './check-files.ts';
import type { AssistantSettings, DigestSettings, OidcSettings, SlackSettings } from './config-types.ts';
import type { ConfigDocument } from './document-schema.ts';

/** By the clocks of its only site; of several, or of all, in UTC unless said. */
export function digestOf(
  { sites = [], timeZone, to, ...digest }: ConfigDocument['digests'][number],
  { sites: all }: ConfigDocument,
  baseDir: string,
): DigestSettings {
  const [only, ...others] = sites;
  const own = others.length === 0 ? all.find(({ name }) => name === only)?.timeZone : undefined;
  return {
    ...digest,
    sites,
    timeZone: timeZone ?? own ?? 'UTC',
    to: to.map(place => ('file' in place ? { file: resolve(baseDir, place.file) } : place)),
  };
}

export function assistantOf(
  {
    silence,
    tokensPerConversation,
    tokensPerDay,
    prices,
    costPerDay,
    apiKey: _,
    ...rest
  }: NonNullable<ConfigDocument['assistant']>,
  { modelKey }: Outside,
): AssistantSettings {
  return {
    ...rest,
    silenceMs: silence,
    ...(modelKey && { apiKey: modelKey }),
    ceilings: {
      perConversation: tokensPerConversation,
      perDay: tokensPerDay,
      ...(prices && { prices }),
      ...(costPerDay !== undefined && { costPerDay }),
    },
  };
}

export function oidcOf(
  { issuer, clientId, groups }: NonNullable<ConfigDocument['oidc']>,
  { outside: { oidcClientSecret }, publicUrl }: { outside: Outside; publicUrl: string },
): OidcSettings {
  return {
    issuer,
    clientId,
    callback: `${publicUrl}/auth/callback`,
    ...(oidcClientSecret && { clientSecret: oidcClientSecret }),
    ...(groups && { groups: { claim: groups.claim, accept: groups.accept, maxAgeMs: groups.maxAge } }),
  };
}

/** Undefined where a secret could not be read, which is a problem told elsewhere. */
export function slackOf(
  { workspace, channel, apiUrl, http }: NonNullable<ConfigDocument['slack']>,
  { slack: { bot, app, signing } }: Outside,
): SlackSettings | undefined {
  const way = app ? { appToken: app } : signing && http && { signingSecret: signing, listen: http.listen };
  return bot && way && { botToken: bot, way, workspace, channel, apiUrl };
}
