/**
 * Reads a policy folder: one schema and the `.cedar` files beside it. What
 * could kill the evaluator (deep nesting, huge files) is refused here, before
 * the text reaches it.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../../core/canonical.ts';
import { lineOf } from './source-lines.ts';

const schemaFile = 'schema.cedarschema';
const largestFile = 256 * 1024;
const mostFiles = 64;
const deepestNesting = 32;

export type PolicyFile = { name: string; text: string };
/** What of a folder is fit for the evaluator, in name order, and what is wrong with the rest. */
export type PolicyFolder = { schema?: PolicyFile; policies: PolicyFile[]; digest: string; problems: string[] };

/** Reads the folder. Its digest is good for a folder without problems. */
export function readPolicyFolder(dir: string): PolicyFolder {
  const problems: string[] = [];
  const read = (name: string): PolicyFile[] => {
    const { text, problem } = readText(join(dir, name));
    const deep = nestedTooDeepAt(text);
    if (problem) problems.push(`${name}: ${problem}`);
    else if (deep) problems.push(`${name}:${deep}: nested more than ${deepestNesting} deep`);
    else return [{ name, text }];
    return [];
  };
  let names: string[];
  try {
    names = readdirSync(dir);
  } catch {
    return { policies: [], digest: '', problems: [`the folder ${dir} cannot be read`] };
  }
  const policyNames = names.filter(name => name.endsWith('.cedar')).sort();
  if (!names.includes(schemaFile)) problems.push(`${schemaFile} is missing`);
  if (policyNames.length === 0) problems.push('the folder holds no .cedar file');
  if (policyNames.length > mostFiles) problems.push(`more than ${mostFiles} .cedar files`);
  const [schema] = names.includes(schemaFile) ? read(schemaFile) : [];
  const policies = policyNames.slice(0, mostFiles).flatMap(read);
  const digest = digestOf({ files: [...(schema ? [schema] : []), ...policies] });
  return { ...(schema && { schema }), policies, digest, problems };
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
 * The line on which the text nests too deeply, if it does. Brackets count outside strings and comments; `if` counts because a
 * chain of `else if` nests without any bracket.
 */
export function nestedTooDeepAt(text: string): number | undefined {
  const tokens = /"(?:[^"\\]|\\.)*"|\/\/[^\r\n]*|[([{]|[)\]}]|;|\bif\b/gs;
  let depth = 0;
  let ifs = 0;
  for (const { 0: token, index } of text.matchAll(tokens)) {
    if (token === ';') ifs = 0;
    else if (token === 'if') ifs++;
    else if (/^[([{]$/.test(token)) depth++;
    else if (/^[)\]}]$/.test(token)) depth--;
    if (depth + ifs > deepestNesting) return lineOf(text, index);
  }
  return undefined;
}
