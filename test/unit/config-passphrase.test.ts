import { describe, expect, it } from 'vitest';
import { hashPassphrase, isPassphraseHash, verifyPassphrase } from '../../src/guard/passphrase.ts';

describe('passphrases', () => {
  it('verify against their own hash only', async () => {
    const hash = await hashPassphrase('correct horse');
    expect(isPassphraseHash(hash)).toBe(true);
    expect(hash).not.toContain('correct');
    expect(await verifyPassphrase('correct horse', hash)).toBe(true);
    expect(await verifyPassphrase('correct horses', hash)).toBe(false);
    expect(await verifyPassphrase('', hash)).toBe(false);
  });

  it('hash to another text each time', async () => {
    expect(await hashPassphrase('same')).not.toBe(await hashPassphrase('same'));
  });

  it('match in either Unicode normal form', async () => {
    expect(await verifyPassphrase('caf\u0065\u0301', await hashPassphrase('caf\u00e9'))).toBe(true);
  });

  it('never verify against a hash that is malformed, too cheap or too dear', async () => {
    const hash = await hashPassphrase('x');
    const odd = [
      '',
      'x',
      hash.slice(0, -1),
      `${hash}A`,
      hash.replace('scrypt:15', 'scrypt:1'),
      hash.replace('scrypt:15', 'scrypt:30'),
    ];
    for (const one of odd) {
      expect(isPassphraseHash(one), one).toBe(false);
      expect(await verifyPassphrase('x', one), one).toBe(false);
    }
  });

  it('cannot be empty or endless', async () => {
    await expect(hashPassphrase('')).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(hashPassphrase('x'.repeat(2000))).rejects.toMatchObject({ code: 'invalid_input' });
    expect(await verifyPassphrase('x'.repeat(2000), await hashPassphrase('x'))).toBe(false);
  });
});
