/** A process with thousands of BMCs and nothing else, which writes down what is read of them. */
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { type RunningBmcFleet, startBmcFleet } from '../../src/lab/bmc-fleet.ts';
import { serve } from './messages.ts';

type Start = { sites: number; bmcsPerSite: number; addressBase: string };
export type LabBmc = { url: string; spki: string; machine: string };
export type Started = { account: { username: string; password: string }; bmcs: LabBmc[]; tookMs: number };
/** What reached the BMCs since the last `begin`. */
export type Seen = { requests: number; handshakes: number; cpuMs: number; rss: number };

const none = { requests: 0, handshakes: 0, cpuMs: 0 };
let fleet: RunningBmcFleet | undefined;
let requests = 0;
let before = none;
/** Addresses that were read, each once, in the order of their first time. */
let read = new Set<string>();

subscribe('http.server.request.start', message => {
  const { request } = message as { request: IncomingMessage };
  requests++;
  if (request.method === 'GET') read.add(`https://${request.headers.host}${request.url}`);
});

const answers = {
  async start(options: Start): Promise<Started> {
    const began = performance.now();
    const started = await startBmcFleet({ ...options, seed: 7 });
    fleet = started;
    const bmcs = started.bmcs.map(({ url, spki, profile }) => ({ url, spki, machine: profile.model }));
    return { account: started.account, bmcs, tookMs: performance.now() - began };
  },

  /** From here on everybody meets the same latencies, whoever came before. */
  begin(): void {
    for (const { faults, profile } of fleet?.bmcs ?? []) faults.set({ kind: 'latency', ...profile.acts.latency });
    read = new Set();
    before = totals();
  },

  seen(): Seen {
    const now = totals();
    return {
      requests: now.requests - before.requests,
      handshakes: now.handshakes - before.handshakes,
      cpuMs: now.cpuMs - before.cpuMs,
      rss: process.memoryUsage().rss,
    };
  },

  read(): string[] {
    return [...read];
  },

  /** How many are open on all BMCs together. */
  sessions(): number {
    return (fleet?.bmcs ?? []).reduce((sum, bmc) => sum + bmc.sessions().length, 0);
  },
};

export type BmcLab = typeof answers;

function totals(): typeof none {
  const { user, system } = process.cpuUsage();
  return {
    requests,
    handshakes: (fleet?.bmcs ?? []).reduce((sum, bmc) => sum + bmc.connections().made, 0),
    cpuMs: (user + system) / 1000,
  };
}

serve(answers);
