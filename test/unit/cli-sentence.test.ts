/** What is typed at the prompt: a command, a command that was mistyped, or a question. */
import { expect, it } from 'vitest';
import { isSentence } from '../../src/surfaces/cli/sentence.ts';

const command = (name: string) => ({ name, options: [], arguments: [], commands: [] });
const vocabulary = {
  program: { ...command('groundskeeper'), commands: ['get-node-health', 'ask', 'approvals', 'as'].map(command) },
  names: { sites: ['boston'], clusters: ['boston'], nodes: ['bos-w-1'] },
};

it.each([
  ['why is bos-w-1 slow?', true],
  ["what's wrong with boston", true],
  ['bos-w-1 is slow', true],
  ['boston has a problem', true],
  ['get-node-health bos-w-1', false],
  ['get-node-heatlh bos-w-1', false],
  ['approvals list', false],
  ['as night-shift', false],
  ['help me', false],
  ['groundskeeper custody verify', false],
  ['--version please', false],
  ['health?', false],
  ['', false],
])('%j is a sentence: %j', (line, sentence) => {
  expect(isSentence(line, vocabulary, true)).toBe(sentence);
});

it('without anybody to answer, the beginning of a command is one that was cut short', () => {
  const kinds = (line: string) => [true, false].map(answered => isSentence(line, vocabulary, answered));
  expect(kinds('get bos-w-1 healthy')).toEqual([true, false]);
  expect(kinds('why is bos-w-1 slow')).toEqual([true, true]);
});
