import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildCli, type CliDeps } from '../../src/surfaces/cli/cli.ts';
import { commandWords, complete, type Vocabulary } from '../../src/surfaces/cli/completion.ts';
import { runPrompt } from '../../src/surfaces/cli/prompt.ts';
import { splitForCompletion, splitLine } from '../../src/surfaces/cli/split-line.ts';
import { catalog } from '../../tools/index.ts';

let configDir: string;
let vocabulary: Vocabulary;

beforeAll(async () => {
  configDir = await mkdtemp(join(tmpdir(), 'groundskeeper-prompt-'));
  const deps: CliDeps = {
    catalog,
    version: '0',
    settings: { configDir },
    terminal: {
      input: Readable.from([]),
      output: new PassThrough(),
      errors: new PassThrough(),
      onInterrupt: () => () => undefined,
    },
    hashPassphrase: async typed => typed,
  };
  const names = { sites: ['boston', 'chicago'], clusters: ['bos-a'], nodes: ['bos-w-1', 'bos-w-2', 'chi-w-1'] };
  vocabulary = { program: commandWords(buildCli(deps)), names };
});

afterAll(() => rm(configDir, { recursive: true }));

describe('a line is split as a shell would', () => {
  test.each([
    ['get-node-health bos-w-1', ['get-node-health', 'bos-w-1']],
    ['  a   b  ', ['a', 'b']],
    [`reject x --reason 'not now' "it's"`, ['reject', 'x', '--reason', 'not now', "it's"]],
    ['a\\ b "c\\"d" \'e\\f\'', ['a b', 'c"d', 'e\\f']],
    [`a ''`, ['a', '']],
    ['', []],
  ])('%s', (line, words) => {
    expect(splitLine(line)).toEqual(words);
  });

  test('an open quote is refused, and nothing of the line runs', () => {
    expect(() => splitLine('drain-node "bos')).toThrow('quote');
  });

  test('completion sees the word under the cursor, in an open quote too', () => {
    expect(splitForCompletion('a b')).toEqual({ before: ['a'], current: 'b' });
    expect(splitForCompletion('a b ')).toEqual({ before: ['a', 'b'], current: '' });
    expect(splitForCompletion('a "b c')).toEqual({ before: ['a'], current: 'b c' });
  });
});

describe('the Tab key', () => {
  const offered = (line: string) => complete(line, vocabulary)[0];

  test('offers commands, and a space after the only one', () => {
    expect(offered('get-node-h')).toEqual(['get-node-health ']);
    expect(offered('get-')).toContain('get-plan');
    expect(offered('')).toEqual(expect.arrayContaining(['drain-node', 'approvals', 'custody', 'exit', 'help']));
    expect(offered('help drain')).toEqual(['drain-node ']);
  });

  test('offers subcommands, options and choices', () => {
    expect(offered('approvals ')).toEqual(['approve', 'break-glass', 'list', 'reject', 'revoke', 'show']);
    expect(offered('approvals list --state pe')).toEqual(['pending ']);
    expect(offered('drain-node bos-w-1 --d')).toEqual(['--declare-outage', '--delete-empty-dir', '--dry-run']);
  });

  test('offers the names that fit the argument', () => {
    expect(offered('drain-node bos')).toEqual(['bos-w-1', 'bos-w-2']);
    expect(offered('get-firmware-compliance ')).toEqual(['boston', 'chicago']);
    expect(offered('plan-firmware-rollout boston --nodes ch')).toEqual(['chi-w-1 ']);
    expect(offered('get-plan ')).toEqual([]);
  });
});

describe('lines from a pipe', () => {
  type Notices = () => Promise<string[]>;
  async function played(lines: string, notices?: Notices): Promise<{ ran: string[][]; shown: string; errors: string }> {
    const ran: string[][] = [];
    const output = new PassThrough();
    const errors = new PassThrough();
    const terminal = { input: Readable.from([lines]), output, errors, onInterrupt: () => () => undefined };
    await runPrompt({
      terminal,
      vocabulary,
      answersSentences: false,
      label: () => '> ',
      notices,
      execute: async words => ran.push(words),
    });
    output.end();
    errors.end();
    return { ran, shown: await text(output), errors: await text(errors) };
  }

  test('come with what everybody should know, said once for as long as it holds', async () => {
    const seen = [['frozen by ana'], ['frozen by ana', 'frozen by ben'], [], ['frozen by ana'], undefined];
    const notices = async () => seen.shift() ?? Promise.reject(new Error('the service is away'));
    const { shown } = await played('a\nb\nc\nd\n', notices);
    expect(shown.match(/> .|frozen by \w+/g)).toEqual([
      'frozen by ana',
      '> a',
      'frozen by ben',
      '> b',
      '> c',
      'frozen by ana',
      '> d',
    ]);
  });

  test('run in order until exit, the program name may stand in front', async () => {
    const { ran, shown } = await played('whoami\n\ngroundskeeper get-plan p\nhelp\nexit\nlogout\n');
    expect(ran).toEqual([['whoami'], ['get-plan', 'p'], ['--help']]);
    expect(shown).toContain('> whoami\n');
  });

  test('a line that cannot be read is told, and the next one runs', async () => {
    const { ran, errors } = await played('get-plan "x\nwhoami\n');
    expect(ran).toEqual([['whoami']]);
    expect(errors).toContain('quote is not closed');
  });
});
