/**
 * Orders firmware versions. Each vendor writes them differently for each
 * component, and a wrong order turns an update into a downgrade, so what is
 * not known for certain is `unknown`, never a guess.
 */
import type { Component, Vendor } from '../core/bmc.ts';
import { type ParsedVersion, versionForms } from './version-forms.ts';

export type VersionOrder = 'older' | 'same' | 'newer' | 'unknown';

/** How `a` stands to `b`: `older` means that going from `a` to `b` is an upgrade. */
export function compareVersions(vendor: Vendor, component: Component, a: string, b: string): VersionOrder {
  const left = a.trim();
  const right = b.trim();
  if (left === right && left !== '') return 'same';
  const parse = versionForms[vendor]?.[component];
  const before = parse?.(left);
  const after = parse?.(right);
  if (!before || !after || before.family !== after.family) return 'unknown';
  return orderOf(before, after);
}

function orderOf(a: ParsedVersion, b: ParsedVersion): VersionOrder {
  if (a.fields.length !== b.fields.length) return 'unknown';
  for (const [index, field] of a.fields.entries()) {
    const order = orderOfNumbers(Number(field), Number(b.fields[index]));
    if (order !== 'same') return order;
  }
  if (a.fields.join('.') !== b.fields.join('.')) return 'unknown';
  if (a.build !== undefined && b.build !== undefined && a.build !== b.build) return 'unknown';
  // Who names no date means every build of this version.
  if (a.date === undefined || b.date === undefined) return 'same';
  return orderOfNumbers(a.date, b.date);
}

function orderOfNumbers(a: number, b: number): VersionOrder {
  if (a < b) return 'older';
  return a > b ? 'newer' : 'same';
}
