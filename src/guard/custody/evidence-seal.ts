/**
 * How evidence is encrypted. The service has one key, outside the database; it
 * seals a key for each subject, and from that come two keys for each piece, one
 * for its content and one for its digest. So a dump of the database reads
 * nothing, and a subject's key that is deleted takes all of theirs along:
 * what is left, the digest too, cannot even be compared with a guess.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { FleetError } from '../../core/errors.ts';
import { createPrivateFile, isPrivateFile, readPrivateFile } from './private-file.ts';

const cipher = 'aes-256-gcm';
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** The key of the service, kept in `file` in hex, made on first use. Throws `invalid_config` where the file is not right. */
export async function loadServiceKey(file: string): Promise<Buffer> {
  if (!(await isPrivateFile(file))) await createPrivateFile(file, `${newKey().toString('hex')}\n`);
  const key = Buffer.from((await readPrivateFile(file)).trim(), 'hex');
  if (key.length === keyBytes) return key;
  throw new FleetError({ code: 'invalid_config', message: `the key of the evidence is not ${keyBytes} bytes in hex` });
}

/** A key for a new subject. */
export function newKey(): Buffer {
  return randomBytes(keyBytes);
}

/** Encrypts; the result opens under the same key and name alone. */
export function seal(key: Uint8Array, name: string, bytes: Uint8Array): Buffer {
  const nonce = randomBytes(nonceBytes);
  const sealing = createCipheriv(cipher, key, nonce).setAAD(Buffer.from(name));
  const sealed = Buffer.concat([sealing.update(bytes), sealing.final()]);
  return Buffer.concat([nonce, sealed, sealing.getAuthTag()]);
}

/** Throws `database` when it was changed, is another one's, or was sealed under another key. */
export function unseal(key: Uint8Array, name: string, sealed: Uint8Array): Buffer {
  const [nonce, tag] = [sealed.subarray(0, nonceBytes), sealed.subarray(-tagBytes)];
  try {
    const opening = createDecipheriv(cipher, key, nonce).setAAD(Buffer.from(name)).setAuthTag(tag);
    return Buffer.concat([opening.update(sealed.subarray(nonceBytes, -tagBytes)), opening.final()]);
  } catch (cause) {
    throw new FleetError({
      code: 'database',
      retry: 'ask',
      message: `what is kept as ${name} cannot be opened: it was changed, or sealed under another evidence.key`,
      hint: 'put the evidence.key back that belongs to this database; without it, "custody erase" gives the subject up',
      cause,
    });
  }
}

/** The two keys of one piece of evidence. */
export function keysOf(subjectKey: Uint8Array, id: string): { content: Buffer; digest: Buffer } {
  const derived = (use: string) =>
    Buffer.from(hkdfSync('sha256', subjectKey, '', `groundskeeper ${use} ${id}`, keyBytes));
  return { content: derived('content'), digest: derived('digest') };
}

/** `hmac-sha256:<hex>`. */
export function keyedDigest(key: Uint8Array, bytes: Uint8Array | string): string {
  return `hmac-sha256:${createHmac('sha256', key).update(bytes).digest('hex')}`;
}
