/**
 * Servers with their BMCs and nothing else: no clusters, no agents. For whoever
 * needs thousands of BMCs at once, which are ready in seconds.
 */
import { randomBytes } from 'node:crypto';
import type { RunningBmc } from './bmc/bmc.ts';
import { type LabMachine, labMachines } from './bmc/profiles/catalog.ts';
import { LabClock } from './clock.ts';
import { EffectLog } from './effect-log.ts';
import { layOut } from './layout.ts';
import { startServer } from './server.ts';

export type BmcFleetOptions = {
  sites: number;
  bmcsPerSite: number;
  seed: number;
  /** First two bytes of all addresses. */
  addressBase: string;
  /** What the servers are, taken in turn; default every machine of the lab. */
  machines?: readonly LabMachine[];
  /** BMCs take as long as their vendor's usually do; default false, they answer at once. */
  latency?: boolean;
};

export type RunningBmcFleet = {
  account: { username: string; password: string };
  bmcs: RunningBmc[];
  /** Closes every socket. */
  stop(): Promise<void>;
};

/** Durations are real ones. Throws port_taken when an address is in use; whatever had started is stopped again. */
export async function startBmcFleet(options: BmcFleetOptions): Promise<RunningBmcFleet> {
  const { seed, latency, machines = labMachines } = options;
  const clock = new LabClock(1);
  const account = { username: 'groundskeeper', password: randomBytes(18).toString('base64url') };
  const server = { clock, effects: new EffectLog(), seed, account, latency };
  const bmcs: RunningBmc[] = [];
  const stop = async () => {
    clock.stop();
    await Promise.all(bmcs.splice(0).map(bmc => bmc.stop()));
  };
  try {
    const sites = layOut({ ...options, machines, controlPlanes: 0, workers: options.bmcsPerSite });
    for (const node of sites.flatMap(site => site.nodes)) bmcs.push((await startServer(server, node)).server);
    return { account, bmcs, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
