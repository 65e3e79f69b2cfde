/** The processes of a run: some with API servers, one at a time with what holds their content. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ApiServers, ServedCluster } from './api-servers.ts';
import { type Child, start } from './messages.ts';
import type { Subject } from './subject.ts';

export type Size = { clusters: number; nodes: number; podsPerNode: number };

export type Fleet = {
  names: string[];
  kubeconfigs: { name: string; kubeconfigFile: string }[];
  /** The process that serves this cluster. */
  serverOf(name: string): Child<ApiServers>;
  servers: Child<ApiServers>[];
  stop(): Promise<void>;
};

const perProcess = 15;

export async function startFleet({ clusters, ...size }: Size): Promise<Fleet> {
  const folder = await mkdtemp(join(tmpdir(), 'gk-bench-'));
  const names = Array.from({ length: clusters }, (_, index) => `cluster-${index}`);
  const servers: Child<ApiServers>[] = [];
  const owners = new Map<string, Child<ApiServers>>();
  const kubeconfigs: Fleet['kubeconfigs'] = [];
  for (let first = 0; first < clusters; first += perProcess) {
    const server = start<ApiServers>('./api-servers.ts');
    servers.push(server);
    const here = names.slice(first, first + perProcess);
    const addresses = here.map((_, index) => `127.62.${first + index}.1`);
    for (const served of await server.ask('start', { names: here, addresses, ...size })) {
      owners.set(served.name, server);
      kubeconfigs.push(await kept(folder, served));
    }
  }
  return {
    names,
    kubeconfigs,
    servers,
    serverOf: name => {
      const server = owners.get(name);
      if (server === undefined) throw new Error(`nobody serves ${name}`);
      return server;
    },
    stop: async () => {
      await Promise.all(servers.map(server => server.stop()));
      await rm(folder, { recursive: true });
    },
  };
}

async function kept(folder: string, { name, kubeconfig }: ServedCluster) {
  const kubeconfigFile = join(folder, name);
  await writeFile(kubeconfigFile, kubeconfig, { mode: 0o600 });
  return { name, kubeconfigFile };
}

export function startSubject(): Child<Subject> {
  return start<Subject>('./subject.ts', ['--expose-gc', '--max-old-space-size=12000']);
}

/** The clusters whose content as held is not, or not within `limitMs`, what their API server stores. */
export async function differing(
  fleet: Fleet,
  subject: Child<Subject>,
  { limitMs }: { limitMs: number },
): Promise<string[]> {
  const deadline = performance.now() + limitMs;
  let left = fleet.names;
  for (;;) {
    const still: string[] = [];
    for (const name of left) {
      const [stored, seen] = await Promise.all([
        fleet.serverOf(name).ask('digest', { name }),
        subject.ask('digest', { name }),
      ]);
      if (stored !== seen) still.push(name);
    }
    left = still;
    if (left.length === 0 || performance.now() > deadline) return left;
    await delay(50);
  }
}
