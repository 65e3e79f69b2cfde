/** What is wrong with a configuration, said so that it can be corrected without reading code, and without a secret in it. */
import type { z } from 'zod';

export type ConfigProblem = {
  /** Such as `sites[0].clusters[0].nodes[2].server.bmc.url`; empty for the file as a whole. */
  path: string;
  expected: string;
  found: string;
  hint?: string;
};

export type ConfigPath = readonly PropertyKey[];

/** Collects problems; checks go on after each, so that all are reported at once. */
export class Problems {
  readonly list: ConfigProblem[] = [];

  add(path: ConfigPath, problem: Omit<ConfigProblem, 'path'>): void {
    this.list.push({ path: showPath(path), ...problem });
  }

  /** Adds what strict parsing of `raw` found. Each schema's error text says what was expected. */
  addIssues(issues: readonly z.core.$ZodIssue[], raw: unknown): void {
    for (const issue of issues) {
      if (issue.code === 'unrecognized_keys') {
        for (const key of issue.keys)
          this.add([...issue.path, key], { expected: 'a known key', found: 'an unknown key' });
        continue;
      }
      const value = valueAt(raw, issue.path);
      const quoted = typeof value === 'number' && issue.code === 'invalid_type' && issue.expected === 'string';
      const hint = quoted ? 'Put it in quotes, so that YAML reads it as text.' : undefined;
      this.add(issue.path, { expected: issue.message, found: showFound(value, issue.path), ...(hint && { hint }) });
    }
  }
}

/** `sites[0].name`; a key that is no plain word is quoted. */
export function showPath(path: ConfigPath): string {
  return path.reduce<string>((shown, key) => {
    if (typeof key === 'number') return `${shown}[${key}]`;
    const word = String(key);
    if (!/^[A-Za-z_][\w-]*$/.test(word)) return `${shown}[${JSON.stringify(word.slice(0, 64))}]`;
    return shown === '' ? word : `${shown}.${word}`;
  }, '');
}

const secretKeys = new Set<PropertyKey>([
  'credentials',
  'password',
  'passphrase',
  'database',
  'clientSecret',
  'bearer',
  'botToken',
  'appToken',
  'signingSecret',
  'apiKey',
]);

/** The value for people, shortened; what is or may hold a secret is only named. */
export function showFound(value: unknown, path: ConfigPath): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'an empty value';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  const text = String(value);
  if (path.some(key => secretKeys.has(key)) || /^scrypt:|:[^@]*@/.test(text)) return 'a value that is not shown';
  return typeof value === 'string' ? JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text) : text;
}

function valueAt(raw: unknown, path: ConfigPath): unknown {
  let value = raw;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}
