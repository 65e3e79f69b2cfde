/** Short identifiers that people can read aloud: a noun and 10 Crockford base32 characters (50 random bits). */
import { randomBytes } from 'node:crypto';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

export type IdNoun = 'plan' | 'apr' | 'op' | 'vote' | 'frz' | 'talk' | 'evd' | 'key';

export function newId(noun: IdNoun): string {
  return `${noun}-${randomId(10)}`;
}

/** So many characters of five random bits each. */
export function randomId(length: number): string {
  let id = '';
  for (const byte of randomBytes(length)) id += alphabet[byte & 31];
  return id;
}

/** 256 random bits in URL-safe form, for bearer tokens and single-use image paths. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}
