/** Reads the configuration file as YAML, refusing what is only made to exhaust a reader: huge files and alias bombs. */
import { readFileSync, statSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import type { Problems } from './problems.ts';

const largestFile = 1024 * 1024;
const mostAliases = 100;
/** One slip of indentation can make hundreds. */
const mostYamlErrors = 5;

/** The document, or undefined after adding the problem. Quotes no text of the file: it may hold a secret. */
export function readDocument(file: string, problems: Problems): Record<string, unknown> | undefined {
  const text = readText(file, problems);
  if (text === undefined) return undefined;
  const root = parseYaml(text, problems);
  if (problems.list.length > 0) return undefined;
  if (typeof root !== 'object' || root === null || Array.isArray(root)) {
    problems.add([], { expected: 'a mapping of service, people, sites and so on', found: 'something else' });
    return undefined;
  }
  return Object.fromEntries(Object.entries(root));
}

function readText(file: string, problems: Problems): string | undefined {
  try {
    const { size } = statSync(file);
    if (size <= largestFile) return readFileSync(file, 'utf8');
    problems.add([], { expected: 'a configuration of at most 1 MiB', found: `${size} bytes` });
  } catch {
    problems.add([], { expected: 'a file that can be read', found: `no readable file at ${file}` });
  }
  return undefined;
}

function parseYaml(text: string, problems: Problems): unknown {
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
    for (const error of [...document.errors, ...document.warnings].slice(0, mostYamlErrors)) {
      const { line, col } = lines.linePos(error.pos[0]);
      const found = `${error.code.toLowerCase().replaceAll('_', ' ')} at line ${line}, column ${col}`;
      problems.add([], { expected: 'valid YAML', found });
    }
    return document.errors.length > 0 ? undefined : document.toJS({ maxAliasCount: mostAliases });
  } catch {
    problems.add([], { expected: 'YAML of ordinary depth with few aliases', found: 'too many aliases or levels' });
    return undefined;
  }
}
