import { Command, CommanderError } from 'commander';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { FleetError } from '../../src/core/errors.ts';
import { changeTool, readTool, type Tool } from '../../src/core/tool.ts';
import { commandLine, commandName, inputFields } from '../../src/gateway/command-form.ts';
import { addToolCommand, type ToolCall } from '../../src/surfaces/cli/tool-command.ts';
import { catalog } from '../../tools/index.ts';

const listThings = readTool({
  name: 'listAllThings',
  title: 'List things',
  description: 'Lists things.',
  risk: 'read',
  scope: 'read',
  input: z.strictObject({
    place: z.string().describe('Where'),
    kinds: z
      .array(z.enum(['fan', 'disk']))
      .optional()
      .describe('Which kinds'),
    maxAge: z.number().int().min(1).default(5).describe('Oldest'),
    deep: z.boolean().default(false).describe('Look deeper'),
    cached: z.boolean().default(true).describe('Use the cache'),
    order: z.enum(['name', 'age']).optional(),
    labels: z.record(z.string(), z.string()).optional(),
    more: z.array(z.string()).default([]),
  }),
  positional: ['place', 'more'],
  example: { place: 'rack a', maxAge: 5, deep: true, cached: false, more: ["it's"] },
  output: z.object({}),
  run: async () => ({}),
  present: () => [],
});

const moveThing = changeTool({
  name: 'moveThing',
  asked: ['move'],
  title: 'Move a thing',
  description: 'Moves it.',
  risk: 'disruptive',
  scope: 'execute',
  input: z.strictObject({ thing: z.string() }),
  positional: ['thing'],
  example: { thing: 'x' },
  plan: () => Promise.reject(new Error('not planned here')),
});

/** Parses one command line with commander and answers what the tool would be called with. */
async function parsed(tool: Tool, line: string[]): Promise<ToolCall> {
  const calls: ToolCall[] = [];
  const quiet = () => undefined;
  const program = new Command().exitOverride().configureOutput({ writeErr: quiet, writeOut: quiet });
  addToolCommand(program, tool, async call => void calls.push(call));
  await program.parseAsync(line, { from: 'user' });
  const [call] = calls;
  if (!call) throw new Error('the command did not run');
  return call;
}

describe('a command line becomes the input of a tool', () => {
  test('only what was given is sent, in its own type', async () => {
    expect((await parsed(listThings, ['list-all-things', 'a'])).input).toEqual({ place: 'a' });
    const { input, json } = await parsed(listThings, [
      ...['list-all-things', 'a', 'b', 'c', '--json', '--kinds', 'fan', '--kinds', 'disk', '--max-age', '7', '--deep'],
      ...['--no-cached', '--order', 'age', '--labels', '{"rack":"1"}'],
    ]);
    expect(json).toBe(true);
    expect(input).toEqual({
      place: 'a',
      more: ['b', 'c'],
      kinds: ['fan', 'disk'],
      maxAge: 7,
      deep: true,
      cached: false,
      order: 'age',
      labels: { rack: '1' },
    });
  });

  test('help alone shows what a command takes, and calls nothing', async () => {
    const freeze = catalog.find(({ name }) => name === 'freezeChanges') as Tool;
    await expect(parsed(freeze, ['freeze-changes', 'help'])).rejects.toMatchObject({
      code: 'commander.help',
      exitCode: 0,
    });
    expect((await parsed(freeze, ['freeze-changes', 'help is coming'])).input).toEqual({ reason: 'help is coming' });
  });

  test('a change takes --dry-run, a read does not', async () => {
    expect((await parsed(moveThing, ['move-thing', 'x', '--dry-run'])).input).toEqual({ thing: 'x', dryRun: true });
    await expect(parsed(listThings, ['list-all-things', 'a', '--dry-run'])).rejects.toThrow(CommanderError);
  });

  test.each([
    ['no argument', ['list-all-things']],
    ['a kind that is none', ['list-all-things', 'a', '--kinds', 'dog']],
    ['text for a number', ['list-all-things', 'a', '--max-age', 'old']],
    ['no JSON', ['list-all-things', 'a', '--labels', '{rack}']],
    ['an unknown option', ['list-all-things', 'a', '--x']],
  ])('%s is refused by the parser', async (_case, line) => {
    await expect(parsed(listThings, line)).rejects.toThrow(CommanderError);
  });

  test('what the schema refuses is refused in the words of the command line', async () => {
    const failure = await parsed(listThings, ['list-all-things', 'a', '--max-age', '0']).catch(FleetError.from);
    expect(failure).toMatchObject({ code: 'invalid_input', message: expect.stringMatching(/^--max-age: /) });
  });

  test('getOperation alone can be watched', async () => {
    const watchable = (name: string) => catalog.filter(tool => tool.name === name);
    for (const tool of watchable('getOperation')) {
      expect((await parsed(tool, ['get-operation', 'op-1', '--watch'])).watch).toBe(true);
    }
    for (const tool of watchable('getPlan')) {
      await expect(parsed(tool, ['get-plan', 'p', '--watch'])).rejects.toThrow(CommanderError);
    }
  });
});

describe('the catalog on the command line', () => {
  test('every example, written as a command line, parses back to itself', async () => {
    for (const tool of [...catalog, listThings, moveThing]) {
      const [program, ...line] = shellWords(commandLine(tool, tool.example));
      expect(program).toBe('groundskeeper');
      const { input } = await parsed(tool, line);
      const fields = inputFields(tool);
      const withDefaults = (values: Record<string, unknown>) =>
        Object.fromEntries(fields.map(field => [field.name, values[field.name] ?? field.defaultValue]));
      expect(withDefaults(input), tool.name).toEqual(withDefaults(tool.example));
    }
  });

  test('names are kebab-case and unique', () => {
    const names = catalog.map(commandName);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z]+(-[a-z]+)+$/);
  });

  test('every field of every tool is described', () => {
    for (const tool of catalog)
      for (const field of inputFields(tool)) expect(field.description, field.name).not.toBe('');
  });
});

/** Enough of a POSIX shell to read what commandLine writes. */
function shellWords(line: string): string[] {
  return [...line.matchAll(/(?:[^\s'\\]|'[^']*'|\\.)+/g)].map(([word]) =>
    word.replace(
      /'([^']*)'|\\(.)/g,
      (_all, quoted: string | undefined, escaped: string | undefined) => quoted ?? escaped ?? '',
    ),
  );
}
