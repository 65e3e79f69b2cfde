/**
 * The one stored form of an entry: RFC 8785 bytes, integers and strings only,
 * small enough for a tile. What cannot be written back to the same bytes is
 * not an entry.
 */
import { canonicalBytes } from '../../core/canonical.ts';
import type { StoredEntry } from '../../core/custody.ts';
import { FleetError } from '../../core/errors.ts';

/** C2SP tlog-tiles give an entry's length 16 bits. */
export const maxEntryBytes = 65_535;

/** Canonical bytes of an entry; throws `invalid_input` on fractions, unsafe integers, lone surrogates, or more than 65,535 bytes. */
export function encodeEntry(entry: StoredEntry): Buffer {
  const fault = numberFault(entry);
  if (fault) throw new FleetError({ code: 'invalid_input', message: `a custody entry holds ${fault}` });
  let bytes: Buffer;
  try {
    bytes = canonicalBytes(entry);
  } catch (cause) {
    throw new FleetError({ code: 'invalid_input', message: 'a custody entry has no canonical form', cause });
  }
  if (bytes.length > maxEntryBytes) {
    throw new FleetError({
      code: 'invalid_input',
      message: `a custody entry has ${bytes.length} bytes; ${maxEntryBytes} is the limit`,
      hint: 'store the evidence elsewhere and enter its digest',
    });
  }
  return bytes;
}

/** Only the members that checking needs; a newer version may write types that this one does not know. */
export type ReadEntry = Record<string, unknown> & { id: string; type: string };

/** Reads stored bytes back, or says what is wrong with them. Never throws. */
export function decodeEntry(bytes: Uint8Array): { entry?: ReadEntry; fault?: string } {
  if (bytes.length > maxEntryBytes) return { fault: `has ${bytes.length} bytes, more than any entry` };
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return { fault: 'is not JSON in UTF-8' };
  }
  if (!isReadEntry(value)) return { fault: 'is not an entry of version 1 with an id, a time and a type' };
  try {
    if (!canonicalBytes(value).equals(bytes)) return { entry: value, fault: 'is not in canonical form' };
    const fault = numberFault(value);
    return fault ? { entry: value, fault: `holds ${fault}` } : { entry: value };
  } catch {
    return { entry: value, fault: 'has no canonical form' };
  }
}

function isReadEntry(value: unknown): value is ReadEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { v, id, time, type } = value as Record<string, unknown>;
  return v === 1 && typeof id === 'string' && typeof time === 'string' && typeof type === 'string';
}

function numberFault(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? undefined : 'a number that is no safe integer';
  if (typeof value !== 'object' || value === null) return undefined;
  for (const member of Object.values(value)) {
    const fault = numberFault(member);
    if (fault) return fault;
  }
  return undefined;
}
