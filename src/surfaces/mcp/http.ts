/**
 * The tools over MCP on Streamable HTTP: for whom the resource server lets in,
 * and no more than token and configuration both grant.
 */
import { FleetError } from '../../core/errors.ts';
import { plainWords } from '../../core/plain-words.ts';
import { type Caller, lesserScope, type Scope, type Tool } from '../../core/tool.ts';
import type { ServiceDoor } from '../../gateway/door.ts';
import { type McpEndpoint, type ResourceParts, resourceServer } from './resource-server.ts';
import { type McpBackend, type McpTexts, mcpServer } from './server.ts';
import { mcpTools } from './tool-definition.ts';

export type McpHttpParts = ResourceParts & {
  people: { read?(): Promise<void> };
  /** The most that any token is good for. */
  scope: Scope;
  catalog: Tool[];
  texts: McpTexts;
  version: string;
};

type Events = McpBackend['operationEvents'];

type Door = Pick<ServiceDoor, 'gateway' | 'log'> & {
  custodyDesk: Pick<ServiceDoor['custodyDesk'], 'entries'>;
  news(id: string, wait: Parameters<Events>[1] & { caller: Caller }): ReturnType<Events>;
};

/** `origin` is where clients come: what listens may be known late. */
export function mcpEndpoint(parts: McpHttpParts, door: Door, origin: () => string): McpEndpoint {
  const { people, catalog, texts, version } = parts;
  const tools = {
    read: mcpTools(catalog, 'read'),
    plan: mcpTools(catalog, 'plan'),
    execute: mcpTools(catalog, 'execute'),
  };

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
      operationEvents: async (id, wait) => door.news(id, { ...wait, caller: await caller() }),
      async custodyEntry(seq) {
        const [row] = await door.custodyDesk.entries({ from: seq, limit: 1 }, await caller());
        return row && Buffer.from(row.bytes).toString('utf8');
      },
    };
  }

  return resourceServer(parts, {
    log: door.log,
    origin,
    serve({ person, client, scope: granted }) {
      const scope = lesserScope(granted, parts.scope);
      return mcpServer({
        backend: backendFor(person, { scope, client }),
        tools: tools[scope],
        texts,
        version,
        log: door.log,
      });
    },
  });
}
