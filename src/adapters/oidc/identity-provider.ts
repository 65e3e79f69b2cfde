/**
 * OpenID Connect, Authorization Code with PKCE. The library checks state,
 * nonce, issuer, audience, times and the token's signature; what it objects to
 * is told without a word of the token in it.
 */
import * as oidc from 'openid-client';
import { FleetError } from '../../core/errors.ts';
import type { IdentityProvider, LogInSecrets } from '../../core/identity.ts';
import type { Secret } from '../../core/secret.ts';

export type IdentityProviderOptions = {
  issuer: string;
  clientId: string;
  clientSecret?: Secret;
  /** Registered at the issuer. */
  callback: string;
  /** Name of the claim in the ID token. */
  groupsClaim?: string;
};

const answerWithinS = 10;
/** A browser that comes back later than this after the person's proof has been somewhere else meanwhile. */
const oldestProofS = 24 * 3600;

/** Sends nothing yet: an issuer that is down when the service starts is found by the first log-in. */
export function identityProvider(options: IdentityProviderOptions): IdentityProvider {
  let found: Promise<oidc.Configuration> | undefined;

  function issuer(): Promise<oidc.Configuration> {
    found ??= discover(options).catch((thrown: unknown) => {
      found = undefined;
      throw silent(options.issuer, thrown);
    });
    return found;
  }

  return {
    async logInAddress({ state, nonce, verifier }, maxAgeS) {
      const address = oidc.buildAuthorizationUrl(await issuer(), {
        redirect_uri: options.callback,
        scope: 'openid',
        state,
        nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        max_age: String(maxAgeS),
        ...(maxAgeS === 0 && { prompt: 'login' }),
      });
      return address.href;
    },
    async identify(callback, secrets) {
      const configuration = await issuer();
      const claims = await exchange(configuration, callback, secrets);
      const groups = options.groupsClaim === undefined ? [] : claims[options.groupsClaim];
      return {
        subject: claims.sub,
        authenticatedAt: new Date(Number(claims.auth_time) * 1000),
        groups: [groups].flat().filter(group => typeof group === 'string'),
      };
    },
  };
}

async function discover({ issuer, clientId, clientSecret }: IdentityProviderOptions): Promise<oidc.Configuration> {
  const server = new URL(issuer);
  return oidc.discovery(
    server,
    clientId,
    undefined,
    clientSecret ? oidc.ClientSecretPost(clientSecret.reveal()) : oidc.None(),
    {
      timeout: answerWithinS,
      // The configuration takes http for a loopback address alone.
      execute: [oidc.enableNonRepudiationChecks, ...(server.protocol === 'http:' ? [oidc.allowInsecureRequests] : [])],
    },
  );
}

async function exchange(configuration: oidc.Configuration, callback: URL, { state, nonce, verifier }: LogInSecrets) {
  try {
    const tokens = await oidc.authorizationCodeGrant(configuration, callback, {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: verifier,
      maxAge: oldestProofS,
    });
    const claims = tokens.claims();
    if (claims) return claims;
  } catch (thrown) {
    throw refused(thrown);
  }
  throw refused(undefined);
}

function silent(issuer: string, cause: unknown): FleetError {
  return new FleetError({
    code: 'unauthenticated',
    retry: 'later',
    message: `the issuer ${issuer} cannot be asked who you are`,
    hint: 'try again; if it stays so, check oidc.issuer in groundskeeper.yaml',
    cause,
  });
}

function refused(thrown: unknown): FleetError {
  const declined = thrown instanceof oidc.AuthorizationResponseError;
  return new FleetError({
    code: 'unauthenticated',
    message: declined
      ? 'the issuer did not log you in'
      : 'what came back from the issuer is not the answer to this log-in',
    hint: 'begin the log-in again',
    ...(declined && { untrusted: `${thrown.error}: ${thrown.error_description ?? ''}`.slice(0, 300) }),
    cause: thrown,
  });
}
