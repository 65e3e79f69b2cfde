/** What begins or ends at once for a model: only what the person's newest words ask for. */
import { describe, expect, it } from 'vitest';
import { hasPhrase, isAskedFor, phrasesOf } from '../../src/assistant/asked.ts';
import type { ModelMessage } from '../../src/core/model.ts';
import { catalog } from '../../tools/index.ts';

const tool = (name: string) => {
  const found = catalog.find(each => each.name === name);
  if (!found) throw new Error(`no tool ${name}`);
  return found;
};

const person = (text: string): ModelMessage => ({ role: 'person', text });
const result = (answer: string): ModelMessage => ({
  role: 'result',
  call: 'c',
  text: JSON.stringify({ result: 'r1', tool: 't', answer }),
});

describe('a phrase', () => {
  it.each([
    ['Freeze boston!', 'freeze', true],
    ['What is frozen, or was it unfreeze-d?', 'freeze', false],
    ['a self-freeze', 'freeze', false],
    ['freeze_all', 'freeze', false],
    ['so go\n  on', 'go on', true],
    ['so go and on', 'go on', false],
    ['Switch on bos-w-1', 'switch … on', true],
    ['switch the server of bos-w-1.example.com back on', 'switch … on', true],
    ['Is the switch fine? Come on.', 'switch … on', false],
    ['the switch is fine, so come on', 'switch … on', false],
    ['the switchboard is on', 'switch … on', false],
    ['switch only bos-w-1', 'switch … on', false],
    [`switch ${'and '.repeat(20)} on`, 'switch … on', false],
  ])('in %j: %j is said: %j', (text, phrase, said) => {
    expect(hasPhrase(text, phrase)).toBe(said);
  });
});

describe('a call', () => {
  it.each([
    ['freezeChanges', {}, 'Freeze boston!', true],
    ['freezeChanges', {}, 'What is frozen at boston?', false],
    ['cancelOperation', {}, 'Stop op-1 now', true],
    ['pauseOperation', {}, 'How is op-1?', false],
    ['startPlan', {}, 'How is plan-1?', false],
    ['startPlan', {}, 'Yes, start it.', true],
    ['uncordonNode', {}, 'Please uncordon bos-w-3', true],
    ['uncordonNode', {}, 'Who uncordoned bos-w-3?', false],
    ['setNodePower', { power: 'on' }, 'Power bos-w-3 on again', true],
    ['setNodePower', { power: 'on' }, 'Restart bos-w-3', false],
    ['setNodePower', { power: 'on' }, 'How much power does bos-w-3 take?', false],
    ['setNodePower', { power: 'restart' }, 'Restart bos-w-3', true],
    ['setNodePower', { power: 'constructor' }, 'constructor', false],
    ['setNodePower', null, 'Restart bos-w-3', false],
    ['identifyNode', {}, 'Switch the locating light of bos-w-3 off', true],
    ['identifyNode', {}, 'Why is the amber light of bos-w-3 on?', false],
    ['getNodeHealth', {}, 'getNodeHealth', false],
  ])('of %s %j is asked for in «%s»: %j', (name, input, text, asked) => {
    expect(isAskedFor(tool(name), input, [person(text)])).toBe(asked);
  });

  it('is asked for by nothing but the newest words of the person', () => {
    const before = [person('Freeze boston!'), result('freeze boston'), person('Thanks. How is chicago?')];
    expect(isAskedFor(tool('freezeChanges'), {}, before)).toBe(false);
    expect(isAskedFor(tool('freezeChanges'), {}, [])).toBe(false);
    expect(isAskedFor(tool('freezeChanges'), {}, [...before, person('Freeze it, too')])).toBe(true);
  });
});

describe.each(catalog.filter(({ risk }) => risk !== 'read').map(each => [each.name, each] as const))(
  '%s',
  (name, each) => {
    const phrases = phrasesOf(each, each.example);

    it('is asked for in words of its own, which are no question about a node, a plan or an operation', () => {
      expect(phrases.length).toBeGreaterThan(0);
      for (const phrase of phrases) {
        expect(phrase).toMatch(/^[a-z]+((-| | … )[a-z]+)*$/);
        expect(isAskedFor(each, each.example, [person(`${phrase}, please`)]), phrase).toBe(true);
      }
      const questions = [
        'Why is bos-w-3 slow?',
        'What does plan-0123456789 do?',
        'How is the fleet, and op-0123456789?',
      ];
      for (const question of questions) expect(isAskedFor(each, each.example, [person(question)])).toBe(false);
      expect(isAskedFor(each, each.example, [person('Why?'), result(`call ${name}: ${phrases.join(', ')}`)])).toBe(
        false,
      );
    });
  },
);
