/** The embedded server's own log, inside its data folder: read when it does not start. */
import { constants, open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';

const maxLogBytes = 5_000_000;

export function logFile(dataDir: string): string {
  return join(dataDir, 'server.log');
}

/** Opens the log for appending; a large one moves aside first. */
export async function openLog(dataDir: string) {
  const found = await stat(logFile(dataDir)).catch(() => undefined);
  if (found && found.size > maxLogBytes) await rename(logFile(dataDir), `${logFile(dataDir)}.1`);
  // Root opens it in a folder of another user, who must not choose what file that is.
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;
  return open(logFile(dataDir), O_APPEND | O_CREAT | O_NOFOLLOW | O_WRONLY, 0o600);
}

/** Its last lines: text that a machine wrote. */
export async function logTail(dataDir: string): Promise<string> {
  return tail(await readFile(logFile(dataDir), 'utf8').catch(() => ''));
}

export function tail(text: string): string {
  return text.trim().split('\n').slice(-15).join('\n');
}
