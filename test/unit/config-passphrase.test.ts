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

  it('are kept at costs that neither a guess nor a forged hash makes cheap or dear', () => {
    const salted = `${'s'.repeat(22)}:${'k'.repeat(43)}`;
    const fits = (...cost: number[]) => isPassphraseHash(`scrypt:${cost.join(':')}:${salted}`);
    for (const cost of [
      [14, 8, 1],
      [17, 16, 4],
    ])
      expect(fits(...cost), cost.join()).toBe(true);
    for (const cost of [
      [13, 8, 1],
      [18, 8, 1],
      [14, 7, 1],
      [14, 17, 1],
      [14, 8, 0],
      [14, 8, 5],
    ])
      expect(fits(...cost), cost.join()).toBe(false);
    for (const odd of [salted.replace('s:', ':'), salted.slice(0, -1), salted.replace('k', '+'), `${salted}:`])
      expect(isPassphraseHash(`scrypt:14:8:1:${odd}`), odd).toBe(false);
  });

  it('cannot be empty or endless', async () => {
    const longest = 'x'.repeat(1024);
    for (const text of ['', `${longest}x`])
      await expect(hashPassphrase(text)).rejects.toMatchObject({ code: 'invalid_input' });
    const hash = await hashPassphrase(longest);
    expect([await verifyPassphrase(longest, hash), await verifyPassphrase(`${longest}x`, hash)]).toEqual([true, false]);
  });
});
