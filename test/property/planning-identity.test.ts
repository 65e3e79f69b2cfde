import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sameMachine } from '../../src/planning/identity.ts';

const bytes = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .filter(all => !all.every(one => one === 0 || one === 255));

function text(all: Uint8Array, order: number[] = [...all.keys()]): string {
  const hex = order.map(index => (all[index] ?? 0).toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
const littleEndian = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

describe('sameMachine', () => {
  it('matches one UUID in either letter case and either SMBIOS byte order', () => {
    fc.assert(
      fc.property(bytes, all => {
        expect(sameMachine(text(all).toUpperCase(), text(all))).toBe(true);
        expect(sameMachine(text(all).toUpperCase(), text(all, littleEndian))).toBe(true);
        expect(sameMachine(text(all, littleEndian), text(all).toUpperCase())).toBe(true);
      }),
    );
  });

  it('tells machines apart that differ in one byte', () => {
    fc.assert(
      fc.property(bytes, fc.nat(15), fc.integer({ min: 1, max: 255 }), (all, at, change) => {
        const other = Uint8Array.from(all, (byte, index) => (index === at ? byte ^ change : byte));
        fc.pre(text(all, littleEndian) !== text(other));
        expect(sameMachine(text(all), text(other))).toBe(false);
      }),
    );
  });

  it('does not take any other byte order for the same machine', () => {
    const reversed = littleEndian.toReversed();
    fc.assert(
      fc.property(bytes, all => {
        fc.pre(text(all, reversed) !== text(all) && text(all, reversed) !== text(all, littleEndian));
        expect(sameMachine(text(all), text(all, reversed))).toBe(false);
      }),
    );
  });

  it('never matches what identifies nothing', () => {
    const zero = '00000000-0000-0000-0000-000000000000';
    const full = 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF';
    const odd = [
      zero,
      full,
      '',
      'unknown',
      '4c4c4544004a31108050b4c04f4a3332',
      ' 4c4c4544-004a-3110-8050-b4c04f4a3332',
    ];
    for (const uuid of odd) expect(sameMachine(uuid, uuid), uuid).toBe(false);
  });
});
