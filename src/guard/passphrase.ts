/**
 * Passphrases at rest: `scrypt:<log2 N>:<r>:<p>:<salt>:<key>`, the last two in
 * URL-safe base64. The cost travels in the string, so it can rise later without
 * locking anyone out; limits keep a forged string from taking all memory.
 */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { FleetError } from '../core/errors.ts';

/** 32 MiB and about a quarter of a second per guess. */
const cost = { logN: 15, r: 8, p: 3 };
const limits = { logN: { min: 14, max: 17 }, r: { min: 8, max: 16 }, p: { min: 1, max: 4 } };
/** In base64, 43 and 22 characters. */
const keyBytes = 32;
const saltBytes = 16;
const longestPassphrase = 1024;

type Stored = { logN: number; r: number; p: number; salt: Buffer; key: Buffer };

/** The stored form of a passphrase, with a fresh salt. Throws `invalid_input` for an empty or over-long one. */
export async function hashPassphrase(text: string): Promise<string> {
  if (text.length === 0 || text.length > longestPassphrase) {
    throw new FleetError({ code: 'invalid_input', message: `a passphrase has 1 to ${longestPassphrase} characters` });
  }
  const salt = randomBytes(saltBytes);
  const key = await derive(text, { ...cost, salt });
  return `scrypt:${cost.logN}:${cost.r}:${cost.p}:${salt.toString('base64url')}:${key.toString('base64url')}`;
}

/** Whether `text` is the passphrase behind `hash`, compared in constant time; false for a malformed hash. */
export async function verifyPassphrase(text: string, hash: string): Promise<boolean> {
  const stored = parse(hash);
  if (!stored || text.length === 0 || text.length > longestPassphrase) return false;
  return timingSafeEqual(await derive(text, stored), stored.key);
}

/** Whether {@link verifyPassphrase} could ever accept something for this hash. */
export function isPassphraseHash(hash: string): boolean {
  return parse(hash) !== undefined;
}

function parse(hash: string): Stored | undefined {
  const match = /^scrypt:(\d{1,2}):(\d{1,2}):(\d):([\w-]{22}):([\w-]{43})$/.exec(hash);
  if (!match) return undefined;
  const [, logN, r, p, salt = '', key = ''] = match;
  const stored = {
    logN: Number(logN),
    r: Number(r),
    p: Number(p),
    salt: Buffer.from(salt, 'base64url'),
    key: Buffer.from(key, 'base64url'),
  };
  const allowed = within(stored.logN, limits.logN) && within(stored.r, limits.r) && within(stored.p, limits.p);
  return allowed ? stored : undefined;
}

function within(value: number, { min, max }: { min: number; max: number }): boolean {
  return value >= min && value <= max;
}

function derive(text: string, { logN, r, p, salt }: Omit<Stored, 'key'>): Promise<Buffer> {
  const N = 2 ** logN;
  const options: ScryptOptions = { N, r, p, maxmem: 256 * N * r }; // twice what the largest part of it takes
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  scrypt(text.normalize('NFKC'), salt, keyBytes, options, (error, key) => (error ? reject(error) : resolve(key)));
  return promise;
}
