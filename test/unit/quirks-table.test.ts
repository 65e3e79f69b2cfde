/** The page on quirks names faults that the lab has, and tests that are there. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { faultSchema } from '../../src/lab/faults.ts';
import { docsTable } from '../support/docs-table.ts';

const { heading, rows } = docsTable('quirks.md');
const kinds: readonly string[] = faultSchema.options.map(({ shape }) => shape.kind.value);

test('the table has its columns, and a row for each maker', () => {
  expect(heading).toEqual(['Who', 'What happens', 'What is done', 'In the lab', 'Test']);
  const who = new Set(rows.flatMap(([maker = '']) => maker.split(/[ ,]/)[0] ?? []));
  expect([...who]).toEqual(expect.arrayContaining(['Dell', 'HPE', 'Supermicro', 'Lenovo', 'AMI', 'OpenBMC', 'any']));
});

test.each(rows)('%s: %s', (_who, _what, _done, played = '', named = '') => {
  const faults = [...played.matchAll(/`([^`]+)`/g)].map(([, kind]) => kind);
  if (faults.length === 0) expect(played).toBe('always');
  expect(kinds).toEqual(expect.arrayContaining(faults));
  const [, file = '', title = ''] = /^`([^`]+)`: (.+)$/.exec(named) ?? [];
  const path = new URL(`../${file}.test.ts`, import.meta.url);
  expect([path.pathname, existsSync(path)]).toEqual([path.pathname, true]);
  const titles = readFileSync(path, 'utf8')
    .split('\n')
    .filter(line => /['`]/.test(line));
  expect(titles.filter(line => line.includes(title)).length).toBeGreaterThan(0);
});
