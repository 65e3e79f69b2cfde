/** Writes tools/README.md from the catalog; with `--check` only tells whether it is up to date. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { catalog } from '../../tools/index.ts';
import { reference } from './reference.ts';

const file = fileURLToPath(new URL('../../tools/README.md', import.meta.url));
const wanted = reference(catalog);

if (process.argv.includes('--check')) {
  const found = await readFile(file, 'utf8').catch(() => '');
  if (found !== wanted) {
    console.error('tools/README.md is not what the catalog gives; run: npm run generate');
    process.exitCode = 1;
  }
} else {
  await writeFile(file, wanted);
}
