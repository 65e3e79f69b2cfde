/** Texts in `prompts/`, read and never built in code. In those that instruct a model of ours the rules of safety stand last. */
import { readFile } from 'node:fs/promises';
import { digestOf } from '../core/canonical.ts';

export type Prompt = { text: string; digest: string };

const folder = new URL('../../prompts/', import.meta.url);

/** As it stands in `prompts/`. */
export function promptText(name: string): Promise<string> {
  return readFile(new URL(`${name}.md`, folder), 'utf8');
}

export async function loadPrompt(name: 'system' | 'digest'): Promise<Prompt> {
  const [own, safety] = await Promise.all([promptText(name), promptText('safety')]);
  const text = `${own.trim()}\n\n${safety.trim()}\n`;
  return { text, digest: digestOf(text) };
}
