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
  ['hpe', 'bios', 'U46 v2.34', 'U46 v2.34 (03/11/2025)', 'same'],
  ['hpe', 'bios', 'U46 v2.34', 'U46 v2.40 (03/11/2025)', 'older'],
  ['hpe', 'bios', 'U46 v2.34 (03/11/2025)', 'U72 v3.10 (03/11/2025)', 'unknown'],
  ['hpe', 'bios', 'U46 v2.4 (03/11/2025)', 'U46 v2.34 (03/11/2025)', 'unknown'],
  ['hpe', 'bios', 'U46 v2.34 (13/11/2025)', 'U46 v2.35 (03/11/2025)', 'unknown'],
  ['hpe', 'bmc', '3.04 Feb 25 2024', '3.11 Feb 25 2025', 'older'],
  ['hpe', 'bmc', '3.11', '3.11 Feb 25 2025', 'same'],
  ['hpe', 'bmc', '3.11 Feb 30 2025', '3.12 Mar 25 2025', 'unknown'],
  ['hpe', 'bmc', 'iLO 5 v3.11', 'iLO 6 v1.64', 'unknown'],
  ['hpe', 'bmc', 'iLO 5 v3.11', '3.12 Feb 25 2025', 'unknown'],
  ['openbmc', 'bmc', 'v2.14.0', '2.15.0', 'older'],
  ['openbmc', 'bmc', '2.15.0-dev-686-g100c36de90', '2.15.0-dev-686-g100c36de90', 'same'],
  ['openbmc', 'bmc', '2.15.0-dev-686-g100c36de90', '2.15.0', 'unknown'],
  ['openbmc', 'bmc', '2.14.0-418-g5c02b7e1a3', '2.18.0', 'older'],
  ['openbmc', 'bmc', '2.14.0', '2.14.0-418-g5c02b7e1a3', 'older'],
  ['openbmc', 'bmc', '2.14.0-418-g5c02b7e1a3', '2.14.0-418-g77a2b7e1a3', 'unknown'],
  ['openbmc', 'bmc', '2..14', '2.14.0', 'unknown'],
  ['openbmc', 'bios', '1.02.3', '1.10.0', 'older'],
  ['supermicro', 'bios', '2.1', '2.2', 'older'],
  ['supermicro', 'bios', '2.1', '2.1', 'same'],
  ['supermicro', 'bios', '2.1', 'BIOS Date: 02/05/2024 Ver 2.1', 'same'],
  ['supermicro', 'bios', 'BIOS Date: 08/11/2023 Ver 1.4', '2.1', 'older'],
  ['supermicro', 'bios', 'BIOS Date: 08/11/2023 Ver 1.4', 'BIOS Date: 08/04/2023 Ver 1.4', 'newer'],
  ['supermicro', 'bios', 'BIOS Date: 08/11/2023 Ver 1.4', '1.4a', 'older'],
  ['supermicro', 'bios', '1.4a', '1.4B', 'older'],
  ['supermicro', 'bios', '1.4a', '1.5', 'older'],
  ['supermicro', 'bios', 'BIOS Date: 04/31/2023 Ver 1.4', '1.5', 'unknown'],
  ['supermicro', 'bios', 'BIOS Date: 04/00/2023 Ver 1.4', '1.5', 'unknown'],
  ['supermicro', 'bios', 'BIOS Date: 08/11/2023 Ver 2.1', '2.10', 'older'],
  ['supermicro', 'bios', 'Not Present', '2.1', 'unknown'],
  ['supermicro', 'bmc', '01.01.06', '01.02.00', 'older'],
  ['lenovo', 'bios', '22J-1.51', '1.51', 'same'],
  ['lenovo', 'bios', '22J-1.51', 'U8E122J-1.51', 'same'],
  ['lenovo', 'bios', '22J-1.51', '22N-1.70', 'older'],
  ['lenovo', 'bios', '22J-1.51', '22K-1.51', 'unknown'],
  ['lenovo', 'bmc', '42S-2.83', '3.10', 'older'],
  ['lenovo', 'bmc', '-*', '3.10', 'unknown'],
  ['ami', 'bios', 'M12', 'M19', 'older'],
  ['ami', 'bios', 'M12', 'R05', 'unknown'],
  ['ami', 'bmc', '12.84.13', '12.85.01', 'older'],
  ['nvidia', 'bmc', 'GB200Nvl-24.12-8', 'GB200Nvl-25.02-1', 'older'],
  ['nvidia', 'bmc', 'GB200Nvl-24.12-8', 'HGX-22.10-1', 'unknown'],
  ['nvidia', 'bios', '02.03.19', '02.04.12', 'older'],
  ['generic', 'bios', '1.0.0', '2.0.0', 'unknown'],
  ['dell', 'bios', '', '', 'unknown'],
  ['dell', 'bios', ' ', '1.12.1', 'unknown'],
];

describe('compareVersions', () => {
  it.each(cases)('%s %s: %j is to %j: %5$s', (vendor, component, a, b, order) => {
    expect(compareVersions(vendor, component, a, b)).toBe(order);
  });

  it('gives the opposite answer for swapped arguments', () => {
    const opposite = { older: 'newer', newer: 'older', same: 'same', unknown: 'unknown' };
    const vendor = fc.constantFrom<Vendor>('dell', 'hpe', 'openbmc', 'lenovo', 'supermicro', 'ami');
    const component = fc.constantFrom<Component>('bios', 'bmc');
    const text = fc.constantFrom(...cases.flatMap(([, , a, b]) => [a, b]));
    fc.assert(
      fc.property(vendor, component, text, text, (who, what, a, b) => {
        expect(compareVersions(who, what, b, a)).toBe(opposite[compareVersions(who, what, a, b)]);
      }),
    );
  });
});
