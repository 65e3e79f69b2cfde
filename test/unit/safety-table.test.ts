/** The page on safety names rules that are in the code, and tests that are there. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { docsTable } from '../support/docs-table.ts';

const { heading, rows } = docsTable('safety.md');
const root = new URL('../../', import.meta.url);
const text = (path: string) => (existsSync(new URL(path, root)) ? readFileSync(new URL(path, root), 'utf8') : '');

/** The design counts so many; those named below the table hold what is not there yet. */
const counted = 33;
const yetToCome = ['11', '23'];

test('the table has its columns, and a row for each rule that has something to hold', () => {
  expect(heading).toEqual(['No.', 'Rule', 'Where', 'Tests']);
  const numbers = Array.from({ length: counted }, (_, index) => String(index + 1));
  expect(rows.map(([number]) => number)).toEqual(numbers.filter(number => !yetToCome.includes(number)));
});

test.each(rows)('%s: %s', (_number, _rule, where = '', tests = '') => {
  const places = where.split(', ').map(place => /^`([^`]+)` (\S+)$/.exec(place)?.slice(1) ?? [place]);
  for (const [file = '', name = ''] of places)
    expect([file, name, declares(file, name)]).toEqual([file, expect.stringMatching(/./), true]);
  const named = tests.split('<br>').map(each => /^`([^`]+)`: (.+)$/.exec(each)?.slice(1) ?? [each]);
  for (const [file = '', title = ''] of named)
    expect([file, title, bears(text(`test/${file}.test.ts`), title)]).toEqual([file, expect.stringMatching(/./), true]);
});

function declares(file: string, name: string): boolean {
  return file.endsWith('.cedar')
    ? text(file).includes(`@id("${name}")`)
    : new RegExp(`^export (async )?(function|const|class) ${name}\\b`, 'm').test(text(file));
}

/** As the title of a test, or in the table of one that is told apart by its rows. */
function bears(source: string, title: string): boolean {
  return [`'${title}'`, `"${title}"`, `\`${title}\``].some(quoted => source.includes(quoted));
}
