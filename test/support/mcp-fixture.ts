/**
 * What the conformance suite asks of a server, behind the door that the
 * product's tools stand behind. What needs a client that is asked something
 * (sampling, elicitation, roots) is left out, as the product never asks one.
 */
import { fromJsonSchema, McpServer, ResourceTemplate } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { accessTokens } from '../../src/adapters/oidc/access-tokens.ts';
import type { Person } from '../../src/core/fleet.ts';
import { resourceServer } from '../../src/surfaces/mcp/resource-server.ts';
import { capabilities } from '../../src/surfaces/mcp/server.ts';
import { type Listening, listening } from './listening.ts';

const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/q842iQAAAABJRU5ErkJggg==';
const silence = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=';

const text = (said: string) => ({ type: 'text' as const, text: said });
const image = { type: 'image' as const, data: pixel, mimeType: 'image/png' };
const audio = { type: 'audio' as const, data: silence, mimeType: 'audio/wav' };
const embedded = (uri: string) => ({
  type: 'resource' as const,
  resource: { uri, mimeType: 'text/plain', text: 'What stands in it.' },
});
const said = (content: ReturnType<typeof text> | typeof image | ReturnType<typeof embedded>) => ({
  role: 'user' as const,
  content,
});

/** Whoever has a token of `issuer` for `subject` comes in. */
export async function startMcpFixture(issuer: string, subject: string): Promise<Listening> {
  const person: Person = { name: 'somebody', groups: [] } as never;
  const endpoint = resourceServer(
    { tokens: accessTokens(issuer), linked: new Map([[subject, person.name]]), people: { find: () => person } },
    { log: { warn() {}, error() {} }, origin: () => served.origin, serve: fixtures },
  );
  const served = await listening(endpoint.fetch);
  return served;
}

function fixtures(): McpServer {
  const server = new McpServer({ name: 'fixtures', version: '1.0.0' }, { capabilities });
  addTools(server);
  addResources(server);
  addPrompts(server);
  return server;
}

function addTools(server: McpServer): void {
  const contents = {
    test_simple_text: [text('Only a text.')],
    test_image_content: [image],
    test_audio_content: [audio],
    test_embedded_resource: [embedded('test://embedded')],
    test_multiple_content_types: [text('All of them.'), image, embedded('test://mixed')],
    test_streaming_elicitation: [text('Asks nothing.')],
  };
  for (const [name, content] of Object.entries(contents))
    server.registerTool(name, { description: 'Answers what its name says' }, () => ({ content }));
  server.registerTool('test_error_handling', { description: 'Always fails' }, () => {
    throw new Error('This tool fails.');
  });
  server.registerTool(
    'test_tool_with_progress',
    { description: 'Tells how far it is', inputSchema: z.object({}) },
    async (_input, { mcpReq }) => {
      const progressToken = mcpReq._meta?.progressToken;
      if (progressToken !== undefined)
        for (const progress of [0, 50, 100])
          await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } });
      return { content: [text('Done.')] };
    },
  );
  server.registerTool(
    'test_x_mcp_header',
    { description: 'Takes what a header repeats', inputSchema: fromJsonSchema(repeatedSchema) },
    () => ({ content: [text('Taken.')] }),
  );
  server.registerTool(
    'json_schema_2020_12_tool',
    { description: 'Takes what a large schema describes', inputSchema: fromJsonSchema(largeSchema) },
    () => ({ content: [text('Taken.')] }),
  );
}

const repeatedSchema = {
  type: 'object' as const,
  properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
};

/** One of each keyword that the suite looks for. */
const largeSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object' as const,
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
};

function addResources(server: McpServer): void {
  const plain = { description: 'A text', mimeType: 'text/plain' };
  server.registerResource('text', 'test://static-text', plain, ({ href: uri }) => ({
    contents: [{ uri, mimeType: 'text/plain', text: 'A text that stays.' }],
  }));
  const picture = { description: 'A picture', mimeType: 'image/png' };
  server.registerResource('picture', 'test://static-binary', picture, ({ href: uri }) => ({
    contents: [{ uri, mimeType: 'image/png', blob: pixel }],
  }));
  const template = new ResourceTemplate('test://template/{id}/data', { list: undefined });
  server.registerResource('template', template, { description: 'By number' }, ({ href: uri }, { id }) => ({
    contents: [{ uri, mimeType: 'application/json', text: JSON.stringify({ id }) }],
  }));
}

function addPrompts(server: McpServer): void {
  server.registerPrompt('test_simple_prompt', { description: 'Only a text' }, () => ({
    messages: [said(text('A prompt.'))],
  }));
  server.registerPrompt(
    'test_prompt_with_arguments',
    { description: 'With two words', argsSchema: z.object({ arg1: z.string(), arg2: z.string() }) },
    ({ arg1, arg2 }) => ({ messages: [said(text(`${arg1} and ${arg2}`))] }),
  );
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'With a resource in it', argsSchema: z.object({ resourceUri: z.string() }) },
    ({ resourceUri }) => ({ messages: [said(embedded(resourceUri)), said(text('Read it.'))] }),
  );
  server.registerPrompt('test_prompt_with_image', { description: 'With a picture' }, () => ({
    messages: [said(image), said(text('Look at it.'))],
  }));
}
