/** Repeatable chance: the same seed and name always give the same numbers, so two runs of a lab can be compared. */
import { createHash } from 'node:crypto';

/** A number in [0, 1) that only `seed` and `name` determine. */
export function chance(seed: number, name: string): number {
  return createHash('sha256').update(`${seed}/${name}`).digest().readUInt32BE(0) / 2 ** 32;
}

/** `length` characters of `alphabet`, determined by `seed` and `name`. */
export function seededText(seed: number, name: string, alphabet: string, length: number): string {
  let text = '';
  for (let i = 0; i < length; i++) text += alphabet[Math.floor(chance(seed, `${name}/${i}`) * alphabet.length)];
  return text;
}

/** An upper-case version 4 UUID, determined by `seed` and `name`. */
export function seededUuid(seed: number, name: string): string {
  const hex = seededText(seed, name, '0123456789ABCDEF', 32).split('');
  hex[12] = '4';
  hex[16] = '8';
  const text = hex.join('');
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`;
}
