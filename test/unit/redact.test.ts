/** Known secrets in every form in which they could leave. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FleetError } from '../../src/core/errors.ts';
import { redacted, redactedError, redactor } from '../../src/core/redact.ts';
import { Secret } from '../../src/core/secret.ts';

const secrets = fc.string({ minLength: 6, maxLength: 40, unit: 'binary' });
const around = fc.string({ unit: 'binary' });

const forms: [string, (secret: string, before: string, after: string) => string][] = [
  ['as it is', secret => secret],
  ['in JSON', secret => JSON.stringify({ secret })],
  ['in a URL', secret => encodeURIComponent(secret)],
  ['in base64', secret => Buffer.from(secret).toString('base64')],
  ['in base64url', secret => Buffer.from(secret).toString('base64url')],
  ['within base64', (secret, before, after) => Buffer.from(before + secret + after).toString('base64')],
];

it.each(forms)('a secret %s does not leave', (_form, written) => {
  fc.assert(
    fc.property(
      secrets.filter(text => text.isWellFormed()),
      around,
      around,
      (secret, before, after) => {
        const text = written(secret, before, after);
        expect(redactor([new Secret(secret)])(text)).not.toBe(text);
      },
    ),
  );
});

it('leaves the rest as it is, and the longer of two secrets goes first', () => {
  const redact = redactor([new Secret('hunter'), new Secret('hunter-two'), new Secret('abc')]);
  expect(redact('abc: hunter-two and hunter.')).toBe('abc: *** and ***.');
  expect(redactor([])('abc')).toBe('abc');
});

it('a value loses it at any depth, and is the same one where it holds none', () => {
  const redact = redactor([new Secret('hunter')]);
  const clean = { count: 3, none: null, list: [{ text: 'fine' }, []] };
  expect(redacted(clean, redact)).toBe(clean);
  const told = redacted({ ...clean, list: [{ hunter: 'of hunter' }, ['hunter'], clean] }, redact);
  expect(told).toEqual({ ...clean, list: [{ hunter: 'of ***' }, ['***'], clean] });
});

it('a failure loses it, and then its cause', () => {
  const redact = redactor([new Secret('hunter')]);
  const fine = new FleetError({ code: 'bmc_auth', message: 'refused', cause: new Error('of the other side') });
  expect(redactedError(fine, redact)).toBe(fine);
  const told = redactedError(new FleetError({ ...fine, message: 'refused', untrusted: 'hunter?' }), redact);
  expect(told).toMatchObject({ code: 'bmc_auth', message: 'refused', untrusted: '***?', cause: undefined });
  expect(redactedError(new Error('cannot reach hunter'), redact)).toMatchObject({ message: 'cannot reach ***' });
});
