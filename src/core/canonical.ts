/** Canonical bytes and digests: the same value always gives the same bytes (RFC 8785), so a digest can bind a vote. */
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

/** RFC 8785 bytes of a JSON value. Throws on what JSON cannot hold. */
export function canonicalBytes(value: unknown): Buffer {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('value has no JSON form');
  return Buffer.from(text, 'utf8');
}

export function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** `sha256:<hex>` of the canonical form. */
export function digestOf(value: unknown): string {
  return `sha256:${sha256(canonicalBytes(value)).toString('hex')}`;
}
