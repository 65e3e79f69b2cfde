/** The instructions of the model: texts in `prompts/`, read once. The rules of safety stand last in every one of them. */
import { readFile } from 'node:fs/promises';
import { digestOf } from '../core/canonical.ts';

export type Prompt = { text: string; digest: string };

const folder = new URL('../../prompts/', import.meta.url);

export async function loadPrompt(name: 'system' | 'digest'): Promise<Prompt> {
  const [own, safety] = await Promise.all([read(name), read('safety')]);
  const text = `${own.trim()}\n\n${safety.trim()}\n`;
  return { text, digest: digestOf(text) };
}

function read(name: string): Promise<string> {
  return readFile(new URL(`${name}.md`, folder), 'utf8');
}
