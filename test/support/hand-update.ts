/** An update that somebody begins on a Dell BMC by hand, past us: it is fetched, and then waits for the next start. */
import { readFile } from 'node:fs/promises';
import { Agent, fetch } from 'undici';
import { describeLab } from '../../src/lab/description.ts';
import { makeImage } from '../../src/lab/images.ts';
import { startImageServer } from './lab-bmc.ts';
import { eventually, type Stack } from './stack.ts';

export type HandUpdate = {
  /** Waits until the BMC's job queue shows the state. */
  jobIs(state: 'Downloading' | 'Scheduled' | 'Running'): Promise<void>;
  close(): Promise<void>;
};

export async function updateByHand(stack: Stack, node: string): Promise<HandUpdate> {
  const { server } = stack.lab.node(node);
  const { vendor, model, firmware } = server.profile;
  const image = makeImage({ vendor, models: [model], component: 'bios', version: firmware.newBios });
  const images = await startImageServer({ '/bios.bin': image });
  const { account } = describeLab(stack.lab);
  const password = (await readFile(account.passwordFile, 'utf8')).trim();
  const authorization = `Basic ${Buffer.from(`${account.username}:${password}`).toString('base64')}`;
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  const ask = async (path: string, body?: object) => {
    const headers = { authorization, 'content-type': 'application/json' };
    const init = { headers, dispatcher, ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}) };
    return (await fetch(`${server.url}/redfish/v1${path}`, init)).text();
  };
  await ask('/UpdateService/Actions/UpdateService.SimpleUpdate', {
    ImageURI: `${images.url}/bios.bin`,
    '@Redfish.OperationApplyTime': 'OnReset',
  });
  return {
    async jobIs(state) {
      const queue = '/Managers/iDRAC.Embedded.1/Oem/Dell/Jobs?$expand=*($levels=1)';
      await eventually(`a job to be ${state}`, async () => ((await ask(queue)).includes(state) ? true : undefined));
    },
    async close() {
      await dispatcher.close();
      await images.stop();
    },
  };
}
