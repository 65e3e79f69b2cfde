import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint, signCheckpoint } from '../../src/guard/custody/note.ts';
import { loadOrCreateKey, parseVerifierKey, signer, verifierKeyText } from '../../src/guard/custody/signing-key.ts';

const origin = 'custody.example/fleet';
const ours = signer(origin, generateKeyPairSync('ed25519').privateKey);
const head = { size: 7, root: createHash('sha256').update('root').digest() };
const note = signCheckpoint(head, ours);
const refused = { code: 'invalid_input' };

/** A note with any text, rightly signed. */
function signed(text: string): string {
  const blob = Buffer.concat([ours.keyId, sign(null, Buffer.from(text), ours.privateKey)]);
  return `${text}\n— ${origin} ${blob.toString('base64')}\n`;
}

describe('a checkpoint', () => {
  it('opens to what was signed', () => {
    expect(openCheckpoint(note, ours)).toEqual({ origin, ...head });
    expect(note.split('\n').slice(0, 4)).toEqual([origin, '7', head.root.toString('base64'), '']);
  });

  it('opens with nothing but the verifier key text', () => {
    expect(openCheckpoint(note, parseVerifierKey(verifierKeyText(ours))).size).toBe(7);
  });

  it('opens beside the signature of a witness that we do not know', () => {
    const witness = signer('witness.example', generateKeyPairSync('ed25519').privateKey);
    const line = signCheckpoint(head, witness).split('\n').at(-2);
    expect(openCheckpoint(`${note}${line}\n`, ours).size).toBe(7);
  });

  it('is refused after any change of a single character', () => {
    for (let i = 0; i < note.length; i++) {
      const changed = note.slice(0, i) + (note[i] === 'A' ? 'B' : 'A') + note.slice(i + 1);
      expect(() => openCheckpoint(changed, ours), `character ${i}`).toThrow(expect.objectContaining(refused));
      const shorter = note.slice(0, i) + note.slice(i + 1);
      expect(() => openCheckpoint(shorter, ours), `without character ${i}`).toThrow(expect.objectContaining(refused));
    }
  });

  it('is refused from another key of the same name', () => {
    const other = signer(origin, generateKeyPairSync('ed25519').privateKey);
    expect(() => openCheckpoint(signCheckpoint(head, other), ours)).toThrow(/expected key/);
  });

  it('is refused when one of two signatures of our key is wrong', () => {
    const wrong = `— ${origin} ${Buffer.concat([ours.keyId, Buffer.alloc(64)]).toString('base64')}\n`;
    expect(() => openCheckpoint(note + wrong, ours)).toThrow(/wrong/);
  });

  const root = head.root.toString('base64');
  it.each([
    ['another origin', `else.example\n7\n${root}\n`],
    ['a size with a leading zero', `${origin}\n07\n${root}\n`],
    ['a negative size', `${origin}\n-7\n${root}\n`],
    ['a fraction', `${origin}\n7.5\n${root}\n`],
    ['a size beyond exact integers', `${origin}\n9007199254740993\n${root}\n`],
    ['a short root', `${origin}\n7\nAAAA\n`],
    ['base64 without padding', `${origin}\n7\n${root.replace(/=+$/, '')}\n`],
    ['a further line', `${origin}\n7\n${root}\nmore\n`],
    ['no root', `${origin}\n7\n`],
    ['carriage returns', `${origin}\r\n7\r\n${root}\r\n`],
    ['nothing', '\n'],
  ])('is refused with %s, although rightly signed', (_, text) => {
    expect(() => openCheckpoint(signed(text), ours)).toThrow(expect.objectContaining(refused));
  });
});

describe('a verifier key', () => {
  const text = verifierKeyText(ours);
  it('is refused when its name, ID or key was changed', () => {
    const [name, id, key] = text.split(/\+(.{8})\+/);
    const last = key?.endsWith('A') ? 'B' : 'A';
    const bad = [
      `x${text}`,
      `${name}+00000000+${key}`,
      `${name}+${id}+${key?.slice(0, -1)}${last}`,
      '',
      'a+b+c',
      `${text} `,
    ];
    for (const forged of bad) expect(() => parseVerifierKey(forged)).toThrow(expect.objectContaining(refused));
  });

  it.each(['', 'with space', 'a+b', 'line\nbreak', 'wide\u3000space'])('cannot be named %j', name => {
    expect(() => signer(name, ours.privateKey)).toThrow(expect.objectContaining(refused));
  });
});

describe('the key file', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gk-key-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('is made once, for its owner alone, whoever asks at the same time', async () => {
    const file = join(folder, 'new', 'signing.pem');
    const keys = await Promise.all([1, 2, 3, 4].map(() => loadOrCreateKey(file)));
    expect(new Set(keys.map(key => verifierKeyText(signer(origin, key)))).size).toBe(1);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----/);
    expect((await loadOrCreateKey(file)).equals(keys[0] as (typeof keys)[number])).toBe(true);
  });

  it('is refused once others can read it', async () => {
    const file = join(folder, 'open.pem');
    await loadOrCreateKey(file);
    await chmod(file, 0o640);
    await expect(loadOrCreateKey(file)).rejects.toMatchObject({ code: 'invalid_config' });
  });

  it('is refused, unquoted, when it holds something else', async () => {
    const file = join(folder, 'other.pem');
    await writeFile(file, 'top secret', { mode: 0o600 });
    await expect(loadOrCreateKey(file)).rejects.toThrow(/^(?!.*top secret).*no Ed25519/);
    await writeFile(file, generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }), {
      mode: 0o600,
    });
    await expect(loadOrCreateKey(file)).rejects.toMatchObject({ code: 'invalid_config' });
  });
});
