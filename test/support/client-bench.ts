/** One machine of the lab, and the production client on it. */
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import type { Bmc } from '../../src/core/bmc.ts';
import type { LabMachine } from '../../src/lab/bmc/profiles/catalog.ts';
import { account, startTestBmc, type TestBmc } from './lab-bmc.ts';
import { memoryLedger } from './session-ledger.ts';

export type ClientBench = { lab: TestBmc; bmc: Bmc; close(): Promise<void> };

export async function clientBench(machine: LabMachine, address: string, speed = 600): Promise<ClientBench> {
  const lab = await startTestBmc({ vendor: machine, address, speed });
  const bmcs = openBmcs({
    bmcs: [{ node: 'node', url: lab.bmc.url, ...account, spki: lab.bmc.spki }],
    ledger: memoryLedger(),
  });
  return {
    lab,
    bmc: bmcs.of('node'),
    async close() {
      await bmcs.closeAll().catch(() => undefined);
      await lab.stop();
    },
  };
}
