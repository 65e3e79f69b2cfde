/** What `postmaster.pid` says, and whether it is still true: pids are reused, most of all in containers that restart. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

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

export function pidFile(dataDir: string): string {
  return join(dataDir, 'postmaster.pid');
}

/** Whether a Postgres runs under that pid: neither gone, nor a zombie, nor another program that got the number. */
export async function postgresRuns(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return process.platform !== 'linux';
  const [, name, state] = /^\d+ \((.*)\) (\S)/s.exec(stat) ?? [];
  return name === 'postgres' && state !== 'Z' && state !== 'X';
}
