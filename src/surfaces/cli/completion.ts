/** What the Tab key offers: commands, their options, and the names of the inventory. */
import type { Command } from 'commander';
import type { Names } from '../http/api.ts';
import { splitForCompletion } from './split-line.ts';

export type CommandWords = {
  name: string;
  options: { flag: string; choices: string[] }[];
  arguments: { name: string; choices: string[] }[];
  commands: CommandWords[];
};

export type Vocabulary = { program: CommandWords; names: Names };

const promptWords = ['exit', 'help'];

/** The words of a program and of all its subcommands. */
export function commandWords(command: Command): CommandWords {
  return {
    name: command.name(),
    options: command.options.flatMap(({ long, argChoices = [] }) =>
      long ? [{ flag: long, choices: argChoices }] : [],
    ),
    arguments: command.registeredArguments.map(argument => ({
      name: argument.name(),
      choices: argument.argChoices ?? [],
    })),
    commands: command.commands.map(commandWords),
  };
}

/** Completions of the last word of `line`, in order, and that word: what readline's completer answers. The only one is ended with a space. */
export function complete(line: string, { program, names }: Vocabulary): [string[], string] {
  const { before, current } = splitForCompletion(line);
  const candidates = new Set(candidatesFor(before, current, { program, names }));
  const fitting = [...candidates].filter(word => word.startsWith(current)).sort();
  return [fitting.length === 1 ? fitting.map(word => `${word} `) : fitting, current];
}

function candidatesFor(before: string[], current: string, { program, names }: Vocabulary): string[] {
  const [first, ...rest] = before;
  const top = program.commands.map(command => command.name);
  if (first === undefined) return [...top, ...promptWords];
  if (first === 'help') return rest.length === 0 ? top : [];
  let command = program.commands.find(candidate => candidate.name === first);
  if (!command) return [];
  if (command.commands.length > 0) {
    const group: CommandWords = command;
    if (rest.length === 0) return group.commands.map(each => each.name);
    command = group.commands.find(each => each.name === rest[0]);
    rest.shift();
  }
  if (!command) return [];
  if (current.startsWith('-')) return [...command.options.map(option => option.flag), '--help'];
  const option = command.options.find(candidate => candidate.flag === rest.at(-1));
  if (option && option.choices.length > 0) return option.choices;
  if (option) {
    const named = namesLike(option.flag, names);
    if (named.length > 0) return named;
  }
  const place = Math.min(rest.filter(word => !word.startsWith('-')).length, command.arguments.length - 1);
  const argument = command.arguments[place];
  if (!argument) return [];
  return argument.choices.length > 0 ? argument.choices : namesLike(argument.name, names);
}

/** `node`, `--nodes` and the like say what they take. */
function namesLike(word: string, { nodes, sites, clusters }: Names): string[] {
  if (/node/.test(word)) return nodes;
  if (/site/.test(word)) return sites;
  return /cluster/.test(word) ? clusters : [];
}
