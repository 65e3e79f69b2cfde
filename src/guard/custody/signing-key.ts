/**
 * The key that signs checkpoints, and the text form of its public half that
 * verifiers keep. Whoever holds the file can sign a rewritten history, so it
 * is readable by its owner alone and never enters the database.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { sha256 } from '../../core/canonical.ts';
import { FleetError } from '../../core/errors.ts';
import { fromBase64 } from './base64.ts';
import { createPrivateFile, isPrivateFile, readPrivateFile } from './private-file.ts';

/** Signature type of Ed25519 in C2SP signed notes. */
const ed25519 = 1;

export type Verifier = { name: string; keyId: Buffer; publicKey: KeyObject };
export type Signer = Verifier & { privateKey: KeyObject };

/** Binds a private key to the log's origin name. Throws `invalid_input` on a name that a note cannot carry. */
export function signer(name: string, privateKey: KeyObject): Signer {
  return { ...verifier(name, createPublicKey(privateKey)), privateKey };
}

function verifier(name: string, publicKey: KeyObject): Verifier {
  if (!isKeyName(name)) throw malformed('a key name is not empty and holds neither spaces nor "+"');
  const keyId = sha256(Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ed25519), rawPublicKey(publicKey)]));
  return { name, keyId: keyId.subarray(0, 4), publicKey };
}

/** The verifier key as C2SP writes it: `name+keyId+base64(0x01 ‖ key)`. */
export function verifierKeyText({ name, keyId, publicKey }: Verifier): string {
  const key = Buffer.concat([Buffer.of(ed25519), rawPublicKey(publicKey)]);
  return `${name}+${keyId.toString('hex')}+${key.toString('base64')}`;
}

/** Reads a verifier key's text form; throws `invalid_input` when any part is wrong, the key ID included. */
export function parseVerifierKey(text: string): Verifier {
  const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text) ?? [];
  const key = encoded === undefined ? undefined : fromBase64(encoded);
  if (name === undefined || !key || key.length !== 33 || key[0] !== ed25519) {
    throw malformed('the verifier key is not an Ed25519 key in the form name+id+base64');
  }
  const x = key.subarray(1).toString('base64url');
  const parsed = verifier(name, createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }));
  if (parsed.keyId.toString('hex') !== id) throw malformed('the verifier key does not match its own key ID');
  return parsed;
}

/**
 * The Ed25519 key kept in `file` (PKCS#8 PEM, mode 0600), made on first use.
 * Throws `invalid_config` when the file is open to others or holds something else.
 */
export async function loadOrCreateKey(file: string): Promise<KeyObject> {
  if (!(await isPrivateFile(file))) await createKey(file);
  return loadKey(file);
}

/** The key that stands in `file`. Throws `invalid_config` when it holds something else or cannot be read. */
export async function loadKey(file: string): Promise<KeyObject> {
  const pem = await readPrivateFile(file);
  return parsePrivateKey(pem);
}

function parsePrivateKey(pem: string): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(pem);
  } catch {
    // An OpenSSL message could quote the file.
  }
  if (key?.asymmetricKeyType !== 'ed25519') {
    throw new FleetError({ code: 'invalid_config', message: 'the signing key file holds no Ed25519 private key' });
  }
  return key;
}

/** As {@link createPrivateFile}. */
export async function createKey(file: string): Promise<void> {
  const { privateKey } = generateKeyPairSync('ed25519');
  await createPrivateFile(file, String(privateKey.export({ type: 'pkcs8', format: 'pem' })));
}

function rawPublicKey(key: KeyObject): Buffer {
  const { x } = key.export({ format: 'jwk' });
  if (key.asymmetricKeyType !== 'ed25519' || x === undefined)
    throw malformed('checkpoints are signed with Ed25519 only');
  return Buffer.from(x, 'base64url');
}

export function isKeyName(name: string): boolean {
  return name.length > 0 && name.isWellFormed() && !/[\s+\p{Cc}\p{Z}]/u.test(name);
}

function malformed(message: string): FleetError {
  return new FleetError({ code: 'invalid_input', message });
}
