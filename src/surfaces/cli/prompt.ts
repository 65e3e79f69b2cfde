/**
 * The interactive prompt. Each line runs through the same program as the
 * command line does. While a command runs the terminal is its own: a
 * passphrase can be typed, and Ctrl-C stops the command, not the prompt.
 */
import { readFile } from 'node:fs/promises';
import { createInterface, type Interface } from 'node:readline';
import type { ReadStream } from 'node:tty';
import type { Block } from '../../core/document.ts';
import { FleetError } from '../../core/errors.ts';
import { complete, type Vocabulary } from './completion.ts';
import { renderBlocks, renderError } from './render.ts';
import { isSentence } from './sentence.ts';
import { splitLine } from './split-line.ts';
import { keyboardOf, styleOf, type Terminal } from './terminal.ts';
import { writePrivate } from './token-store.ts';

export type PromptParts = {
  terminal: Terminal;
  vocabulary: Vocabulary;
  /** Whether a language model is there. */
  answersSentences: boolean;
  /** Runs one command line; prints its own failures. */
  execute(words: string[]): Promise<unknown>;
  /** What stands before the cursor; asked before each line. */
  label?: () => string;
  /** What everybody should know before they type, each shown once for as long as it holds; none where they cannot be asked for. */
  notices?: () => Promise<string[]>;
  /** Earlier lines are kept here, readable by the user alone. */
  historyFile?: string;
};

const historySize = 500;

/** Reads and runs lines until `exit`, Ctrl-D, Ctrl-C twice, or the end of the input. */
export async function runPrompt(parts: PromptParts): Promise<void> {
  const keyboard = keyboardOf(parts.terminal.input);
  const tell = noticeTeller(parts);
  await tell();
  if (keyboard) await converse(parts, { keyboard, tell });
  else await runScript(parts, tell);
}

/** Says what is new of the notices. */
function noticeTeller({ terminal, notices = async () => [] }: PromptParts): () => Promise<void> {
  let told: string[] = [];
  return async () => {
    const now = await notices().catch(() => told);
    const blocks: Block[] = now.filter(text => !told.includes(text)).map(text => ({ text, tone: 'bad' }));
    if (blocks.length > 0) terminal.output.write(`${renderBlocks(blocks, styleOf(terminal.output))}\n`);
    told = now;
  };
}

/** Runs one line; false when it says to leave. */
async function runLine(
  { terminal, execute, vocabulary, answersSentences }: PromptParts,
  line: string,
): Promise<boolean> {
  try {
    if (isSentence(line, vocabulary, answersSentences)) {
      await execute(['ask', '--continue', '--', line.trim()]);
      return true;
    }
    const typed = splitLine(line);
    const words = typed[0] === 'groundskeeper' ? typed.slice(1) : typed;
    if (words.length === 0) return true;
    if (words.length === 1 && (words[0] === 'exit' || words[0] === 'quit')) return false;
    await execute(words.length === 1 && words[0] === 'help' ? ['--help'] : words);
  } catch (thrown) {
    terminal.errors.write(`${renderError(FleetError.from(thrown), styleOf(terminal.errors))}\n`);
  }
  return true;
}

/** Lines from a pipe, each shown before it runs so that the output can be read as a transcript. */
async function runScript(parts: PromptParts, tell: () => Promise<void>): Promise<void> {
  const { input, output } = parts.terminal;
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    output.write(`${labelOf(parts)}${line}\n`);
    if (!(await runLine(parts, line))) return;
    await tell();
  }
}

type Typed =
  | { kind: 'lines'; lines: string[]; rest: string }
  | { kind: 'interrupted'; empty: boolean }
  | { kind: 'ended' };

async function converse(
  parts: PromptParts,
  { keyboard, tell }: { keyboard: ReadStream; tell(): Promise<void> },
): Promise<void> {
  const { terminal, historyFile } = parts;
  const history = historyFile ? await readHistory(historyFile) : [];
  let rest = '';
  let interrupts = 0;
  for (;;) {
    const typed = await typedLines(parts, { keyboard, history, rest });
    rest = '';
    switch (typed.kind) {
      case 'ended':
        terminal.output.write('\n');
        return;
      case 'interrupted':
        terminal.output.write('\n');
        interrupts = typed.empty ? interrupts + 1 : 0;
        if (interrupts === 2) return;
        if (typed.empty) terminal.output.write('(Ctrl-C again, Ctrl-D or exit to leave)\n');
        break;
      case 'lines':
        interrupts = 0;
        rest = typed.rest;
        if (historyFile) await writeHistory(historyFile, history);
        for (const line of typed.lines) if (!(await runLine(parts, line))) return;
        await tell();
    }
  }
}

/**
 * What was typed up to Enter. The reader is made anew for each line, since it would otherwise hold the keyboard while a command
 * asks for a passphrase; lines pasted together are all taken, and what follows the last one is the beginning of the next.
 */
function typedLines(
  parts: PromptParts,
  { keyboard, history, rest }: { keyboard: ReadStream; history: string[]; rest: string },
): Promise<Typed> {
  const { promise, resolve } = Promise.withResolvers<Typed>();
  const reader = createInterface({
    input: keyboard,
    output: parts.terminal.output,
    terminal: true,
    prompt: labelOf(parts),
    history: [...history],
    historySize,
    removeHistoryDuplicates: true,
    completer: (line: string) => complete(line, parts.vocabulary),
  });
  const lines: string[] = [];
  const finish = (typed: Typed) => {
    resolve(typed);
    reader.close();
  };
  reader.on('history', (latest: string[]) => {
    history.splice(0, history.length, ...latest);
  });
  reader.on('line', line => {
    lines.push(line);
    if (lines.length === 1) setImmediate(() => finish({ kind: 'lines', lines, rest: lineOf(reader) }));
  });
  reader.on('SIGINT', () => finish({ kind: 'interrupted', empty: lineOf(reader) === '' }));
  reader.on('close', () => resolve({ kind: 'ended' }));
  reader.prompt();
  if (rest !== '') reader.write(rest);
  return promise;
}

function lineOf(reader: Interface): string {
  return reader.line ?? '';
}

function labelOf({ label }: PromptParts): string {
  return label ? label() : 'groundskeeper> ';
}

/** Newest first, as readline keeps it. */
async function readHistory(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(line => line !== '')
    .reverse()
    .slice(0, historySize);
}

/** A history that cannot be kept is no reason to stop working. */
async function writeHistory(file: string, history: string[]): Promise<void> {
  const lines = history.slice(0, historySize).reverse();
  await writePrivate(file, lines.map(line => `${line}\n`).join('')).catch(() => undefined);
}
