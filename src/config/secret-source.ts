/** Where a secret really stands: `env:NAME` or `file:PATH`, never in the configuration itself. */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Secret } from '../core/secret.ts';

export type Environment = Record<string, string | undefined>;
export type SecretPlace = { baseDir: string; env: Environment };

const largestSecret = 16 * 1024;

/** The secret, or what is wrong; undefined for a text that names neither a variable nor a file. */
export function resolveSecret(
  reference: string,
  { baseDir, env }: SecretPlace,
): Secret | { found: string } | undefined {
  if (reference.startsWith('env:')) {
    const name = reference.slice('env:'.length);
    const value = env[name];
    return value ? checked(value) : { found: `the environment variable ${name} is not set` };
  }
  if (!reference.startsWith('file:')) return undefined;
  const path = resolve(baseDir, reference.slice('file:'.length));
  try {
    if (statSync(path).size > largestSecret) return { found: `${path} is larger than 16 KiB` };
    return checked(readFileSync(path, 'utf8').replace(/\r?\n$/, ''));
  } catch {
    return { found: `no readable file at ${path}` };
  }
}

function checked(value: string): Secret | { found: string } {
  if (value === '') return { found: 'an empty secret' };
  return /[\r\n\0]/.test(value) ? { found: 'a secret of several lines' } : new Secret(value);
}
