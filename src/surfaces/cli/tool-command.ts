/** One subcommand per tool of the catalog. Nothing here knows any tool but by its type. */
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { changeAnswer } from '../../core/change.ts';
import { FleetError } from '../../core/errors.ts';
import type { Tool } from '../../core/tool.ts';
import { commandLine, commandName, type InputField, inputFields } from '../../gateway/command-form.ts';
import { inputOf } from '../../gateway/gateway.ts';
import { type CommandContext, interruptible, printBlocks, printJson } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { watchCommand } from './watch.ts';

/** Options of the CLI itself; a tool whose input has such a name could not be called. */
const reserved = new Set(['--json', '--watch', '--url', '--help']);

export type ToolCall = { tool: Tool; input: Record<string, unknown>; json: boolean; watch: boolean };

/** Adds the tool's command; `run` is called with an input that the tool's schema accepts. */
export function addToolCommand(program: Command, tool: Tool, run: (call: ToolCall) => Promise<void>): Command {
  const fields = inputFields(tool);
  const command = program
    .command(commandName(tool))
    .summary(tool.title)
    .description(tool.description)
    .helpGroup(tool.scope === 'read' ? 'Ask:' : 'Change:')
    .addHelpText('after', `\nExample:\n  ${commandLine(tool, tool.example)}`);
  const options = new Map<InputField, Option>();
  for (const field of fields) {
    if (reserved.has(field.flag)) throw new Error(`${tool.name} has an input named like the option ${field.flag}`);
    if (field.position !== undefined) command.addArgument(argumentOf(field));
    else {
      const option = optionOf(field);
      options.set(field, option);
      command.addOption(option);
    }
  }
  command.option('--json', 'print the answer as JSON');
  if (tool.name === 'getOperation') command.option('--watch', 'follow it until it ends');
  return command.action(async () => {
    // Whoever asks a command for help freezes no fleet with that reason.
    if (command.args.length === 1 && command.args[0]?.toLowerCase() === 'help') command.help();
    const input: Record<string, unknown> = {};
    for (const field of fields) {
      const option = options.get(field);
      const value = option ? givenOption(command, option) : command.processedArgs[field.position ?? 0];
      const none = value === undefined || (Array.isArray(value) && value.length === 0);
      if (!none) input[field.name] = value;
    }
    checkInput(tool, fields, input);
    const { json = false, watch = false } = command.opts<{ json?: boolean; watch?: boolean }>();
    await run({ tool, input, json, watch });
  });
}

/** Undefined unless it stood on the command line: defaults are the service's business. */
function givenOption(command: Command, option: Option): unknown {
  const name = option.attributeName();
  return command.getOptionValueSource(name) === 'cli' ? command.getOptionValue(name) : undefined;
}

/** Asks the service and prints what it answers. */
export async function callTool(context: CommandContext, { tool, input, json, watch }: ToolCall): Promise<void> {
  const client = await context.client();
  if (watch) return watchCommand(context, { client, id: String(input.operation), json });
  const answer = await interruptible(context.terminal, signal =>
    client.callTool(tool.name, input, signal).catch((thrown: unknown) => {
      throw signal.aborted ? stoppedWaiting(tool) : thrown;
    }),
  );
  if (json) printJson(context, answer.output);
  else printBlocks(context, answer.blocks);
  const change = changeAnswer.safeParse(answer.output);
  if (change.success && change.data.status === 'denied') context.finish(exitCodes.denied);
}

function stoppedWaiting(tool: Tool): FleetError {
  return new FleetError({
    code: 'timeout',
    message: `you stopped waiting for ${commandName(tool)}`,
    ...(tool.scope !== 'read' && { hint: 'what was asked for may still happen: groundskeeper list-operations' }),
  });
}

function argumentOf(field: InputField): Argument {
  const name = `${field.flag.slice(2)}${field.repeated ? '...' : ''}`;
  const argument = new Argument(field.required ? `<${name}>` : `[${name}]`, helpOf(field));
  return withChoices(argument, field).argParser((text: string, earlier: unknown) => collected(field, text, earlier));
}

function optionOf(field: InputField): Option {
  if (field.kind === 'boolean' && !field.repeated) {
    const flag = field.defaultValue === true ? `--no-${field.flag.slice(2)}` : field.flag;
    return new Option(flag, helpOf(field));
  }
  const placeholder = field.kind === 'json' ? 'json' : field.kind === 'number' ? 'number' : 'value';
  const option = new Option(`${field.flag} <${placeholder}>`, helpOf(field)).makeOptionMandatory(field.required);
  return withChoices(option, field).argParser((text: string, earlier: unknown) => collected(field, text, earlier));
}

function withChoices<T extends Option | Argument>(target: T, { choices }: InputField): T {
  if (choices.length > 0) target.choices(choices);
  return target;
}

function helpOf({ description, defaultValue, repeated, kind, position }: InputField): string {
  const notes = [
    ...(repeated && position === undefined ? ['repeatable'] : []),
    ...(defaultValue !== undefined && kind !== 'boolean' ? [`default: ${JSON.stringify(defaultValue)}`] : []),
  ];
  return notes.length > 0 ? `${description} (${notes.join(', ')})`.trim() : description;
}

function collected(field: InputField, text: string, earlier: unknown): unknown {
  const value = parseValue(field, text);
  if (!field.repeated) return value;
  return [...(Array.isArray(earlier) ? earlier : []), value];
}

function parseValue({ kind, choices }: InputField, text: string): unknown {
  if (choices.length > 0 && !choices.includes(text)) {
    throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}.`);
  }
  switch (kind) {
    case 'text':
      return text;
    case 'number':
      if (text.trim() === '' || !Number.isFinite(Number(text))) throw new InvalidArgumentError('It is not a number.');
      return Number(text);
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw new InvalidArgumentError('It is true or false.');
      return text === 'true';
    case 'json':
      try {
        return JSON.parse(text);
      } catch {
        throw new InvalidArgumentError('It is not JSON.');
      }
  }
}

/** Says what is wrong in the words of the command line, before anything is sent; the service checks again. */
function checkInput(tool: Tool, fields: InputField[], input: Record<string, unknown>): void {
  const parsed = inputOf(tool).safeParse(input);
  if (parsed.success) return;
  const problems = parsed.error.issues.map(({ path, message }) => {
    const field = fields.find(candidate => candidate.name === path[0]);
    const place = !field ? 'input' : field.position === undefined ? field.flag : `<${field.flag.slice(2)}>`;
    return `${place}: ${message}`;
  });
  throw new FleetError({
    code: 'invalid_input',
    message: problems.join('; '),
    hint: `see: groundskeeper ${commandName(tool)} --help`,
  });
}
