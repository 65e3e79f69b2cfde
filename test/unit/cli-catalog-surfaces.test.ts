import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { changeAnswer } from '../../src/core/change.ts';
import { toolsWithin } from '../../src/core/tool.ts';
import { reference } from '../../src/gateway/reference.ts';
import { mcpTool, mcpTools } from '../../src/surfaces/mcp/tool-definition.ts';
import { catalog } from '../../tools/index.ts';

describe('the catalog as MCP tools', () => {
  test('a scope sees the tools of its own and of weaker scopes, in the order of the catalog', () => {
    const names = (scope: 'read' | 'plan' | 'execute') => toolsWithin(catalog, scope).map(tool => tool.name);
    expect(names('execute')).toEqual(catalog.map(tool => tool.name));
    expect(names('plan')).toContain('planFirmwareRollout');
    expect(names('plan')).not.toContain('startPlan');
    expect(names('read')).toContain('getNodeHealth');
    expect(names('read')).not.toContain('planFirmwareRollout');
    for (const tool of toolsWithin(catalog, 'read')) expect(tool.risk).toBe('read');
  });

  test('nothing in the catalog approves, rejects or votes', () => {
    for (const tool of catalog) expect(tool.name).not.toMatch(/approve|reject|vote|unfreeze|break/i);
  });

  test('hints follow from risk: only what leaves no trace is read-only, whatever can reach a machine is destructive', () => {
    for (const tool of catalog) {
      const { readOnlyHint, destructiveHint } = mcpTool(tool).annotations;
      expect(readOnlyHint, tool.name).toBe(tool.scope === 'read');
      expect(destructiveHint, tool.name).toBe(tool.scope === 'execute');
    }
  });

  test('a change also takes dryRun and answers like every change', () => {
    for (const tool of catalog.filter(each => each.kind === 'change')) {
      const { inputSchema, outputSchema } = mcpTool(tool);
      expect(Object.keys(inputSchema.shape)).toEqual([...Object.keys(tool.input.shape), 'waitForWindow', 'dryRun']);
      expect(outputSchema).toBe(changeAnswer);
    }
  });

  test('inputs are strict, examples fit, and every schema has a JSON form', () => {
    for (const tool of catalog) {
      const { inputSchema, outputSchema } = mcpTool(tool);
      expect(inputSchema.safeParse(tool.example).success, tool.name).toBe(true);
      expect(inputSchema.safeParse({ ...tool.example, surprise: 1 }).success, tool.name).toBe(false);
      expect(z.toJSONSchema(inputSchema, { io: 'input' })).toMatchObject({
        type: 'object',
        additionalProperties: false,
      });
      expect(z.toJSONSchema(outputSchema)).toMatchObject({ type: 'object' });
    }
  });

  test('a schema becomes JSON once, for as many servers as there will be, and checks as the tool does', () => {
    const target = 'draft-2020-12';
    for (const [index, { inputSchema, outputSchema }] of mcpTools(catalog, 'execute').entries()) {
      const tool = catalog[index];
      if (!tool) throw new Error('there are more definitions than tools');
      const input = inputSchema['~standard'];
      const output = outputSchema['~standard'];
      const plain = mcpTool(tool);
      expect(input.jsonSchema.input({ target }), tool.name).toEqual(z.toJSONSchema(plain.inputSchema, { io: 'input' }));
      expect(output.jsonSchema.output({ target }), tool.name).toEqual(z.toJSONSchema(plain.outputSchema));
      expect(input.jsonSchema.input({ target })).toBe(input.jsonSchema.input({ target }));
      expect(output.jsonSchema.output({ target })).toBe(output.jsonSchema.output({ target }));
      expect(input.validate({ ...tool.example, surprise: 1 }), tool.name).toHaveProperty('issues');
      expect(input.validate(tool.example)).toEqual({ value: plain.inputSchema.parse(tool.example) });
      expect(output.validate({}), tool.name).toHaveProperty('issues');
    }
  });
});

describe('the reference page', () => {
  const page = reference(catalog);

  test('is the same for the same catalog, and follows its order', () => {
    expect(reference(catalog)).toBe(page);
    const headings = [...page.matchAll(/^## (\w+)$/gm)].map(([, name]) => name);
    expect(headings).toEqual(catalog.map(tool => tool.name));
  });

  test('shows every example as a command and as JSON, and every input', () => {
    for (const tool of catalog) {
      const section = page.split(`## ${tool.name}\n`)[1]?.split('\n## ')[0] ?? '';
      expect(section).toContain(`\`\`\`json\n${JSON.stringify(tool.example)}\n\`\`\``);
      expect(section).toContain('```sh\ngroundskeeper ');
      for (const name of Object.keys(mcpTool(tool).inputSchema.shape)) expect(section).toContain(`| \`${name}\` |`);
    }
  });

  test('table rows are never broken by what a tool says', () => {
    const tool = catalog[0];
    if (!tool) throw new Error('the catalog is empty');
    const odd = reference([{ ...tool, title: 'a | b', description: 'line\n| cell <b>' }]);
    expect(odd).toContain('line \\| cell \\<b\\>');
    for (const row of odd.split('\n').filter(line => line.startsWith('| ['))) {
      expect(row.match(/(?<!\\)\|/g)).toHaveLength(6);
    }
  });
});
