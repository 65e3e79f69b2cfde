/** A real OpenID issuer on loopback, whose people log in as the test says, and which lies in its tokens when told to. */
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import Provider from 'oidc-provider';

type Claims = Record<string, unknown>;

export type Issuer = {
  url: string;
  /** Who sits at the browser when the issuer asks. */
  subject: string;
  /** What the claim `groups` says of everybody. */
  groups: unknown;
  /** Changes the claims of every ID token from now on. */
  twist(claims: Claims): Claims;
  /** Signs tokens with a key that it does not publish. */
  foreignKey: boolean;
  close(): Promise<void>;
};

export const clientId = 'groundskeeper';
export const clientSecret = 'a secret between the two';

export async function startIssuer(host: string, port: number, callback: string): Promise<Issuer> {
  const url = `http://${host}:${port}`;
  const keys = [newKey(), newKey()] as const;
  const provider = new Provider(url, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [callback],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    jwks: { keys: [{ ...keys[0].export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'RS256' }] },
    cookies: { keys: ['for the test'] },
    claims: { openid: ['sub', 'groups'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_context, accountId) => ({
      accountId,
      claims: () => ({ sub: accountId, groups: issuer.groups }) as { sub: string },
    }),
    ttl: { Session: 600, Interaction: 600, Grant: 600, AccessToken: 60, IdToken: 60, AuthorizationCode: 60 },
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({ clientId: oidc.client?.clientId, accountId: oidc.session?.accountId });
      grant.addOIDCScope('openid');
      await grant.save();
      return grant;
    },
  });
  provider.use(async (context, next) => {
    if (context.path.startsWith('/interaction/')) {
      const answer = { login: { accountId: issuer.subject } };
      return void (await context.redirect(await provider.interactionResult(context.req, context.res, answer)));
    }
    await next();
    const body = context.body as { id_token?: string } | undefined;
    if (context.path === '/token' && body?.id_token)
      body.id_token = resigned(body.id_token, issuer.twist, keys[issuer.foreignKey ? 1 : 0]);
  });
  const server = createServer(provider.callback());
  const issuer: Issuer = {
    url,
    subject: '',
    groups: [],
    twist: claims => claims,
    foreignKey: false,
    close: () => closed(server),
  };
  await new Promise<void>(resolve => server.listen(port, host, resolve));
  return issuer;
}

function resigned(token: string, twist: (claims: Claims) => Claims, key: ReturnType<typeof newKey>): string {
  const [header = '', payload = ''] = token.split('.');
  const claims = twist(JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims);
  const signed = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}

function newKey() {
  return createPrivateKey(
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
  );
}

function closed(server: Server): Promise<void> {
  const end = new Promise<void>(resolve => server.close(() => resolve()));
  server.closeAllConnections();
  return end;
}
