/** Known secrets in every form in which they could leave. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { redactor } from '../../src/core/redact.ts';
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
