/** The words that a configuration is written in: names, durations, addresses, lists. Each error text says what was expected. */
import { z } from 'zod';
import { parseHostPort } from './addresses.ts';
import { parseDuration } from './durations.ts';

/** A text that `parse` understands, as what `parse` makes of it. */
export function field<T>(expected: string, parse: (text: string) => T | undefined) {
  return z.string({ error: expected }).transform((text, context) => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: expected });
    return z.NEVER;
  });
}

export function matching(expected: string, form: RegExp) {
  return field(expected, text => (form.test(text) ? text : undefined));
}

export function mapping<T extends z.ZodRawShape>(shape: T) {
  return z.strictObject(shape, { error: issue => (issue.code === 'invalid_type' ? 'a mapping' : undefined) });
}

export function list<T extends z.ZodType>(item: T) {
  return z.array(item, { error: 'a list' });
}

export function filled<T extends z.ZodType>(item: T) {
  return z.array(item, { error: 'a list' }).min(1, { error: 'a list with at least one entry' });
}

export function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, { error: `one of ${values.join(', ')}` });
}

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
export const nameForm = new RegExp(`^${label}$`);
export const name = matching('a name of a-z, 0-9 and -, at most 63 long (RFC 1123)', nameForm);
export const nodeName = matching(
  'a node name of a-z, 0-9, - and . (RFC 1123)',
  new RegExp(`^(?=.{1,253}$)${label}(?:\\.${label})*$`),
);
export const imageId = matching(
  'an image id of a-z, 0-9, - and . (RFC 1123)',
  new RegExp(`^${label}(?:\\.${label})*$`),
);
export const groupName = matching('a group name, or <site>:<group>', new RegExp(`^(?:${label}:)?${label}$`));
export const text = matching('text', /^[^\p{Cc}]{1,1024}$/u);
export const secretRef = matching('env:NAME or file:PATH', /^(?:env:[A-Za-z_]\w*|file:[^\p{Cc}]+)$/u);
export const whole = z.int({ error: 'a whole number, at least 1' }).min(1, { error: 'a whole number, at least 1' });
export const flag = z.boolean({ error: 'true or false' });
export const duration = field('a duration such as 10s, 45m or 4h', written => parseDuration(written));
export const period = field(
  'a duration above zero, such as 10s, 45m or 4h',
  written => parseDuration(written) || undefined,
);
export const periodOrOff = field('a duration above zero, such as 60s, or off', written =>
  written === 'off' ? ('off' as const) : parseDuration(written) || undefined,
);
export const longPeriod = field(
  'a duration above zero, such as 90d, up to ten years',
  written => parseDuration(written, 3650) || undefined,
);
export const hostPort = field('host:port', parseHostPort);

export const clockTime = matching('a time such as 22:00, in quotes', /^(?:[01]\d|2[0-3]):[0-5]\d$/);
export const calendarDay = field('a day such as 2026-12-20', written =>
  /^\d{4}-\d\d-\d\d$/.test(written) && isDay(written) ? written : undefined,
);

/** Not such as the 30th of February, which would be read as the 2nd of March. */
function isDay(written: string): boolean {
  const moment = Date.parse(written);
  return !Number.isNaN(moment) && new Date(moment).toISOString().startsWith(written);
}

export const percent = z
  .int({ error: 'a whole number from 1 to 100' })
  .min(1, { error: 'a whole number from 1 to 100' })
  .max(100, { error: 'a whole number from 1 to 100' });

export function rises(shares: number[]): boolean {
  return shares.at(-1) === 100 && shares.every((share, index) => index === 0 || share > (shares[index - 1] ?? 0));
}

export const timeZone = field('an IANA time zone such as America/New_York', timeZoneOf);

function timeZoneOf(written: string): string | undefined {
  if (!/^[A-Za-z]/.test(written)) return undefined;
  try {
    new Intl.DateTimeFormat('en', { timeZone: written });
    return written;
  } catch {
    return undefined;
  }
}

/** Without user and password. */
export function httpsUrl(written: string): string | undefined {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  return url?.protocol === 'https:' && url.username === '' && url.password === '' ? url.href : undefined;
}
