import { describe, expect, it } from 'vitest';
import type { StoredEntry } from '../../src/core/custody.ts';
import { decodeEntry, encodeEntry, maxEntryBytes } from '../../src/guard/custody/entry-bytes.ts';

const entry: StoredEntry = {
  v: 1,
  id: '01900000-0000-7000-8000-000000000000',
  time: '2026-01-02T03:04:05.678Z',
  type: 'service',
  action: 'started',
  detail: 'text',
  actor: { sub: 'service', groups: [] },
  via: { channel: 'service' },
};

describe('an entry', () => {
  it('is read back from the bytes that were made of it', () => {
    expect(decodeEntry(encodeEntry(entry))).toEqual({ entry });
  });

  it('fits up to the limit of a tile and not one byte more', () => {
    const room = maxEntryBytes - encodeEntry({ ...entry, detail: '' }).length;
    expect(encodeEntry({ ...entry, detail: 'x'.repeat(room) })).toHaveLength(maxEntryBytes);
    expect(() => encodeEntry({ ...entry, detail: 'x'.repeat(room + 1) })).toThrow(/65536 bytes/);
  });

  it.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('refuses the number %d', attempt => {
    const request = { target: 'https://a', method: 'POST', path: '/', bodyDigest: 'x' } as const;
    const bad = {
      type: 'effect.intent',
      operation: 'op',
      digest: 'd',
      step: 's',
      action: 'a',
      attempt,
      request,
    } as const;
    const { v, id, time, actor, via } = entry;
    expect(() => encodeEntry({ ...bad, v, id, time, actor, via })).toThrow(
      expect.objectContaining({ code: 'invalid_input' }),
    );
  });

  it('refuses half of a surrogate pair, which has no bytes of its own', () => {
    expect(() => encodeEntry({ ...entry, detail: '\ud800' })).toThrow(
      expect.objectContaining({ code: 'invalid_input' }),
    );
  });
});

describe('stored bytes', () => {
  const text = encodeEntry(entry).toString();
  it.each([
    ['spaces', text.replace(',', ', ')],
    ['members out of order', `{"v":1,${text.slice(1).replace(',"v":1', '')}`],
    ['a member twice', text.replace('"v":1', '"v":1,"v":1')],
    ['a fraction', text.replace('"v":1', '"u":0.5,"v":1')],
    ['another version', text.replace('"v":1', '"v":2')],
    ['a byte order mark', `\ufeff${text}`],
    ['no JSON', 'null and void'],
    ['no entry', '[]'],
    ['an endless nest', '['.repeat(60_000)],
  ])('with %s have a fault', (_, bytes) => {
    expect(decodeEntry(Buffer.from(bytes)).fault).toBeTypeOf('string');
  });

  it('that are no UTF-8 have a fault', () => {
    const bytes = Buffer.from(text);
    bytes[text.indexOf('text')] = 0xff;
    expect(decodeEntry(bytes).fault).toMatch(/UTF-8/);
  });
});
