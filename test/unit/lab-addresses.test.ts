/** Labs bind fixed ports, so that two files which run at the same moment need addresses of their own. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const folder = new URL('..', import.meta.url);

/** Of each lab that a test file starts, the beginning of its addresses. */
function basesIn(file: string): string[] {
  const text = readFileSync(new URL(file, folder), 'utf8');
  return [...text.matchAll(/(?:addressBase(?::| =)|MistakeScene\() ?'(127\.\d+)'/g)].map(([, base = '']) => base);
}

it('no two test files start labs at the same addresses', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.test.ts'));
  const users = Map.groupBy(
    files.flatMap(file => [...new Set(basesIn(file))].map(base => ({ base, file }))),
    ({ base }) => base,
  );
  expect(users.size).toBeGreaterThan(40);
  const shared = [...users.values()].filter(list => list.length > 1);
  expect(shared.map(list => list.map(({ file, base }) => `${base} ${file}`))).toEqual([]);
});
