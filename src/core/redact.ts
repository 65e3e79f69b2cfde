/**
 * Keeps secrets out of what leaves the program as text: each known one, as it
 * is, in base64 and as a part of a URL. It is the last net, not the rule: no
 * secret should come this far.
 */
import { FleetError } from './errors.ts';
import type { Secret } from './secret.ts';

/** Shorter ones would blot out ordinary words. */
const shortestSecret = 4;

export function redactor(secrets: Secret[]): (text: string) => string {
  const forms = [...new Set(secrets.flatMap(formsOf))].sort((a, b) => b.length - a.length);
  if (forms.length === 0) return text => text;
  const pattern = new RegExp(forms.map(escaped).join('|'), 'g');
  return text => text.replace(pattern, '***');
}

/** The same for every text within a value, whatever its depth; names of fields stay. What has nothing to hide is returned as it is. */
export function redacted<T>(value: T, redact: (text: string) => string): T {
  if (typeof value === 'string') return redact(value) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, each]) => [name, each, redacted(each, redact)] as const);
  if (entries.every(([, before, after]) => before === after)) return value;
  if (Array.isArray(value)) return entries.map(([, , after]) => after) as T;
  return Object.fromEntries(entries.map(([name, , after]) => [name, after])) as T;
}

/** The same for what was thrown. What was redacted leaves its cause behind, which may say it once more. */
export function redactedError(thrown: unknown, redact: (text: string) => string): unknown {
  const told = FleetError.from(thrown).toJSON();
  const safe = redacted(told, redact);
  return safe === told ? thrown : FleetError.fromJSON(safe);
}

/** Base64 at each of the three places where it may begin in a longer text, without the ends that its neighbours change. */
function formsOf(secret: Secret): string[] {
  const value = secret.reveal();
  if (value.length < shortestSecret) return [];
  const bytes = Buffer.from(value);
  const encoded = [0, 1, 2].flatMap(before => {
    const padded = Buffer.concat([Buffer.alloc(before), bytes]);
    const text = padded.toString('base64').replace(/=+$/, '');
    const inner = text.slice(before === 0 ? 0 : before + 1, bytes.length % 3 === (3 - before) % 3 ? undefined : -1);
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
  const quoted = JSON.stringify(value).slice(1, -1);
  return [value, quoted, encodeURIComponent(value), ...encoded.filter(text => text.length >= shortestSecret)];
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
