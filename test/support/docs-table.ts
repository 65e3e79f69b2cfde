/** The table on a page of `docs/`, so that a test can hold each row against what is so. */
import { readFileSync } from 'node:fs';

export function docsTable(page: string): { heading: string[]; rows: string[][] } {
  const [heading = [], , ...rows] = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8')
    .split('\n')
    .filter(line => line.startsWith('|'))
    .map(line =>
      line
        .split('|')
        .slice(1, -1)
        .map(cell => cell.trim()),
    );
  return { heading, rows };
}
