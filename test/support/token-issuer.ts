/** An issuer of access tokens on loopback with a key set of its own: `jose` signs what a test says. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

export type TokenIssuer = {
  url: string;
  /**
   * A token that is good for an hour, with these claims instead; signed by a key that is not published where `foreign`,
   * by the published one as if it were a secret where `secret`.
   */
  token(claims: JWTPayload, how?: { foreign?: boolean; secret?: boolean; expires?: string }): Promise<string>;
  /** Nobody listens at its address, until `start`. */
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
};

export async function startTokenIssuer(host: string): Promise<TokenIssuer> {
  const [own, foreign] = await Promise.all([generateKeyPair('ES256'), generateKeyPair('ES256')]);
  const keys = [{ ...(await exportJWK(own.publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }];
  const server = createServer((request, response) => {
    const answers: Record<string, object> = {
      '/.well-known/openid-configuration': {
        issuer: url,
        jwks_uri: `${url}/keys`,
        authorization_endpoint: `${url}/auth`,
        token_endpoint: `${url}/token`,
        response_types_supported: ['code'],
        code_challenge_methods_supported: ['S256'],
      },
      '/keys': { keys },
    };
    const answer = answers[request.url ?? ''];
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? {}));
  });
  const listen = (port: number) => new Promise<void>(resolve => server.listen(port, host, resolve));
  const stop = () =>
    new Promise<void>(resolve => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const url = `http://${host}:${port}`;
  return {
    url,
    token: (claims, { foreign: other = false, secret = false, expires = '1h' } = {}) =>
      new SignJWT({ iss: url, client_id: 'editor', ...claims })
        .setProtectedHeader({ alg: secret ? 'HS256' : 'ES256', kid: 'one', typ: 'at+jwt' })
        .setIssuedAt()
        .setExpirationTime(expires)
        .sign(secret ? Buffer.from(JSON.stringify(keys[0])) : other ? foreign.privateKey : own.privateKey),
    stop,
    start: () => listen(port),
    close: stop,
  };
}
