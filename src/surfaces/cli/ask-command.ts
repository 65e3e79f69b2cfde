/**
 * Questions in sentences. What the model says is shown as its own words; what
 * tools said of a change is printed as they said it, so that nobody has to
 * take a plan from the mouth of a model.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Block } from '../../core/document.ts';
import { FleetError } from '../../core/errors.ts';
import type { Turn, TurnEvent } from '../../core/talk.ts';
import { isPlainRead, type Tool } from '../../core/tool.ts';
import { callLine } from '../../gateway/call-line.ts';
import { turnNotes } from '../../gateway/turn-notes.ts';
import { type CommandContext, interruptible, printBlocks, printJson } from './context.ts';
import { plainText } from './plain-text.ts';
import { painter } from './render.ts';
import { styleOf } from './terminal.ts';
import { writePrivate } from './token-store.ts';

type Options = { continue?: boolean; conversation?: string; json?: boolean };

/** Adds `ask`. */
export function addAskCommand(program: Command, context: CommandContext, catalog: Tool[]): void {
  program
    .command('ask')
    .helpGroup('Ask:')
    .summary('Ask in a sentence')
    .description(
      'A language model chooses tools and answers. It acts in your name with no more rights than you have, makes plans at most, and cannot approve.',
    )
    .argument('<words...>', 'the question')
    .option('--continue', 'go on with the last conversation')
    .option('--conversation <id>', 'go on with this one')
    .option('--json', 'print the answer as JSON')
    .addHelpText('after', '\nExample:\n  groundskeeper ask "why is bos-w-3 slow?"')
    .action((words: string[], options: Options) => ask(context, catalog, { text: words.join(' '), ...options }));
}

async function ask(
  context: CommandContext,
  catalog: Tool[],
  { text, json, ...options }: Options & { text: string },
): Promise<void> {
  const client = await context.client();
  const conversation =
    options.conversation ?? (options.continue ? await lastConversation(context, client.url) : undefined);
  const show = json ? undefined : narrator(context, catalog);
  const turn = await interruptible(context.terminal, signal =>
    client
      .ask({ text, ...(conversation !== undefined && { conversation }) }, { signal, onEvent: show })
      .catch(thrown => {
        throw signal.aborted ? new FleetError({ code: 'stopped', message: 'the question was taken back' }) : thrown;
      }),
  );
  await writePrivate(lastFile(context), `${JSON.stringify({ url: client.url, conversation: turn.conversation })}\n`);
  if (json) printJson(context, turn);
  else printBlocks(context, answerBlocks(turn, catalog));
}

/** What is read, as it is read; what tools say of changes, as they say it. Words wait for the end, when they are sure to stand. */
function narrator(context: CommandContext, catalog: Tool[]): (event: TurnEvent) => void {
  const { output } = context.terminal;
  const paint = painter(styleOf(output).color);
  return event => {
    if (event.kind === 'call')
      output.write(`${paint(plainText(`[${event.result}] ${callLine(event, catalog)}`), 'muted')}\n`);
    const tool = event.kind === 'result' && catalog.find(({ name }) => name === event.tool);
    if (event.kind !== 'result' || !tool) return;
    if (event.ok && isPlainRead(tool)) return;
    output.write('\n');
    printBlocks(context, event.blocks);
    output.write('\n');
  };
}

function answerBlocks(turn: Turn, catalog: Tool[]): Block[] {
  const sources = turn.cited.map(source => `[${source.result}] ${callLine(source, catalog)}`);
  return [
    { text: turn.text },
    ...(sources.length > 0 ? [{ title: 'It stands on', list: sources }] : []),
    ...turnNotes(turn),
  ];
}

function lastFile({ settings }: CommandContext): string {
  return join(settings.configDir, 'conversation.json');
}

/** Of this service; undefined where there is none, or the file is none of ours. */
async function lastConversation(context: CommandContext, url: string): Promise<string | undefined> {
  try {
    const last = JSON.parse(await readFile(lastFile(context), 'utf8')) as { url?: string; conversation?: string };
    return last.url === url ? last.conversation : undefined;
  } catch {
    return undefined;
  }
}
