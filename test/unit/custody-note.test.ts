import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint, signCheckpoint } from '../../src/guard/custody/note.ts';
import {
  createKey,
  loadKey,
  loadOrCreateKey,
  parseVerifierKey,
  signer,
  verifierKeyText,
} from '../../src/guard/custody/signing-key.ts';

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

  it('is signed over no tree that cannot be', () => {
    expect(openCheckpoint(signCheckpoint({ ...head, size: 0 }, ours), ours).size).toBe(0);
    for (const size of [-1, 0.5, Number.NaN, 2 ** 53])
      expect(() => signCheckpoint({ ...head, size }, ours)).toThrow(expect.objectContaining(refused));
    for (const root of [head.root.subarray(1), Buffer.concat([head.root, Buffer.of(0)])])
      expect(() => signCheckpoint({ ...head, root }, ours)).toThrow(expect.objectContaining(refused));
  });

  it('is read up to a length and a number of signatures that nobody needs', () => {
    const strange = `— witness.example ${Buffer.alloc(5, 7).toString('base64')}\n`;
    expect(openCheckpoint(note + strange.repeat(99), ours).size).toBe(7);
    expect(() => openCheckpoint(note + strange.repeat(100), ours)).toThrow('too many signatures');
    const long = `— ${'w'.repeat(100_000 - note.length - strange.length + 'witness.example'.length)} ${strange.split(' ')[2]}`;
    expect(openCheckpoint(note + long, ours).size).toBe(7);
    expect(() => openCheckpoint(note + long.replace('— ', '— w'), ours)).toThrow('too long');
  });

  it.each([
    ['a signature of no length', `— w ${Buffer.alloc(4).toString('base64')}`],
    ['a signature that is no base64', '— w ?????????'],
    ['a signer that no key can be named', `— a+b ${Buffer.alloc(68).toString('base64')}`],
    ['half a surrogate pair', `— \ud800 ${Buffer.alloc(68).toString('base64')}`],
    ['a control character', `— w\u0001 ${Buffer.alloc(68).toString('base64')}`],
    ['a line that is none', 'no signature'],
    ['an empty line', ''],
  ])('is refused with %s', (_, line) => {
    expect(() => openCheckpoint(`${note}${line}\n`, ours)).toThrow(expect.objectContaining(refused));
  });

  it('is refused without the end of its last line, and without a signature', () => {
    for (const cut of [note.slice(0, -1), note.split('\n\n')[0] ?? '', `${note.split('\n\n')[0]}\n\n`])
      expect(() => openCheckpoint(cut, ours)).toThrow(expect.objectContaining(refused));
  });

  it('is refused where only the name or only the ID of the signer is that of the key', () => {
    const renamed = note.replace(`— ${origin} `, '— else.example ');
    expect(() => openCheckpoint(renamed, ours)).toThrow('expected key');
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

  it('is refused when it is longer, or of another kind of signature', () => {
    const [name, id, key = ''] = text.split(/\+([0-9a-f]{8})\+/);
    const bytes = Buffer.from(key, 'base64');
    const other = Buffer.concat([Buffer.of(4), bytes.subarray(1)]);
    for (const forged of [Buffer.concat([bytes, Buffer.of(0)]), bytes.subarray(0, -1), other])
      expect(() => parseVerifierKey(`${name}+${id}+${forged.toString('base64')}`)).toThrow('not an Ed25519 key');
  });

  it('is of Ed25519 alone', () => {
    const { privateKey } = generateKeyPairSync('ed448');
    expect(() => signer(origin, privateKey)).toThrow('Ed25519 only');
  });

  it.each(['', 'with space', 'a+b', 'half\ud800', 'bell\u0007', 'line\nbreak', 'wide\u3000space'])(
    'cannot be named %j',
    name => {
      expect(() => signer(name, ours.privateKey)).toThrow(expect.objectContaining(refused));
    },
  );
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

  it('is refused once it is no plain file, or cannot be looked at', async () => {
    const [file, link] = [join(folder, 'plain.pem'), join(folder, 'link.pem')];
    await loadOrCreateKey(file);
    await symlink(file, link);
    await mkdir(join(folder, 'dir.pem'), { mode: 0o700 });
    for (const odd of [link, join(folder, 'dir.pem')])
      await expect(loadOrCreateKey(odd)).rejects.toThrow('must be a plain file');
    for (const odd of [join(file, 'below.pem'), join(folder, `${'x'.repeat(300)}.pem`)])
      await expect(loadOrCreateKey(odd)).rejects.toMatchObject({
        code: 'invalid_config',
        message: expect.stringContaining('cannot be read or made'),
      });
    await expect(loadKey(join(folder, 'missing.pem'))).rejects.toMatchObject({ code: 'invalid_config' });
    await expect(createKey(join(file, 'below.pem'))).rejects.toMatchObject({ code: 'invalid_config' });
  });

  it('leaves no draft behind, and never takes the place of a key that is there', async () => {
    const dir = join(folder, 'alone');
    const file = join(dir, 'signing.pem');
    await createKey(file);
    const text = await readFile(file, 'utf8');
    await createKey(file);
    expect([await readdir(dir), await readFile(file, 'utf8')]).toEqual([['signing.pem'], text]);
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
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
