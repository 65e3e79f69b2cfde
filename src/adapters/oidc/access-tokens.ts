/** Access tokens of an issuer (RFC 9068): signature, issuer, audience and times are the library's business. */
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import type { AccessTokens } from '../../core/access-token.ts';
import { FleetError } from '../../core/errors.ts';

const answerWithinMs = 5_000;
const skewS = 5;
/** Those of public keys: whoever can check a token must not be able to make one. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

/** Sends nothing yet: an issuer that is down when the service starts is found by the first token. */
export function accessTokens(issuer: string): AccessTokens {
  type Found = { metadata: Record<string, unknown>; keys: ReturnType<typeof createRemoteJWKSet> };
  let found: Promise<Found> | undefined;

  function discovered(): Promise<Found> {
    found ??= discover(issuer).catch((thrown: unknown) => {
      found = undefined;
      throw silent(issuer, thrown);
    });
    return found;
  }

  return {
    async verify(token, resource) {
      const { keys } = await discovered();
      try {
        const { payload } = await jwtVerify(token, keys, {
          issuer,
          audience: resource,
          algorithms,
          clockTolerance: skewS,
          requiredClaims: ['sub', 'exp', 'aud', 'iss'],
        });
        const { sub = '', exp = 0, scope, client_id } = payload;
        const scopes = typeof scope === 'string' ? scope.split(' ') : [];
        return { subject: sub, expiresAt: exp, scopes, client: typeof client_id === 'string' ? client_id : 'unknown' };
      } catch (thrown) {
        if (keysAreMissing(thrown)) throw silent(issuer, thrown);
        throw new FleetError({ code: 'unauthenticated', message: 'the access token is not good here', cause: thrown });
      }
    },
    metadata: async () => (await discovered()).metadata,
  };
}

async function discover(issuer: string) {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await fetch(address, { redirect: 'error', signal: AbortSignal.timeout(answerWithinMs) });
  const metadata = (await response.json()) as Record<string, unknown>;
  if (!response.ok || metadata.issuer !== issuer || typeof metadata.jwks_uri !== 'string')
    throw new Error(`${address} does not describe this issuer`);
  const keys = createRemoteJWKSet(new URL(metadata.jwks_uri), { timeoutDuration: answerWithinMs });
  return { metadata, keys };
}

/** Nothing that the token says: its issuer does not show its keys. */
function keysAreMissing(thrown: unknown): boolean {
  if (thrown instanceof errors.JWKSTimeout || thrown instanceof errors.JWKSInvalid) return true;
  // Of its own class are refusals of a token; of the general one, an answer with another status than 200.
  return !(thrown instanceof errors.JOSEError) || thrown.code === errors.JOSEError.code;
}

function silent(issuer: string, cause: unknown): FleetError {
  return new FleetError({
    code: 'unauthenticated',
    message: `the issuer ${issuer} does not answer as one`,
    retry: 'later',
    hint: 'see oidc.issuer in groundskeeper.yaml',
    cause,
  });
}
