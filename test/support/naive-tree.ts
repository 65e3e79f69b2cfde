/** RFC 6962's definition of the tree hash, word for word and slow: what the product's own arithmetic is held against. */
import { createHash } from 'node:crypto';

export function treeHash(entries: Uint8Array[]): Buffer {
  const [only] = entries;
  if (only === undefined) return createHash('sha256').digest();
  if (entries.length === 1) return hash(0, only);
  let k = 1;
  while (k * 2 < entries.length) k *= 2;
  return hash(1, Buffer.concat([treeHash(entries.slice(0, k)), treeHash(entries.slice(k))]));
}

function hash(prefix: number, bytes: Uint8Array): Buffer {
  return createHash('sha256')
    .update(Buffer.concat([Buffer.of(prefix), bytes]))
    .digest();
}
