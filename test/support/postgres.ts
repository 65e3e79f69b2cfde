/** One Postgres for a whole test run, one database for each test file. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../../src/adapters/postgres/embedded.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string;
  }
}

/** A server that many runs share, left to whoever started it. */
const shared = process.env.GROUNDSKEEPER_TEST_POSTGRES;

/** Vitest's global set-up; the function that it returns ends the server. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (shared !== undefined) {
    project.provide('postgresUrl', shared);
    return undefined;
  }
  const folder = await mkdtemp(join(tmpdir(), 'gk-test-'));
  await chmod(folder, 0o755); // started by root, the server runs as another user
  process.env.NODE_COMPILE_CACHE = join(folder, 'compiled'); // services are started by the hundred
  const server = await startEmbeddedPostgres({ dataDir: join(folder, 'data') });
  project.provide('postgresUrl', server.url);
  return async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 10 }); // services that just ended may still write what they compiled
  };
}

/** A new empty database on this server, the run's unless said; `drop` ends whatever is still connected to it. */
export async function freshDatabase(server = inject('postgresUrl')): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await runOnce(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => dropDatabase(server, name) };
}

/** A second database with the content of this moment, as a backup that is restored beside it; nobody may be connected to the first. */
export async function copiedDatabase(original: string): Promise<{ url: string; drop(): Promise<void> }> {
  const server = inject('postgresUrl');
  const name = `test_${randomBytes(6).toString('hex')}`;
  const from = new URL(original).pathname.slice(1);
  await unused(server, from);
  await runOnce(server, `create database ${name} template ${from}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => dropDatabase(server, name) };
}

/** Puts the copy in the place of the original. */
export async function restoreDatabase(original: string, copy: string): Promise<void> {
  const server = inject('postgresUrl');
  const [name, from] = [original, copy].map(url => new URL(url).pathname.slice(1)) as [string, string];
  await dropDatabase(server, name);
  await runOnce(server, `create database ${name} template ${from}`);
}

/** A closed pool's connections end a moment later; cutting them off would raise errors that nobody listens for. */
async function dropDatabase(server: string, name: string): Promise<void> {
  await unused(server, name);
  await runOnce(server, `drop database if exists ${name} with (force)`);
}

async function unused(server: string, name: string): Promise<void> {
  const deadline = Date.now() + 2000;
  const others = `select 1 from pg_stat_activity where datname = '${name}'`;
  while (Date.now() < deadline && (await runOnce(server, others)) > 0) await delay(10);
}

async function runOnce(url: string, sql: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows.length;
  } finally {
    await client.end();
  }
}
