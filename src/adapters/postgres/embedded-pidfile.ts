/** What `postmaster.pid` says, and whether it is still true: pids are reused, most of all in containers that restart. */
import { constants, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Above what any kernel hands out. */
const impossiblePid = 2 ** 31 - 2;

export type Postmaster = { pid: number; socketDir: string; ready: boolean };

/** The server that the data folder's lock file names, or undefined without one. */
export async function readPostmaster(dataDir: string): Promise<Postmaster | undefined> {
  const text = await readFile(pidFile(dataDir), 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return '';
    throw thrown;
  });
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid < 2) return undefined;
  return { pid, socketDir: lines[4] ?? '', ready: lines[7]?.trim() === 'ready' };
}

function pidFile(dataDir: string): string {
  return join(dataDir, 'postmaster.pid');
}

/**
 * Takes a reused pid out of the lock file, as Postgres would take the living program under it for a server. The rest of the file
 * stays: its memory key is how Postgres notices that a killed server's children still write to the data, so removing the file
 * could cost the data.
 */
export async function disownPid(dataDir: string, pid: number): Promise<void> {
  if (!exists(pid) || (await postgresRuns(pid))) return;
  const text = await readFile(pidFile(dataDir), 'utf8').catch(() => '');
  if (!text.startsWith(`${pid}\n`)) return;
  const file = await open(pidFile(dataDir), constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW);
  try {
    await file.writeFile(text.replace(/^\d+/, String(impossiblePid)));
  } finally {
    await file.close();
  }
}

/** Whether a Postgres runs under that pid: neither gone, nor a zombie, nor another program that got the number. */
export async function postgresRuns(pid: number): Promise<boolean> {
  if (!exists(pid)) return false;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return process.platform !== 'linux';
  const [, name, state] = /^\d+ \((.*)\) (\S)/s.exec(stat) ?? [];
  return name === 'postgres' && state !== 'Z' && state !== 'X';
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
