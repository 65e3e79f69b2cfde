/**
 * Postgres without an administrator: the binaries come from npm, the data from
 * one folder, and the only way in is a unix socket in a folder that nobody
 * else can enter. The server outlives a killed parent, so a start adopts one
 * that already runs on the data.
 */
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, lchown, lstat, mkdir, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { FleetError } from '../../core/errors.ts';
import { findPrograms, giveTo, type Programs, runProgram } from './embedded-binaries.ts';
import { ensureCluster } from './embedded-cluster.ts';
import { logFile, logTail, openLog } from './embedded-log.ts';
import { disownPid, postgresRuns, readPostmaster } from './embedded-pidfile.ts';

// Recovery after a crash reads what was written since the last checkpoint.
const startLimitMs = 180_000;
const retryMs = 250;
const stopLimitMs = 30_000;
const maxSocketPath = 100;

export type EmbeddedPostgres = {
  /** Connects through the socket; both `pg` and DBOS read this form. */
  url: string;
  pid: number;
  /** Whether this call started it: otherwise it ran already. */
  started: boolean;
  /** Ends all sessions, waits until the data is on disk; safe to call twice. Throws `database` when the server does not end. */
  stop(): Promise<void>;
};

/**
 * Starts Postgres on `dataDir`, made on first use, or adopts the server that runs there. Throws `database`, with the end of the
 * server's log, when it does not come up within three minutes; `invalid_config` when the folder holds something else.
 */
export async function startEmbeddedPostgres(options: { dataDir: string }): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir);
  await mkdir(dirname(dataDir), { recursive: true });
  const programs = await findPrograms(dataDir);
  await ensureCluster(dataDir, programs);
  const socketDir = await socketFolder(dataDir, programs);
  const { pid, socketDir: usedDir, started } = await startOrAdopt({ dataDir, socketDir, programs });
  await createDatabase(usedDir);
  return { url: socketUrl(usedDir, 'gk'), pid, started, stop: () => stopServer(dataDir, pid, socketDir) };
}

/** The server that runs on `dataDir`, left to whoever started it. Throws `database` where none runs. */
export async function joinEmbeddedPostgres({ dataDir }: { dataDir: string }): Promise<string> {
  const found = await readPostmaster(resolve(dataDir));
  if (found?.ready && (await postgresRuns(found.pid))) return socketUrl(found.socketDir, 'gk');
  throw new FleetError({
    code: 'database',
    retry: 'later',
    message: 'the embedded Postgres does not run',
    hint: 'groundskeeper serve starts it; workers on other hosts need a Postgres of your own in `database`',
  });
}

type Start = { dataDir: string; socketDir: string; programs: Programs };

async function startOrAdopt(start: Start): Promise<{ pid: number; socketDir: string; started: boolean }> {
  const deadline = Date.now() + startLimitMs;
  let child: ChildProcess | undefined;
  let triesLeft = 3;
  while (Date.now() < deadline) {
    const found = await readPostmaster(start.dataDir);
    const runs = found !== undefined && (await postgresRuns(found.pid));
    if (runs && found.ready && (await serves(found.socketDir, start.dataDir)))
      return { ...found, started: child !== undefined };
    if (!runs && (!child || child.exitCode !== null || child.signalCode !== null)) {
      // A killed server's children hold its memory for a while, and Postgres rightly refuses to start beside them.
      if (!child && found) triesLeft = 20;
      if (triesLeft-- === 0) break;
      if (child) await delay(retryMs);
      if (found) await disownPid(start.dataDir, found.pid);
      child = await launch(start);
    }
    await delay(20);
  }
  child?.kill('SIGQUIT');
  throw new FleetError({
    code: 'database',
    retry: 'later',
    message: 'the embedded Postgres did not start',
    hint: `its log is ${logFile(start.dataDir)}`,
    untrusted: await logTail(start.dataDir),
  });
}

async function launch({ dataDir, socketDir, programs }: Start): Promise<ChildProcess> {
  const settings = [
    'listen_addresses=',
    `unix_socket_directories="${socketDir}"`,
    'unix_socket_permissions=0700',
    'fsync=on',
    // A holder of the custody log's lock that stalls must not stop everyone.
    'idle_in_transaction_session_timeout=60s',
    // Failing statements stay out of the log: they could quote what must not be kept.
    'log_min_error_statement=panic',
    'log_timezone=UTC',
    'timezone=UTC',
  ];
  const log = await openLog(dataDir);
  try {
    const args = ['-D', dataDir, '-p', '5432', ...settings.flatMap(setting => ['-c', setting])];
    // A process group of its own: Ctrl-C must not end the database before the service has closed.
    const child = runProgram(programs, programs.postgres, args, { detached: true, stdio: ['ignore', log.fd, log.fd] });
    child.unref();
    return child;
  } finally {
    await log.close();
  }
}

/** A folder for the socket that only the server's user can enter: the data folder itself, or where that name is too long, one below the temporary folder. */
async function socketFolder(dataDir: string, programs: Programs): Promise<string> {
  await giveTo(programs.owner, dataDir);
  await chmod(dataDir, 0o700);
  if (fits(dataDir)) return dataDir;
  const name = `gk-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}`;
  const dir = join(fits(join(tmpdir(), name)) ? tmpdir() : '/tmp', name);
  await mkdir(dir, { mode: 0o700 }).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'EEXIST') throw thrown;
  });
  const found = await lstat(dir);
  const self = process.getuid?.();
  if (!found.isDirectory() || (found.mode & 0o077) !== 0 || (found.uid !== programs.owner && found.uid !== self)) {
    throw new FleetError({
      code: 'database',
      message: 'the socket folder belongs to someone else',
      hint: `remove ${dir}`,
    });
  }
  if (found.uid !== programs.owner) await lchown(dir, programs.owner, programs.gid ?? 0);
  return dir;
}

function fits(dir: string): boolean {
  return Buffer.byteLength(join(dir, '.s.PGSQL.5432')) < maxSocketPath && !/[",]/.test(dir);
}

function socketUrl(socketDir: string, database: string): string {
  return `postgresql://gk@localhost:5432/${database}?host=${encodeURIComponent(socketDir)}`;
}

async function serves(socketDir: string, dataDir: string): Promise<boolean> {
  const answer = await queryOnce(socketDir, 'show data_directory').catch(() => undefined);
  const [row] = answer ?? [];
  return typeof row?.data_directory === 'string' && resolve(row.data_directory) === dataDir;
}

async function createDatabase(socketDir: string): Promise<void> {
  const found = await queryOnce(socketDir, "select 1 from pg_database where datname = 'gk'");
  if (found.length > 0) return;
  await queryOnce(socketDir, 'create database gk').catch((thrown: NodeJS.ErrnoException) => {
    // Two first starts at once: duplicate_database, or its unique index.
    if (thrown.code === '42P04' || thrown.code === '23505') return;
    throw new FleetError({
      code: 'database',
      message: 'the embedded Postgres could not make its database',
      cause: thrown,
    });
  });
}

async function queryOnce(socketDir: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: socketUrl(socketDir, 'postgres'), connectionTimeoutMillis: 5000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}

async function stopServer(dataDir: string, pid: number, socketDir: string): Promise<void> {
  // SIGINT ends the sessions and writes a checkpoint; SIGQUIT leaves the rest to recovery at the next start.
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    if ((await readPostmaster(dataDir))?.pid === pid && (await postgresRuns(pid))) process.kill(pid, signal);
    const deadline = Date.now() + stopLimitMs;
    while (Date.now() < deadline) {
      if (!(await postgresRuns(pid))) {
        if (socketDir !== dataDir) await rmdir(socketDir).catch(() => {});
        return;
      }
      await delay(20);
    }
  }
  throw new FleetError({
    code: 'database',
    message: 'the embedded Postgres did not stop',
    untrusted: await logTail(dataDir),
  });
}
