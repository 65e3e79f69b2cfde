/** An update that somebody begins on a Dell BMC by hand, past us: it is fetched, and then waits for the next start. */
import { makeImage } from '../../src/lab/images.ts';
import { byHand } from './by-hand.ts';
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
  const { ask, close } = await byHand(stack, node);
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
      await close();
      await images.stop();
    },
  };
}
