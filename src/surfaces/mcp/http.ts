/**
 * The tools over MCP on Streamable HTTP, as an OAuth 2.1 resource server: a
 * token of the configured issuer for this very resource, a person whom the
 * configuration links to its subject, and no more than token and configuration
 * both grant. No session is kept, and no token is passed on.
 */
import {
  type AuthInfo,
  createMcpHandler,
  getOAuthProtectedResourceMetadataUrl,
  hostHeaderValidationResponse,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  OAuthError,
  OAuthErrorCode,
  oauthMetadataResponse,
  originValidationResponse,
  requireBearerAuth,
} from '@modelcontextprotocol/server';
import type { AccessTokens } from '../../core/access-token.ts';
import { FleetError } from '../../core/errors.ts';
import type { Person } from '../../core/fleet.ts';
import { plainWords } from '../../core/plain-words.ts';
import { type Caller, lesserScope, type Scope, scopes, type Tool, toolsWithin } from '../../core/tool.ts';
import type { ServiceDoor } from '../../gateway/door.ts';
import { type McpBackend, type McpTexts, mcpServer } from './server.ts';

export type McpHttpParts = {
  tokens: AccessTokens;
  /** Name of the person by subject. */
  linked: ReadonlyMap<string, string>;
  people: { find(name: string): Person | undefined; read?(): Promise<void> };
  /** The most that any token is good for. */
  scope: Scope;
  catalog: Tool[];
  texts: McpTexts;
  version: string;
};

type Door = Pick<ServiceDoor, 'gateway' | 'log'> & {
  records: Pick<ServiceDoor['records'], 'custody'>;
  news: McpBackend['operationEvents'];
};

export type McpEndpoint = {
  /** Undefined where the address is none of its own. */
  fetch(request: Request): Promise<Response | undefined>;
};

/** `origin` is where clients come: what listens may be known late. */
export function mcpEndpoint(parts: McpHttpParts, door: Door, origin: () => string): McpEndpoint {
  const { tokens, linked, people, catalog, texts, version } = parts;

  async function verifyAccessToken(token: string): Promise<AuthInfo> {
    try {
      const { subject, scopes, expiresAt, client } = await tokens.verify(token, resource().href);
      const name = linked.get(subject);
      await people.read?.();
      const person = name === undefined ? undefined : people.find(name);
      if (person === undefined)
        throw new FleetError({ code: 'unauthenticated', message: 'nobody is linked to this subject' });
      // The token itself goes no further: nobody behind this needs it.
      return { token: '', clientId: client, scopes, expiresAt, resource: resource(), extra: { person: person.name } };
    } catch (thrown) {
      if (FleetError.from(thrown).code === 'internal')
        door.log.error({ error: thrown }, 'an access token could not be judged');
      throw new OAuthError(OAuthErrorCode.InvalidToken, 'the token is not good here');
    }
  }

  const resource = () => new URL('/mcp', origin());
  const handler = createMcpHandler(
    ({ authInfo }) => {
      const scope = lesserScope(highestOf(authInfo?.scopes ?? []), parts.scope);
      const backend = backendFor(String(authInfo?.extra?.person), { scope, client: authInfo?.clientId ?? 'unknown' });
      return mcpServer({ backend, tools: toolsWithin(catalog, scope), texts, version });
    },
    { onerror: error => door.log.error({ error }, 'an MCP request failed') },
  );

  /** Who the person is, and whether there still is one, is asked again at each call. */
  function backendFor(name: string, { scope, client }: { scope: Scope; client: string }): McpBackend {
    const caller = async (): Promise<Caller> => {
      await people.read?.();
      const person = people.find(name);
      if (person === undefined)
        throw new FleetError({ code: 'unauthenticated', message: 'you are not known any more' });
      return { person, channel: 'mcp', scope, client: plainWords(client, 100) };
    };
    return {
      callTool: async (tool, input) => door.gateway.invoke({ tool, input, caller: await caller() }),
      async operationEvents(id, wait) {
        await caller();
        return door.news(id, wait);
      },
      async custodyEntry(seq) {
        await caller();
        const [row] = await door.records.custody.rows(seq, 1);
        return row && Buffer.from(row.bytes).toString('utf8');
      },
    };
  }

  return {
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname !== '/mcp' && !pathname.startsWith('/.well-known/oauth-')) return undefined;
      const own = new URL(origin());
      const refused =
        hostHeaderValidationResponse(request, [...localhostAllowedHostnames(), own.hostname]) ??
        originValidationResponse(request, [...localhostAllowedOrigins(), own.origin]);
      if (refused) return refused;
      if (pathname !== '/mcp') return oauthMetadataResponse(request, await metadata());
      const auth = await requireBearerAuth({
        verifier: { verifyAccessToken },
        requiredScopes: ['read'],
        expectedResource: resource(),
        resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(resource()),
      })(request);
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
