/** One fleet, one database, and the processes that are killed: fresh for each rollout, so that every sum is of this one alone. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { parse, stringify } from 'yaml';
import { logInWindowMs } from '../../src/adapters/redfish/login-breaker.ts';
import { type Child, startChild } from '../../src/demo/child.ts';
import { type LabConfig, writeLabConfig } from '../../src/demo/lab-config.ts';
import { shippedManifests } from '../../src/demo/lab-part.ts';
import { describeLab } from '../../src/lab/description.ts';
import { type RunningLab, startLab } from '../../src/lab/lab.ts';
import { type Client, connect } from '../../src/surfaces/cli/client.ts';

/** `executor` is known once it lives; a service tells its URL. */
export type Process = { child: Child<{ url?: string }>; command: 'serve' | 'worker' };

export type KillScene = {
  lab: RunningLab;
  admin: pg.Pool;
  /** The service first. */
  processes: Process[];
  start(command: Process['command']): Promise<Process>;
  client(who: 0 | 1): Promise<Client>;
  passphrase(who: 0 | 1): string;
  close(): Promise<void>;
};

export type KillSceneOptions = {
  postgresUrl: string;
  workers: number;
  nodes: number;
  speed: number;
  seed: number;
  addressBase: string;
};

const fastProgram = fileURLToPath(new URL('../../test/support/fast-program.ts', import.meta.url));

export async function openKillScene(options: KillSceneOptions): Promise<KillScene> {
  const dir = await mkdtemp(join(tmpdir(), 'gk-kills-'));
  await mkdir(join(dir, 'data'), { mode: 0o700 });
  const name = `kills_${randomBytes(4).toString('hex')}`;
  await runOnce(options.postgresUrl, `create database ${name}`);
  const url = new URL(options.postgresUrl);
  url.pathname = `/${name}`;
  const lab = await startLab({
    sites: 1,
    controlPlanes: 3,
    workers: options.nodes,
    speed: options.speed,
    seed: options.seed,
    dir,
    addressBase: options.addressBase,
    manifests: shippedManifests,
  });
  const config = await writeLabConfig(describeLab(lab), {
    dir,
    port: 0,
    database: 'env:GROUNDSKEEPER_BENCH_DATABASE',
    mcpScope: 'read',
    rollout: { soak: '500ms', pollInterval: '100ms' },
    sampleEvery: 'off',
  });
  await widen(config, 3);
  const env = { GROUNDSKEEPER_BENCH_DATABASE: url.href };
  // As the product has it; the lab's machines live faster.
  const windowMs = `${logInWindowMs / options.speed}`;
  const args = ['--config', config.file, '--log-level', 'error'];
  const start = async (command: Process['command']) => ({
    command,
    child: await startChild<{ url?: string }>([windowMs, command, ...args], env, fastProgram),
  });
  const processes = [await start('serve')];
  while (processes.length < options.workers) processes.push(await start('worker'));
  const admin = new pg.Pool({ connectionString: url.href, max: 4 });
  admin.on('error', () => {});
  return {
    lab,
    admin,
    processes,
    start,
    async client(who) {
      const { url: service = '' } = processes[0]?.child.ready ?? {};
      const { token } = await connect({ url: service }).login({ ...config.people[who], channel: 'cli' });
      return connect({ url: service, token });
    },
    passphrase: who => config.people[who].passphrase,
    async close() {
      await Promise.all(processes.map(({ child }) => child.stop()));
      await lab.stop();
      await admin.end();
      await runOnce(options.postgresUrl, `drop database if exists ${name} with (force)`);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** So that a wave has several nodes in flight. */
async function widen({ file }: LabConfig, maxUnavailable: number): Promise<void> {
  const document = parse(await readFile(file, 'utf8')) as { sites: { clusters: { budget: object }[] }[] };
  for (const cluster of document.sites.flatMap(site => site.clusters)) cluster.budget = { maxUnavailable };
  await writeFile(file, stringify(document));
}

async function runOnce(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}
