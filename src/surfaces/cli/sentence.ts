/** Tells what is meant for the assistant from a command, and from a command that was mistyped. */
import type { Vocabulary } from './completion.ts';

const commandShape = /^(-|[a-z]+(-[a-z]+)+$)/;
const ownWords = ['exit', 'quit', 'help', 'groundskeeper'];

/**
 * Several words, of which the first is no command and does not look like one; a name of the inventory may begin a sentence.
 * Where nobody answers sentences, the beginning of a command is a command that was cut short.
 */
export function isSentence(line: string, { program, names }: Vocabulary, answered: boolean): boolean {
  const words = line.trim().split(/\s+/);
  const [first = ''] = words;
  if (words.length < 2 || ownWords.includes(first)) return false;
  if (program.commands.some(({ name }) => name === first || (!answered && name.startsWith(`${first}-`)))) return false;
  return !commandShape.test(first) || [names.nodes, names.sites, names.clusters].some(known => known.includes(first));
}
