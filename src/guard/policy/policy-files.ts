/**
 * Reads a policy folder: one schema and the `.cedar` files beside it. What
 * could kill the evaluator (deep nesting, huge files) is refused here, before
 * the text reaches it.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../../core/canonical.ts';

export const schemaFile = 'schema.cedarschema';
const largestFile = 256 * 1024;
const mostFiles = 64;
const deepestNesting = 32;

export type PolicyFile = { name: string; text: string };
export type PolicyFolder = { schema: PolicyFile; policies: PolicyFile[]; digest: string };

/** All that is wrong with the folder, or its files in name order with their digest. */
export function readPolicyFolder(dir: string): { folder: PolicyFolder } | { problems: string[] } {
  const problems: string[] = [];
  const read = (name: string): PolicyFile => {
    const { text, problem } = readText(join(dir, name));
    const refused = problem ?? nestingProblem(text);
    if (refused) problems.push(`${name}: ${refused}`);
    return { name, text };
  };
  let names: string[];
  try {
    names = readdirSync(dir);
  } catch {
    return { problems: [`the folder ${dir} cannot be read`] };
  }
  const policyNames = names.filter(name => name.endsWith('.cedar')).sort();
  if (!names.includes(schemaFile)) problems.push(`${schemaFile} is missing`);
  if (policyNames.length === 0) problems.push('the folder holds no .cedar file');
  if (policyNames.length > mostFiles) problems.push(`more than ${mostFiles} .cedar files`);
  if (problems.length > 0) return { problems };
  const schema = read(schemaFile);
  const policies = policyNames.map(read);
  if (problems.length > 0) return { problems };
  return { folder: { schema, policies, digest: digestOf({ files: [schema, ...policies] }) } };
}

function readText(path: string): { text: string; problem?: string } {
  try {
    if (statSync(path).size > largestFile) return { text: '', problem: `larger than ${largestFile / 1024} KiB` };
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path)) };
  } catch {
    return { text: '', problem: 'cannot be read as UTF-8 text' };
  }
}

/**
 * Why the text nests too deeply, if it does. Brackets count outside strings and comments; `if` counts because a
 * chain of `else if` nests without any bracket.
 */
export function nestingProblem(text: string): string | undefined {
  const tokens = /"(?:[^"\\]|\\.)*"|\/\/[^\r\n]*|[([{]|[)\]}]|;|\bif\b/gs;
  let depth = 0;
  let ifs = 0;
  for (const [token] of text.matchAll(tokens)) {
    if (token === ';') ifs = 0;
    else if (token === 'if') ifs++;
    else if (/^[([{]$/.test(token)) depth++;
    else if (/^[)\]}]$/.test(token)) depth--;
    if (depth + ifs > deepestNesting) return `nested more than ${deepestNesting} deep`;
  }
  return undefined;
}
