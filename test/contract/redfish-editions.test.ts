/** A profile knows from which firmware on a BMC wants to be read otherwise; what it cannot tell counts as the older one. */
import { afterEach, describe, expect, test } from 'vitest';
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import { factValue } from '../../src/core/bmc.ts';
import { bmcProfiles } from '../../src/lab/bmc/profiles/catalog.ts';
import { account, startTestBmc } from '../support/lab-bmc.ts';
import { memoryLedger } from '../support/session-ledger.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

let host = 0;
async function iDrac(bmcVersion: string) {
  const lab = await startTestBmc({ vendor: 'dell', address: `127.168.1.${++host}`, bmcVersion });
  const { url, spki } = lab.bmc;
  const bmcs = openBmcs({
    bmcs: [{ node: 'node', url, spki, ...account }],
    ledger: memoryLedger(),
    timeouts: { retryMs: 20, answerMs: 500 },
  });
  closing.push(lab.stop, () => bmcs.closeAll().catch(() => undefined));
  /** Which of the two forms was asked for, in their order. */
  const asked = () =>
    lab.bmc.received().flatMap(({ path }) => /\/(Thermal|ThermalSubsystem)$/.exec(path)?.slice(1, 2) ?? []);
  return { lab, bmc: bmcs.of('node'), asked };
}

const all = { temperatures: bmcProfiles.dell.temperatures.length, fans: bmcProfiles.dell.fans.length };

describe('an iDRAC', () => {
  test.each([
    ['7.10.90.00', ['Thermal']],
    ['7.29.99.00', ['Thermal']],
    ['7.30', ['ThermalSubsystem']],
    ['7.30.10.50', ['ThermalSubsystem']],
    ['10.05.00.00', ['ThermalSubsystem']],
    ['7.30-debug build', ['Thermal']],
    ['', ['Thermal']],
  ])('that runs %j has its temperatures and fans read from %j', async (version, places) => {
    const { bmc, asked } = await iDrac(version);
    const { temperatures, fans } = await bmc.sample();
    expect(asked()).toEqual(places);
    expect({ temperatures: factValue(temperatures)?.length, fans: factValue(fans)?.length }).toEqual(all);
  });

  test.each([
    ['7.10.90.00', '/Thermal', ['Thermal', 'ThermalSubsystem']],
    ['7.30.10.50', '/ThermalSubsystem', ['ThermalSubsystem', 'Thermal']],
  ])('that runs %s and does not answer for %s is read from the other', async (version, path, places) => {
    const { bmc, lab, asked } = await iDrac(version);
    lab.bmc.faults.set({ kind: 'resource-hangs', path });
    const { temperatures, fans } = await bmc.sample();
    expect([...new Set(asked())]).toEqual(places);
    expect({ temperatures: factValue(temperatures)?.length, fans: factValue(fans)?.length }).toEqual(all);
  });
});
