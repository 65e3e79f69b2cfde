/**
 * A slash command as a call of a tool, in the very words of the CLI. No model
 * has a part in it. Short forms are for those that people type in a hurry.
 */
import { FleetError } from '../../core/errors.ts';
import type { Tool } from '../../core/tool.ts';
import { commandLine, commandName, fieldType, type InputField, inputFields } from '../../gateway/command-form.ts';
import { splitLine } from '../cli/split-line.ts';

export type SlashCommand =
  | { kind: 'help'; about?: Tool }
  | { kind: 'approvals' }
  | { kind: 'call'; tool: Tool; input: Record<string, unknown> };

/** Tool by short form. `joined`: the words before the first option are one, so that a reason needs no quotes. */
export const shortForms: Record<string, { tool: string; joined?: true }> = {
  health: { tool: 'getNodeHealth' },
  plan: { tool: 'planFirmwareRollout' },
  overview: { tool: 'getFleetOverview' },
  findings: { tool: 'listFindings' },
  operations: { tool: 'listOperations' },
  freeze: { tool: 'freezeChanges', joined: true },
};

/** Throws `invalid_input` and `not_found` with words of what was expected. Values are checked by the tool itself. */
export function parseCommand(text: string, catalog: Tool[]): SlashCommand {
  const plain = typed(text);
  const name = /^\S*/.exec(plain)?.[0] ?? '';
  if (name === '' || name === 'help') return helpOn(plain.slice(name.length).trim(), catalog);
  if (name === 'approvals') return { kind: 'approvals' };
  const { tool, joined } = toolNamed(name, catalog);
  const rest = plain.slice(name.length).trim();
  // No name and no reason is one of these words alone.
  if (['help', '--help', '-h'].includes(rest.toLowerCase())) return { kind: 'help', about: tool };
  return { kind: 'call', tool, input: inputFrom(tool, joined ? joinedWords(tool, rest) : splitLine(rest)) };
}

/** All before the first option that the tool has as one word, without the quotes around it; an option within them is none. */
function joinedWords(tool: Tool, rest: string): string[] {
  const flags = inputFields(tool).map(({ flag }) => flag.slice(2));
  const quoted = /^(["'])(?:(?!\1).)+\1(?=\s|$)/s.exec(rest)?.[0] ?? '';
  const option = new RegExp(`(?:^|\\s)--(?:no-)?(?:${flags.join('|')})(?=[\\s=]|$)`).exec(rest.slice(quoted.length));
  const head = rest.slice(0, option ? quoted.length + option.index : undefined).trim();
  const reason = head === quoted ? head.slice(1, -1) : head;
  return [...(reason === '' ? [] : [reason]), ...(option ? splitLine(rest.slice(quoted.length + option.index)) : [])];
}

/** What a command takes, one line for each field. */
export function usageOf(tool: Tool): string[] {
  return [
    commandLine(tool, tool.example).replace(/^groundskeeper/, '/groundskeeper'),
    ...inputFields(tool).map(field => {
      const name = field.position === undefined ? field.flag : `<${field.flag.slice(2)}>`;
      return `${name} (${fieldType(field)}${field.required ? '' : ', optional'}): ${field.description}`;
    }),
  ];
}

function helpOn(name: string, catalog: Tool[]): SlashCommand {
  return name === '' ? { kind: 'help' } : { kind: 'help', about: toolNamed(name, catalog).tool };
}

function toolNamed(name: string, catalog: Tool[]): { tool: Tool; joined?: true } {
  const short = Object.hasOwn(shortForms, name) ? shortForms[name] : undefined;
  const tool = catalog.find(each => (short ? each.name === short.tool : commandName(each) === name));
  if (tool) return { tool, ...(short?.joined && { joined: true }) };
  throw new FleetError({
    code: 'not_found',
    message: `there is no command ${JSON.stringify(name.slice(0, 60))}`,
    hint: '/groundskeeper help shows all of them',
  });
}

/** Phones and desktops turn what is typed into typography; Slack escapes what is markup to it. */
function typed(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .replace(/[“”„]/g, '"')
    .replace(/[‘’]/g, "'")
    .replace(/(^|\s)[—–](?=\w)/g, '$1--')
    .trim();
}

function inputFrom(tool: Tool, words: string[]): Record<string, unknown> {
  const fields = inputFields(tool);
  const places = fields.filter(field => field.position !== undefined);
  const input: Record<string, unknown> = {};
  const give = (field: InputField, value: unknown) => {
    const earlier = input[field.name];
    if (!field.repeated && earlier !== undefined) throw wrong(tool, `${field.flag} is given twice`);
    input[field.name] = field.repeated ? [...(Array.isArray(earlier) ? earlier : []), value] : value;
  };
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (!word.startsWith('--')) {
      const field = places.find(({ name, repeated }) => repeated || !(name in input));
      if (!field) throw wrong(tool, `${JSON.stringify(word)} is one word too many`);
      give(field, valueFor(tool, field, word));
      continue;
    }
    const [flag = '', ...tail] = word.split('=');
    const field = fields.find(each => each.flag === flag || `--no-${each.flag.slice(2)}` === flag);
    if (!field) throw wrong(tool, `it has no option ${JSON.stringify(flag)}`);
    const given = tail.length > 0 ? tail.join('=') : undefined;
    if (field.kind === 'boolean' && given === undefined) give(field, flag === field.flag);
    else give(field, valueFor(tool, field, given ?? words[++at]));
  }
  return input;
}

function valueFor(tool: Tool, { kind, flag }: InputField, word: string | undefined): unknown {
  if (word === undefined) throw wrong(tool, `${flag} has no value`);
  switch (kind) {
    case 'text':
      return word;
    case 'number':
      return Number(word);
    case 'boolean':
      return word === 'true' ? true : word === 'false' ? false : word;
    case 'json':
      try {
        return JSON.parse(word);
      } catch {
        throw wrong(tool, `${flag} is no JSON`);
      }
  }
}

function wrong(tool: Tool, what: string): FleetError {
  return new FleetError({
    code: 'invalid_input',
    message: `${commandName(tool)}: ${what}`,
    hint: `/groundskeeper help ${commandName(tool)}`,
  });
}
