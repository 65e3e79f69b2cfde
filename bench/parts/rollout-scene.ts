/** The processes of the rollout bench: a lab, a Postgres, and the service between them. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { parse, stringify } from 'yaml';
import { startEmbeddedPostgres } from '../../src/adapters/postgres/embedded.ts';
import { startChild } from '../../src/demo/child.ts';
import { type LabConfig, writeLabConfig } from '../../src/demo/lab-config.ts';
import { type Client, connect } from '../../src/surfaces/cli/client.ts';
import { type Child, start as startPart } from './messages.ts';
import { cpuOfTree, useOf } from './process-use.ts';
import type { RolloutLab, Start } from './rollout-lab.ts';

export type RolloutScene = {
  lab: Child<RolloutLab>;
  client(who: 0 | 1): Promise<Client>;
  passphrase(who: 0 | 1): string;
  /** Asks the database itself, so that the service is not kept busy by who watches it. */
  query<T extends pg.QueryResultRow>(sql: string, values: unknown[]): Promise<T[]>;
  /** Milliseconds of CPU of each process so far, and the most memory that the service had. */
  use(): Promise<{ cpu: Record<'service' | 'lab' | 'database', number>; peakRssBytes: number }>;
  /** Kills the service with -9 and starts it again. Answers how many milliseconds went by until it answered. */
  killService(): Promise<number>;
  close(): Promise<void>;
};

export type RolloutSceneOptions = {
  dir: string;
  lab: Omit<Start, 'dir' | 'seed' | 'addressBase'>;
  rollout: { waves: number[]; maxSites: number; pollInterval: string };
  /** Of each cluster. */
  budget: number;
  /** Megabytes of the service's old heap: left alone, V8 takes what a large machine has before it collects. */
  heap: number;
  /** Folder for a CPU profile of the service. */
  profile?: string;
};

export async function openRolloutScene(options: RolloutSceneOptions): Promise<RolloutScene> {
  const { dir } = options;
  await mkdir(join(dir, 'data'), { mode: 0o700 });
  const lab = startPart<RolloutLab>('./rollout-lab.ts', ['--max-old-space-size=8000']);
  const description = await lab.ask('start', { ...options.lab, dir, seed: 7, addressBase: '127.95' });
  const postgres = await startEmbeddedPostgres({ dataDir: join(dir, 'postgres') });
  const config = await writeLabConfig(description, {
    dir,
    port: 0,
    database: 'env:GROUNDSKEEPER_BENCH_DATABASE',
    mcpScope: 'read',
    rollout: { soak: '0s', pollInterval: options.rollout.pollInterval },
    sampleEvery: 'off',
  });
  await widen(config, options);
  const env = {
    GROUNDSKEEPER_BENCH_DATABASE: postgres.url,
    NODE_OPTIONS: [
      `--max-old-space-size=${options.heap} --max-semi-space-size=4`,
      ...(options.profile ? [`--cpu-prof --cpu-prof-dir=${options.profile}`] : []),
    ].join(' '),
    // glibc gives each thread a heap of its own unless told, and returns little of any but what is large.
    MALLOC_ARENA_MAX: '1',
    MALLOC_MMAP_THRESHOLD_: '16384',
    NODE_COMPILE_CACHE: join(dir, 'compiled'), // as bin/groundskeeper.js sets one
  };
  const start = () => startChild<{ url: string }>(['serve', '--config', config.file, '--log-level', 'error'], env);
  // The first start compiles what later ones find.
  await (await start()).stop();
  let service = await start();
  const admin = new pg.Pool({ connectionString: postgres.url, max: 2 });
  return {
    lab,
    async client(who) {
      const { url } = service.ready;
      const { token } = await connect({ url }).login({ ...config.people[who], channel: 'cli' });
      return connect({ url, token });
    },
    passphrase: who => config.people[who].passphrase,
    query: async (sql, values) => (await admin.query(sql, values)).rows,
    async use() {
      const [{ cpuMs, peakRssBytes }, played, database] = await Promise.all([
        useOf(service.pid),
        lab.ask('cpuMs', undefined),
        cpuOfTree(postgres.pid),
      ]);
      return { cpu: { service: cpuMs, lab: played, database }, peakRssBytes };
    },
    async killService() {
      process.kill(service.pid, 'SIGKILL');
      const began = performance.now();
      service = await start();
      return performance.now() - began;
    },
    async close() {
      await service.stop();
      await admin.end();
      await postgres.stop();
      await lab.stop();
    },
  };
}

type Document = {
  rollout: Record<string, unknown>;
  approvals?: object;
  sites: { clusters: { budget: { maxUnavailable: number } }[] }[];
};

async function widen({ file }: LabConfig, { budget, rollout }: RolloutSceneOptions): Promise<void> {
  const document = parse(await readFile(file, 'utf8')) as Document;
  for (const cluster of document.sites.flatMap(site => site.clusters)) cluster.budget = { maxUnavailable: budget };
  const limits = { drainTimeout: '15m', updateTimeout: '15m', rebootTimeout: '15m', rejoinTimeout: '15m' };
  document.rollout = { ...document.rollout, ...rollout, ...limits, stallLimit: '10m' };
  await writeFile(file, stringify(document));
}
