/**
 * The whole thing on loopback: a lab in this process, whose effect log a test
 * can read, and the service as a process of its own, which a test can kill.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { type Child, startChild } from '../../src/demo/child.ts';
import { type LabConfig, type LabConfigOptions, writeLabConfig } from '../../src/demo/lab-config.ts';
import { shippedManifests } from '../../src/demo/lab-part.ts';
import type { LabMachine } from '../../src/lab/bmc/profiles/catalog.ts';
import { describeLab } from '../../src/lab/description.ts';
import { type RunningLab, startLab } from '../../src/lab/lab.ts';
import { type Client, connect } from '../../src/surfaces/cli/client.ts';
import { freshDatabase } from './postgres.ts';
import { neverAsAdministrator } from './product-callers.ts';
import type { LabDocument } from './rollout.ts';

export type StackOptions = {
  /** Second octet of the lab's addresses, so that several labs can run at once. */
  addressBase: string;
  sites?: number;
  /** Per site; 3 unless said. */
  controlPlanes?: number;
  workers?: number;
  /** What the nodes are, in turn; the usual machines unless said. */
  machines?: readonly LabMachine[];
  speed?: number;
  /** Whether members of etcd tell of themselves; the configuration still has to list them. */
  etcdEndpoints?: boolean;
  mcpScope?: 'read' | 'plan' | 'execute';
  /** Default: off, so that only what a test asks for reaches a BMC. */
  sampleEvery?: string;
  /** Whether BMCs may push events; not unless said. */
  pushes?: boolean;
  /** Default: as the product ships. */
  healthCordon?: LabConfigOptions['healthCordon'];
  /** What stands in front of the service's database: the URL by which it is reached. */
  database?(url: string): Promise<string>;
  /** Folder of policies; those that are shipped unless said. */
  policies?: string;
  assistant?: LabConfigOptions['assistant'];
  /** Milliseconds for which a failed log-in to a BMC counts; the product's ten minutes unless said. */
  logInWindowMs?: number;
  slack?: LabConfigOptions['slack'];
  /** Changes the configuration before the service reads it. */
  configure?(document: LabDocument, lab: RunningLab): void;
  /** For the service, beside the URL of its database. */
  env?: Record<string, string>;
  /** A Postgres server for its database; that of the run of tests unless said. */
  postgresUrl?: string;
};

export type Stack = {
  lab: RunningLab;
  config: LabConfig;
  databaseUrl: string;
  /** The service of this moment; `restart` gives another. */
  service(): Child<{ url: string }>;
  /** kill -9. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Logged in as one of the two people. */
  client(who: 'requester' | 'approver'): Promise<Client>;
  passphrase(who: 'requester' | 'approver'): string;
  /** Throws when the product came to a cluster as an administrator. */
  close(): Promise<void>;
};

const fastProgram = fileURLToPath(new URL('./fast-program.ts', import.meta.url));

export async function startStack(options: StackOptions): Promise<Stack> {
  const dir = await mkdtemp(join(tmpdir(), 'groundskeeper-test-'));
  const database = await freshDatabase(options.postgresUrl);
  const lab = await startLab({
    sites: options.sites ?? 1,
    controlPlanes: options.controlPlanes ?? 3,
    workers: options.workers ?? 4,
    ...(options.machines ? { machines: options.machines } : {}),
    speed: options.speed ?? 60,
    seed: 7,
    dir,
    addressBase: options.addressBase,
    etcdEndpoints: options.etcdEndpoints ?? false,
    manifests: shippedManifests,
  });
  const config = await writeLabConfig(describeLab(lab), {
    dir,
    port: 0,
    database: 'env:GROUNDSKEEPER_TEST_DATABASE',
    mcpScope: options.mcpScope ?? 'read',
    rollout: { soak: '1s', pollInterval: '200ms' },
    sampleEvery: options.sampleEvery ?? 'off',
    pushes: options.pushes ?? false,
    ...(options.healthCordon ? { healthCordon: options.healthCordon } : {}),
    ...(options.policies ? { policies: options.policies } : {}),
    ...(options.assistant ? { assistant: options.assistant } : {}),
    ...(options.slack ? { slack: options.slack } : {}),
  });
  await changeConfig(config.file, document => options.configure?.(document, lab));
  const reached = (await options.database?.(database.url)) ?? database.url;
  const env = { ...options.env, GROUNDSKEEPER_TEST_DATABASE: reached };
  const args = ['serve', '--config', config.file, '--log-level', 'warn'];
  const begin = () =>
    options.logInWindowMs === undefined
      ? startChild<{ url: string }>(args, env)
      : startChild<{ url: string }>([`${options.logInWindowMs}`, ...args], env, fastProgram);
  let service = await begin();
  const people = { requester: config.people[0], approver: config.people[1] };
  return {
    lab,
    config,
    databaseUrl: database.url,
    service: () => service,
    kill: () => service.kill(),
    async start() {
      service = await begin();
    },
    async client(who) {
      const { token } = await connect({ url: service.ready.url }).login({ ...people[who], channel: 'cli' });
      return connect({ url: service.ready.url, token });
    },
    passphrase: who => people[who].passphrase,
    async close() {
      const callers = lab.sites.flatMap(({ cluster }) => cluster.callers());
      await service.stop();
      await lab.stop();
      await database.drop();
      await rm(dir, { recursive: true, force: true });
      neverAsAdministrator(callers);
    },
  };
}

/** Of a service that does not run. */
export async function changeConfig(file: string, change: (document: LabDocument) => void): Promise<void> {
  const document = parse(await readFile(file, 'utf8')) as LabDocument;
  change(document);
  await writeFile(file, stringify(document));
}

/** Looks until `check` gives something; fails with `what` after `ms`. */
export async function eventually<T>(what: string, check: () => Promise<T | undefined>, ms = 120_000): Promise<T> {
  const until = Date.now() + ms;
  for (;;) {
    const found = await check();
    if (found !== undefined) return found;
    if (Date.now() > until) throw new Error(`waited ${ms} ms for ${what}`);
    await delay(100);
  }
}
