/**
 * Where the user's own tokens are kept between commands: one per service, in
 * a file that only the user can read. A token is looked up by the service's
 * origin, so it can never be sent to another one.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { FleetError } from '../../core/errors.ts';

const savedLogin = z.object({ token: z.string(), person: z.string(), expiresAt: z.string() });
const savedLogins = z.object({ version: z.literal(1), logins: z.record(z.string(), savedLogin) });

export type SavedLogin = z.infer<typeof savedLogin>;

export type TokenStore = {
  readonly file: string;
  get(origin: string): Promise<SavedLogin | undefined>;
  put(origin: string, login: SavedLogin): Promise<void>;
  remove(origin: string): Promise<void>;
};

/** The store in `<configDir>/token.json`, made on first use. Its calls throw invalid_config on a file that is none of ours. */
export function tokenStore(configDir: string): TokenStore {
  const file = join(configDir, 'token.json');

  async function change(edit: (logins: Record<string, SavedLogin>) => void): Promise<void> {
    const logins = await readLogins(file);
    edit(logins);
    await writePrivate(file, `${JSON.stringify({ version: 1, logins }, null, 2)}\n`);
  }

  return {
    file,
    get: async origin => (await readLogins(file))[origin],
    put: (origin, login) =>
      change(logins => {
        logins[origin] = login;
      }),
    remove: async origin => {
      if ((await readLogins(file))[origin] === undefined) return;
      await change(logins => {
        delete logins[origin];
      });
    },
  };
}

async function readLogins(file: string): Promise<Record<string, SavedLogin>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return {};
    throw unusable(file, cause);
  }
  try {
    return savedLogins.parse(JSON.parse(text)).logins;
  } catch (cause) {
    throw unusable(file, cause);
  }
}

/** Replaces the file at once, so that a crash leaves the old one or the new one, and no other user sees either. */
export async function writePrivate(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${randomBytes(6).toString('hex')}`;
  const handle = await open(fresh, 'wx', 0o600);
  try {
    await handle.writeFile(text);
  } finally {
    await handle.close();
  }
  await rename(fresh, file);
}

function unusable(file: string, cause: unknown): FleetError {
  return new FleetError({
    code: 'invalid_config',
    message: `${file} cannot be read as a list of log-ins`,
    hint: 'delete it and log in again',
    cause,
  });
}
