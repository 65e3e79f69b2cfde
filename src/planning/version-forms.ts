/**
 * The normal form of a firmware version, for each vendor and component. A BMC shows one version with a date, a build, or a
 * word before it, and its vendor's download page without; in normal form both are one. What a parser does not know for
 * certain has no form, and so no order.
 */
import type { Component, Vendor } from '../core/bmc.ts';

export type ParsedVersion = {
  /** Versions of different families (ROM `U46`, `iLO 5`) have no order. */
  family: string;
  /** The dotted fields as written: `1.02` and `1.2` are not taken for the same. */
  fields: string[];
  /** `YYYYMMDD`, orders two builds of one version; absent where the text leaves the build open. */
  date?: number;
  /** Tells two builds of one version apart, without an order; absent where the text leaves the build open. */
  build?: string;
};
export type VersionParser = (text: string) => ParsedVersion | undefined;

/** `1.12.1`, `7.00.60.00`. */
function dotted(text: string): ParsedVersion | undefined {
  return /^\d{1,9}(\.\d{1,9}){1,4}$/.test(text) ? { family: '', fields: text.split('.') } : undefined;
}

/** `2.14.0`, `v2.14.0`, or `2.14.0-418-g5c02b7e1a3`, so many commits later; other builds (`-dev-686-g100c…`) have no order. */
function openBmc(text: string): ParsedVersion | undefined {
  const match = /^v?(\d[\d.]*)(?:-(\d{1,6})-g([0-9a-f]{7,40}))?$/.exec(text);
  const tag = dotted(match?.[1] ?? '');
  if (!match || !tag) return undefined;
  const [, , commits = '0', hash = ''] = match;
  return { family: '', fields: [...tag.fields, commits], build: hash };
}

/** `U46 v2.34 (03/11/2025)`: ROM family, version whose minor always has two digits, build date. */
function hpeRom(text: string): ParsedVersion | undefined {
  const match = /^([A-Z]\d{2}) v(\d{1,3}\.\d{2})(?: \((\d{2}\/\d{2}\/\d{4})\))?$/.exec(text);
  if (!match) return undefined;
  const [, family = '', version = '', date] = match;
  return dated({ family, fields: version.split('.') }, date);
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `3.11 Feb 25 2025` in inventories, `iLO 5 v3.11` on the manager. The two spellings are not compared with each other. */
function hpeIlo(text: string): ParsedVersion | undefined {
  const match = /^(?:(iLO \d) v)?(\d{1,3}(?:\.\d{2}){1,2})(?: ([A-Z][a-z]{2}) (\d{1,2}) (\d{4}))?$/.exec(text);
  if (!match) return undefined;
  const [, family = '', version = '', month = '', day, year] = match;
  const date = year === undefined ? undefined : `${months.indexOf(month) + 1}/${day}/${year}`;
  return dated({ family, fields: version.split('.') }, date);
}

/** `BIOS Date: 08/04/2023 Ver 1.4`, or `1.4` alone; a letter (`1.4a`) is a later build. */
function supermicroBios(text: string): ParsedVersion | undefined {
  const match = /^(?:BIOS Date: (\d{2}\/\d{2}\/\d{4}) Ver )?(\d{1,3})\.(\d{1,3})([a-z]?)$/i.exec(text);
  if (!match) return undefined;
  const [, date, major = '', minor = '', letter = ''] = match;
  return dated({ family: '', fields: [major, minor, String(letterNumber(letter))] }, date);
}

/** `22J-1.51` in inventories, `U8E122J-1.51` as packages are named, or `1.51` alone. */
function lenovoBuild(text: string): ParsedVersion | undefined {
  const match = /^(?:(?:[A-Z0-9]{4})?(\d{2}[A-Z])-)?(\d{1,3}\.\d{2})$/.exec(text);
  if (!match) return undefined;
  const [, build, version = ''] = match;
  return { family: '', fields: version.split('.'), ...(build === undefined ? {} : { build }) };
}

/** `M12`: the letter of a line of boards, and a number that counts. */
function amiBios(text: string): ParsedVersion | undefined {
  const match = /^([A-Z])(\d{1,3})$/.exec(text);
  return match ? { family: match[1] ?? '', fields: [match[2] ?? ''] } : undefined;
}

/** `GB200Nvl-24.12-8`: platform, year and month, release. */
function nvidiaBmc(text: string): ParsedVersion | undefined {
  const match = /^([A-Za-z0-9]+)-(\d{2}\.\d{2})-(\d{1,4})$/.exec(text);
  if (!match) return undefined;
  const [, family = '', month = '', release = ''] = match;
  return { family, fields: [...month.split('.'), release] };
}

/** `HPG3`: the letters of a line of drives, and a digit that counts. */
function hpeDrive(text: string): ParsedVersion | undefined {
  const match = /^(HP[A-Z])(\d)$/.exec(text);
  return match ? { family: match[1] ?? '', fields: [match[2] ?? ''] } : undefined;
}

function letterNumber(letter: string): number {
  return letter === '' ? 0 : letter.toLowerCase().charCodeAt(0);
}

/** With the build date `M/D/YYYY` where there is one; a day that does not exist spoils the whole. */
function dated(version: ParsedVersion, text: string | undefined): ParsedVersion | undefined {
  if (text === undefined) return version;
  const [month = 0, day = 0, year = 0] = text.split('/').map(Number);
  const real = new Date(Date.UTC(year, month - 1, day)).getUTCMonth() === month - 1;
  return real ? { ...version, date: year * 10_000 + month * 100 + day } : undefined;
}

/** A vendor that is absent has no known form: only identical texts are the same. */
export const versionForms: Partial<Record<Vendor, Partial<Record<Component, VersionParser>>>> = {
  dell: { bios: dotted, bmc: dotted, nic: dotted, drive: dotted },
  hpe: { bios: hpeRom, bmc: hpeIlo, nic: dotted, drive: hpeDrive },
  openbmc: { bios: dotted, bmc: openBmc },
  supermicro: { bios: supermicroBios, bmc: dotted },
  lenovo: { bios: lenovoBuild, bmc: lenovoBuild },
  ami: { bios: amiBios, bmc: dotted },
  nvidia: { bios: dotted, bmc: nvidiaBmc },
};
