/** Groups of fans and supplies of which one may fail, as a BMC judges them, in a sample and without a request of their own. */
import { afterEach, describe, expect, test } from 'vitest';
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import { type Bmc, factValue } from '../../src/core/bmc.ts';
import type { LabMachine } from '../../src/lab/bmc/profiles/catalog.ts';
import { capturesPresent, readCapture, serveCapture } from '../support/capture-server.ts';
import { account, eventually, startTestBmc } from '../support/lab-bmc.ts';
import { memoryLedger } from '../support/session-ledger.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function open(about: { url: string; spki: string; username: string; password: string; systemUri?: string }): Bmc {
  const bmcs = openBmcs({ bmcs: [{ node: 'node', ...about }], ledger: memoryLedger(), timeouts: { retryMs: 20 } });
  closing.push(() => bmcs.closeAll().catch(() => undefined));
  return bmcs.of('node');
}

/** Kind and health of each group, sorted. */
async function groups(bmc: Bmc): Promise<string[]> {
  const { redundancy } = await bmc.sample();
  const all = 'value' in redundancy ? redundancy.value : [];
  return all.map(({ of, health }) => `${of} ${factValue(health) ?? 'unknown'}`).toSorted();
}

let host = 0;
/** Both forms, the older one alone, and the newer one alone. */
describe.each(['dell', 'supermicro', 'openbmc'] as const satisfies LabMachine[])('%s', vendor => {
  test('shows a lost fan and a lost supply in its groups, and asks for nothing twice', async () => {
    const lab = await startTestBmc({ vendor, address: `127.171.1.${++host}`, speed: 3000 });
    closing.push(lab.stop);
    const { url, spki } = lab.bmc;
    const bmc = open({ url, spki, ...account });
    expect(await groups(bmc)).toEqual(['fans ok', 'supplies ok']);
    const read = lab.bmc.received().map(({ path }) => path);
    const places = read.filter(path => /\/(Thermal|ThermalSubsystem|Power|PowerSubsystem)$/.test(path));
    expect(places).toEqual([...new Set(places)]);

    lab.bmc.faults.set({ kind: 'psu-failed' });
    lab.bmc.faults.set({ kind: 'fan-failing' });
    const fresh = open({ url, spki, ...account });
    const lost = ['fans warning', 'supplies warning'];
    await eventually('both to be lost', async () => (await groups(fresh)).join() === lost.join());
  });
});

const reason = 'the captures are kept outside this repository, in ../shared/redfish, and are not here';
describe.skipIf(!capturesPresent)(`real machines${capturesPresent ? '' : ` (skipped: ${reason})`}`, () => {
  test.each([
    ['dell-r750-idrac9-6.00.30', ['fans ok']],
    ['hpe-dl360gen10plus-ilo5-3.11', ['supplies ok']],
    ['lenovo-sr670v2-xcc-2.83', ['supplies ok']],
    ['supermicro-sys821ge-x13-11.01', ['supplies ok']],
    // Switched off, it says, and "OK": that is no judgement.
    ['intel-s2600bpb-1.93', ['fans unknown', 'supplies unknown']],
    ['nvidia-gb200nvl-openbmc', []],
  ])('%s', async (machine, expected) => {
    const server = await serveCapture(readCapture(machine));
    closing.push(server.close);
    expect(await groups(open(server))).toEqual(expected);
  });
});
