/** Which service a command talks to, and as whom. */
import { FleetError } from '../../core/errors.ts';
import { type Client, connect } from './client.ts';
import { tokenStore } from './token-store.ts';

/** What the environment says; read elsewhere, so that a test or the demo can say it too. */
export type ClientSettings = {
  /** Origin of the service; the usual local one when absent. */
  url?: string;
  /** Wins over a stored log-in. */
  token?: string;
  /** Folder of the client's own files. */
  configDir: string;
};

export const usualUrl = 'http://127.0.0.1:7420';

/** A client without a token, for logging in. `url` wins over the settings. */
export function anonymousClient(settings: ClientSettings, url?: string): Client {
  return connect({ url: url ?? settings.url ?? usualUrl });
}

/** A client with the user's token. Throws `unauthenticated` when there is none for this service. */
export async function userClient(settings: ClientSettings, url?: string): Promise<Client> {
  const anonymous = anonymousClient(settings, url);
  const token = settings.token ?? (await tokenStore(settings.configDir).get(anonymous.url))?.token;
  if (token !== undefined) return connect({ url: anonymous.url, token });
  throw new FleetError({
    code: 'unauthenticated',
    message: `you are not logged in to ${anonymous.url}`,
    hint: 'log in: groundskeeper login',
  });
}
