/** The page on vendors says what the machines' own documents say. */
import { expect, test } from 'vitest';
import { capturesPresent, readCapture } from '../support/capture-server.ts';
import { docsTable } from '../support/docs-table.ts';
import { columns, vendorFacts } from '../support/vendor-facts.ts';

/** Where each row's documents are, and its ComputerSystem. */
const machines: Record<string, [capture: string, system: string]> = {
  'Dell PowerEdge R750, iDRAC9 6.00.30': ['dell-r750-idrac9-6.00.30', 'system.embedded.1'],
  'HPE DL360 Gen10 Plus, iLO 5 3.11': ['hpe-dl360gen10plus-ilo5-3.11', '1'],
  'HPE DL380a Gen12, iLO 7 1.13': ['hpe-dl380a-gen12-ilo7-1.13', '1'],
  'HPE Cray EX425': ['hpe-cray-ex425', 'node1'],
  'Lenovo SR670 V2, XCC 2.83': ['lenovo-sr670v2-xcc-2.83', '1'],
  'Supermicro SYS-821GE, X13 11.01': ['supermicro-sys821ge-x13-11.01', '1'],
  'Gigabyte H262, AMI MegaRAC 12.84': ['gigabyte-h262-megarac-12.84', 'self'],
  'Intel S2600BPB, 1.93': ['intel-s2600bpb-1.93', 'qsbp74100021'],
  'NVIDIA GB200 NVL, OpenBMC': ['nvidia-gb200nvl-openbmc', 'system_0'],
  'OpenBMC 2.15': ['openbmc-stock-2.15', 'system'],
  'DMTF mock-up of a rack server, 2025.4': ['dmtf-rackmount1-2025.4', '437xr1138r2'],
};

const { heading, rows } = docsTable('vendors.md');

test('the table has a row for each machine, and the columns that are checked', () => {
  expect(heading).toEqual(['Machine', ...columns]);
  expect(rows.map(([name]) => name).toSorted()).toEqual(Object.keys(machines).toSorted());
});

const reason = 'the captures are kept outside this repository, in ../shared/redfish, and are not here';
test.skipIf(!capturesPresent).each(rows)(`%s${capturesPresent ? '' : ` (skipped: ${reason})`}`, (name, ...cells) => {
  const [capture = '', system = ''] = machines[name ?? ''] ?? [];
  const facts = vendorFacts(readCapture(capture), `/redfish/v1/systems/${system}`);
  const named = (values: string[]) => Object.fromEntries(columns.map((column, index) => [column, values[index]]));
  expect(named(cells)).toEqual(named(facts));
});
