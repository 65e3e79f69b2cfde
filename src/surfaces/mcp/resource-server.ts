/**
 * The door to MCP over HTTP, whatever is served behind it: an OAuth 2.1
 * resource server. Nobody comes in from a foreign page or under a foreign name,
 * nor without a token of the configured issuer for this very resource and a
 * person whom the configuration links to its subject. No session is kept, and
 * no token is passed on.
 */
import {
  type AuthInfo,
  bearerAuthChallengeResponse,
  createMcpHandler,
  getOAuthProtectedResourceMetadataUrl,
  hostHeaderValidationResponse,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  type McpServer,
  OAuthError,
  OAuthErrorCode,
  oauthMetadataResponse,
  originValidationResponse,
  verifyBearerToken,
} from '@modelcontextprotocol/server';
import type { AccessTokens } from '../../core/access-token.ts';
import { FleetError } from '../../core/errors.ts';
import type { Person } from '../../core/fleet.ts';
import { type Scope, scopes } from '../../core/tool.ts';
import type { ServiceDoor } from '../../gateway/door.ts';

export type ResourceParts = {
  tokens: AccessTokens;
  /** Name of the person by subject. */
  linked: ReadonlyMap<string, string>;
  /** Who there is; their groups are asked for where a call is decided. */
  people: { find(name: string): Person | undefined };
};

/** Who came in: a person, by a program, with the most that the token is good for. */
export type Visitor = { person: string; client: string; scope: Scope };

export type McpEndpoint = {
  /** Undefined where the address is none of its own. */
  fetch(request: Request): Promise<Response | undefined>;
};

type Behind = Pick<ServiceDoor, 'log'> & {
  /** Where clients come: what listens may be known late. */
  origin(): string;
  serve(visitor: Visitor): McpServer;
};

const retryAfterS = 10;

/** `serve` makes a server for one request of one visitor; who was refused never reaches it. */
export function resourceServer(parts: ResourceParts, { log, origin, serve }: Behind): McpEndpoint {
  const { tokens, linked, people } = parts;
  const resource = () => new URL('/mcp', origin());

  async function verifyAccessToken(token: string): Promise<AuthInfo> {
    try {
      const { subject, scopes, expiresAt, client } = await tokens.verify(token, resource().href);
      warned = false;
      const name = linked.get(subject);
      const person = name === undefined ? undefined : people.find(name);
      if (person === undefined)
        throw new FleetError({ code: 'unauthenticated', message: 'nobody is linked to this subject' });
      // The token itself goes no further: nobody behind this needs it.
      return { token: '', clientId: client, scopes, expiresAt, resource: resource(), extra: { person: person.name } };
    } catch (thrown) {
      const error = FleetError.from(thrown);
      if (error.code === 'internal') log.error({ error }, 'an access token could not be judged');
      if (error.code === 'internal' || error.retry === 'later') throw error;
      throw new OAuthError(OAuthErrorCode.InvalidToken, 'the token is not good here');
    }
  }

  let warned = false;

  /** A client that is told 401 throws a good token away, and its user has to log in again. */
  function away(error: FleetError): Response {
    if (!warned)
      log.warn({ error }, 'access tokens cannot be judged now; those who come over MCP are told to try later');
    warned = true;
    const told = {
      error: 'temporarily_unavailable',
      error_description: 'tokens cannot be judged now; try again later',
    };
    return Response.json(told, { status: 503, headers: { 'retry-after': String(retryAfterS) } });
  }

  async function authenticate(request: Request): Promise<AuthInfo | Response> {
    const options = {
      verifier: { verifyAccessToken },
      requiredScopes: ['read'],
      expectedResource: resource(),
      resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(resource()),
    };
    try {
      return await verifyBearerToken(request.headers.get('authorization')?.split(',')[0] || undefined, options);
    } catch (thrown) {
      return thrown instanceof OAuthError
        ? bearerAuthChallengeResponse(thrown, options)
        : away(FleetError.from(thrown));
    }
  }

  const handler = createMcpHandler(
    ({ authInfo }) =>
      serve({
        person: String(authInfo?.extra?.person),
        client: authInfo?.clientId ?? 'unknown',
        scope: highestOf(authInfo?.scopes ?? []),
      }),
    { onerror: error => log.error({ error: FleetError.from(error) }, 'an MCP request failed') },
  );

  return {
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname !== '/mcp' && !pathname.startsWith('/.well-known/oauth-')) return undefined;
      const own = new URL(origin());
      const foreignPage = () =>
        request.headers.get('origin') === own.origin
          ? undefined
          : originValidationResponse(request, localhostAllowedOrigins());
      const refused =
        hostHeaderValidationResponse(request, [...localhostAllowedHostnames(), own.hostname]) ?? foreignPage();
      if (refused) return refused;
      if (pathname !== '/mcp') {
        const found = await metadata().catch(FleetError.from);
        return found instanceof FleetError ? away(found) : oauthMetadataResponse(request, found);
      }
      const auth = await authenticate(request);
      if (auth instanceof Response) return auth;
      return handler.fetch(request, { authInfo: auth });
    },
  };

  async function metadata() {
    return {
      oauthMetadata: (await tokens.metadata()) as never,
      resourceServerUrl: resource(),
      scopesSupported: [...scopes],
      resourceName: 'Groundskeeper',
      // The configuration takes plain HTTP for a loopback address alone.
      dangerouslyAllowInsecureIssuerUrl: true,
    };
  }
}

function highestOf(granted: string[]): Scope {
  return scopes.findLast(scope => granted.includes(scope)) ?? 'read';
}
