/**
 * Orders firmware versions. Each vendor writes them differently for each
 * component, and a wrong order turns an update into a downgrade, so what a
 * parser does not know for certain is `unknown`, never a guess.
 */
import type { Component, Vendor } from '../core/bmc.ts';

export type VersionOrder = 'older' | 'same' | 'newer' | 'unknown';

type ParsedVersion = {
  /** Versions of different families (ROM `U46`, `iLO 5`) have no order. */
  family: string;
  /** The dotted fields as written: `1.02` and `1.2` are not taken for the same. */
  fields: string[];
  /** `YYYYMMDD`, orders two builds of one version. */
  date?: number;
};
type VersionParser = (text: string) => ParsedVersion | undefined;

/** How `a` stands to `b`: `older` means that going from `a` to `b` is an upgrade. */
export function compareVersions(vendor: Vendor, component: Component, a: string, b: string): VersionOrder {
  const left = a.trim();
  const right = b.trim();
  if (left === '' || right === '') return 'unknown';
  if (left === right) return 'same';
  const parse = parsers[vendor]?.[component];
  const before = parse?.(left);
  const after = parse?.(right);
  if (!before || !after || before.family !== after.family) return 'unknown';
  return orderOf(before, after);
}

function orderOf(a: ParsedVersion, b: ParsedVersion): VersionOrder {
  if (a.fields.length !== b.fields.length) return 'unknown';
  for (const [index, field] of a.fields.entries()) {
    const difference = Number(field) - Number(b.fields[index]);
    if (difference !== 0) return difference < 0 ? 'older' : 'newer';
  }
  if (a.fields.join('.') !== b.fields.join('.')) return 'unknown';
  if (a.date === b.date) return 'same';
  if (a.date === undefined || b.date === undefined) return 'unknown';
  return a.date < b.date ? 'older' : 'newer';
}

/** `1.12.1`, `7.00.60.00`. */
function dotted(text: string): ParsedVersion | undefined {
  return /^\d{1,9}(\.\d{1,9}){1,4}$/.test(text) ? { family: '', fields: text.split('.') } : undefined;
}

/** `2.14.0` or `v2.14.0`; a development build (`-dev-686-g100c…`) has no order. */
function openBmc(text: string): ParsedVersion | undefined {
  return dotted(text.replace(/^v(?=\d)/, ''));
}

/** `U46 v2.34 (03/11/2025)`: ROM family, version whose minor always has two digits, build date. */
function hpeRom(text: string): ParsedVersion | undefined {
  const match = /^([A-Z]\d{2}) v(\d{1,3}\.\d{2})(?: \((\d{2})\/(\d{2})\/(\d{4})\))?$/.exec(text);
  if (!match) return undefined;
  const [, family = '', version = '', month, day, year] = match;
  if (year === undefined) return { family, fields: version.split('.') };
  const date = dateNumber(Number(year), Number(month), Number(day));
  return date === undefined ? undefined : { family, fields: version.split('.'), date };
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `3.11 Feb 25 2025` in inventories, `iLO 5 v3.11` on the manager. The two spellings are not compared with each other. */
function hpeIlo(text: string): ParsedVersion | undefined {
  const match = /^(?:(iLO \d) v)?(\d{1,3}(?:\.\d{2}){1,2})(?: ([A-Z][a-z]{2}) (\d{1,2}) (\d{4}))?$/.exec(text);
  if (!match) return undefined;
  const [, family = '', version = '', month, day, year] = match;
  if (month === undefined) return { family, fields: version.split('.') };
  const date = dateNumber(Number(year), months.indexOf(month) + 1, Number(day));
  return date === undefined ? undefined : { family, fields: version.split('.'), date };
}

function dateNumber(year: number, month: number, day: number): number | undefined {
  const date = new Date(Date.UTC(year, month - 1, day));
  const real = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return real ? year * 10_000 + month * 100 + day : undefined;
}

/** A vendor that is absent has no known order: only identical texts are the same. */
const parsers: Partial<Record<Vendor, Record<Component, VersionParser>>> = {
  dell: { bios: dotted, bmc: dotted },
  hpe: { bios: hpeRom, bmc: hpeIlo },
  openbmc: { bios: dotted, bmc: openBmc },
};
