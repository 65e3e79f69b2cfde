/** Keys of the service in files: readable by their owner alone, there with their whole content or not at all. */
import { randomBytes } from 'node:crypto';
import { link, lstat, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FleetError } from '../../core/errors.ts';

/** Whether it is there. Throws `invalid_config` when it is open to others, or no plain file. */
export async function isPrivateFile(file: string): Promise<boolean> {
  const found = await lstat(file).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return undefined;
    throw unreadable(thrown);
  });
  if (!found) return false;
  if (found.isFile() && !(found.mode & 0o077)) return true;
  throw new FleetError({
    code: 'invalid_config',
    message: 'a key of the service must be a plain file that only its owner can read',
    hint: 'chmod 600 the key file; if others could read it, replace the key',
  });
}

/** Throws `invalid_config`. */
export function readPrivateFile(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((thrown: unknown) => Promise.reject(unreadable(thrown)));
}

/** Two starters may race: the name appears at once with its whole content, and the first one wins. Throws `invalid_config`. */
export async function createPrivateFile(file: string, content: string): Promise<void> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(draft, file).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== 'EEXIST') throw thrown;
    });
  } catch (thrown) {
    throw unreadable(thrown);
  } finally {
    await rm(draft, { force: true }).catch((thrown: unknown) => Promise.reject(unreadable(thrown)));
  }
}

function unreadable(cause: unknown): FleetError {
  return new FleetError({ code: 'invalid_config', message: 'a key file of the service cannot be read or made', cause });
}
