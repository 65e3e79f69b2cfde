/** Facts share what they have in common, and what only one of them ever had is not held for good. */
import { expect, it } from 'vitest';
import { Sharing } from '../../src/adapters/kubernetes/sharing.ts';

type Facts = { labels: { app: string; parts: { name: string }[] } };

const facts = (app: string): Facts => ({ labels: { app, parts: [{ name: 'a' }] } });
const shared = (sharing: Sharing, app: string) => sharing.share(facts(app), ['labels']).labels;

it('one copy serves all that say the same, down to its parts, and nobody can change it', () => {
  const sharing = new Sharing();
  const first = shared(sharing, 'web');
  expect(first).toEqual(facts('web').labels);
  expect(shared(sharing, 'web')).toBe(first);
  expect(shared(sharing, 'db').parts).toBe(first.parts);
  expect([first, first.parts, first.parts[0]].every(Object.isFrozen)).toBe(true);
});

it('what is met again and again stays, and what is not is let go', () => {
  const sharing = new Sharing();
  const [usual, once] = [shared(sharing, 'usual'), shared(sharing, 'once')];
  for (let other = 0; other < 20_000; other++) {
    shared(sharing, `other-${other}`);
    if (other % 1_000 === 0) expect(shared(sharing, 'usual')).toBe(usual);
  }
  expect(shared(sharing, 'once')).not.toBe(once);
  expect(shared(sharing, 'once')).toEqual(once);
});
