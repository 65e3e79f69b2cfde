import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Component, Vendor } from '../../src/core/bmc.ts';
import { compareVersions, type VersionOrder } from '../../src/planning/version.ts';

type Case = [Vendor, Component, string, string, VersionOrder];

const cases: Case[] = [
  ['dell', 'bios', '1.8.2', '1.12.1', 'older'],
  ['dell', 'bios', '1.12.1', '1.8.2', 'newer'],
  ['dell', 'bios', '1.12.1', '1.12.1', 'same'],
  ['dell', 'bmc', '6.00.30.00', '7.00.00.00', 'older'],
  ['dell', 'bios', '1.12', '1.12.1', 'unknown'],
  ['dell', 'bios', '1.12.1-beta', '1.12.2', 'unknown'],
  ['dell', 'bmc', '6.00.30.00', '6.0.30.0', 'unknown'],
  ['hpe', 'bios', 'U46 v1.80 (07/05/2023)', 'U46 v2.34 (03/11/2025)', 'older'],
  ['hpe', 'bios', 'U46 v2.34 (03/11/2025)', 'U46 v2.04 (03/11/2025)', 'newer'],
  ['hpe', 'bios', 'U46 v2.34 (03/11/2025)', 'U46 v2.34 (06/02/2025)', 'older'],
  ['hpe', 'bios', 'U46 v2.34 (12/11/2024)', 'U46 v2.34 (03/11/2025)', 'older'],
  ['hpe', 'bios', 'U46 v2.34', 'U46 v2.34 (03/11/2025)', 'unknown'],
  ['hpe', 'bios', 'U46 v2.34 (03/11/2025)', 'U72 v3.10 (03/11/2025)', 'unknown'],
  ['hpe', 'bios', 'U46 v2.4 (03/11/2025)', 'U46 v2.34 (03/11/2025)', 'unknown'],
  ['hpe', 'bios', 'U46 v2.34 (13/11/2025)', 'U46 v2.35 (03/11/2025)', 'unknown'],
  ['hpe', 'bmc', '3.04 Feb 25 2024', '3.11 Feb 25 2025', 'older'],
  ['hpe', 'bmc', 'iLO 5 v3.11', 'iLO 6 v1.64', 'unknown'],
  ['hpe', 'bmc', 'iLO 5 v3.11', '3.12 Feb 25 2025', 'unknown'],
  ['openbmc', 'bmc', 'v2.14.0', '2.15.0', 'older'],
  ['openbmc', 'bmc', '2.15.0-dev-686-g100c36de90', '2.15.0-dev-686-g100c36de90', 'same'],
  ['openbmc', 'bmc', '2.15.0-dev-686-g100c36de90', '2.15.0', 'unknown'],
  ['openbmc', 'bios', '1.02.3', '1.10.0', 'older'],
  ['supermicro', 'bios', '2.1', '2.2', 'unknown'],
  ['supermicro', 'bios', '2.1', '2.1', 'same'],
  ['generic', 'bios', '1.0.0', '2.0.0', 'unknown'],
  ['dell', 'bios', '', '', 'unknown'],
];

describe('compareVersions', () => {
  it.each(cases)('%s %s: %j is to %j: %5$s', (vendor, component, a, b, order) => {
    expect(compareVersions(vendor, component, a, b)).toBe(order);
  });

  it('gives the opposite answer for swapped arguments', () => {
    const opposite = { older: 'newer', newer: 'older', same: 'same', unknown: 'unknown' };
    const vendor = fc.constantFrom<Vendor>('dell', 'hpe', 'openbmc', 'lenovo');
    const component = fc.constantFrom<Component>('bios', 'bmc');
    const text = fc.constantFrom(...cases.flatMap(([, , a, b]) => [a, b]));
    fc.assert(
      fc.property(vendor, component, text, text, (who, what, a, b) => {
        expect(compareVersions(who, what, b, a)).toBe(opposite[compareVersions(who, what, a, b)]);
      }),
    );
  });
});
