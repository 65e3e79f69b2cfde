/** A BMC that stays away until somebody has missed it: how long its own restart takes says nothing of who looks. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { hasEnded } from '../../src/core/operation.ts';
import type { RunningBmc } from '../../src/lab/bmc/bmc.ts';
import { eventually, type Stack } from './stack.ts';

const looks = 3;

/** Keeps it away once it was told to restart, until the operation has looked for it several times in vain, or has ended. */
export async function missed(stack: Stack, { name, url, faults }: RunningBmc, operation: string): Promise<void> {
  const { hostname, port } = new URL(url);
  const client = await stack.client('requester');
  const news = () => client.operationEvents(operation, { after: 0, waitMs: 0 });
  const isLost = () =>
    stack.lab.effects
      .since()
      .some(effect => effect.name === name && effect.path.endsWith('Manager.Reset') && effect.status === 0);
  await eventually('the request to be answered, or lost', async () => {
    const { operation: now, events } = await news();
    const answered = events.some(({ step, status }) => step === 'change' && status === 'ok');
    return answered || isLost() || hasEnded(now.state) ? true : undefined;
  });
  let tries = 0;
  const door = createServer(socket => {
    tries++;
    socket.resetAndDestroy();
  });
  faults.set({ kind: 'bmc-down', mode: 'refused' });
  door.listen(Number(port), hostname);
  await once(door, 'listening');
  await eventually(`${url} to be missed`, async () => {
    const { state } = (await news()).operation;
    return tries >= looks || hasEnded(state) ? true : undefined;
  });
  door.close();
  await once(door, 'close');
  faults.clear('bmc-down');
}
