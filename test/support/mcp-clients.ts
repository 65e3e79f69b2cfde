/** Unmodified MCP clients of both SDKs, told apart by nothing but their names. Their users say yes to whatever they are asked. */
import { Client as NewClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as NewTransport } from '@modelcontextprotocol/client/stdio';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';

export type Listed = { name: string; inputSchema: object; outputSchema?: object; annotations?: object };
export type Called = {
  isError?: boolean;
  structuredContent?: Record<string, unknown>;
  content: { type: string; text?: string }[];
};

export type McpClient = {
  instructions: string | undefined;
  tools(): Promise<Listed[]>;
  call(name: string, args: Record<string, unknown>): Promise<Called>;
  /** How often the server asked its user something. */
  asked(): number;
  close(): Promise<void>;
};

/** How to start the server. */
export type Server = { command: string; args: string[]; env: Record<string, string>; stderr: 'ignore' };

const yesToAll = { action: 'accept' as const, content: { approve: true, confirm: true, answer: 'yes' } };
const about = { name: 'editor', version: '1.0.0' };
const abilities = { capabilities: { elicitation: {} } };

export async function connectOld(server: Server): Promise<McpClient> {
  const client = new OldClient(about, abilities);
  let asked = 0;
  client.setRequestHandler(ElicitRequestSchema, () => {
    asked++;
    return yesToAll;
  });
  await client.connect(new OldTransport(server));
  return {
    instructions: client.getInstructions(),
    tools: async () => (await client.listTools()).tools,
    call: async (name, args) => (await client.callTool({ name, arguments: args })) as Called,
    asked: () => asked,
    close: () => client.close(),
  };
}

/** `modern` negotiates the newest protocol, else the client greets as older ones do. Throws when it got the other one. */
export async function connectNew(server: Server, era: 'legacy' | 'modern'): Promise<McpClient> {
  const negotiation = era === 'modern' ? { versionNegotiation: { mode: 'auto' as const } } : {};
  const client = new NewClient(about, { ...abilities, ...negotiation });
  let asked = 0;
  client.setRequestHandler('elicitation/create', () => {
    asked++;
    return yesToAll;
  });
  await client.connect(new NewTransport(server));
  if (client.getProtocolEra() !== era) throw new Error(`the ${era} client speaks ${client.getProtocolEra()}`);
  return {
    instructions: client.getInstructions(),
    tools: async () => (await client.listTools()).tools,
    call: async (name, args) => (await client.callTool({ name, arguments: args })) as Called,
    asked: () => asked,
    close: () => client.close(),
  };
}
