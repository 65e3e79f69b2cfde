/** The data folder of the embedded Postgres: made once, whole or not at all. */
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FleetError } from '../../core/errors.ts';
import { giveTo, type Programs, runProgram } from './embedded-binaries.ts';
import { tail } from './embedded-log.ts';

/** Makes the database cluster unless it is there. Throws `invalid_config` when the folder holds something else, `database` when initdb fails. */
export async function ensureCluster(dataDir: string, programs: Programs): Promise<void> {
  if (!(await isCluster(dataDir))) await createCluster(dataDir, programs);
}

async function isCluster(dataDir: string): Promise<boolean> {
  const version = await readFile(join(dataDir, 'PG_VERSION'), 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return undefined;
    throw new FleetError({ code: 'invalid_config', message: 'the database folder cannot be read', cause: thrown });
  });
  if (version === undefined || version.trim() === '18') return version !== undefined;
  throw new FleetError({
    code: 'invalid_config',
    message: 'the database folder was made by another major version of Postgres',
  });
}

/** Made beside the target and renamed, so that an interrupted or concurrent first start leaves no half a database. */
async function createCluster(dataDir: string, programs: Programs): Promise<void> {
  const draft = await mkdtemp(join(dirname(dataDir), `.${basename(dataDir)}-`));
  try {
    await giveTo(programs.owner, draft);
    const auth = ['--auth-local=trust', '--auth-host=reject', '-U', 'gk'];
    const text = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
    const args = ['-D', draft, ...auth, ...text, '--no-instructions'];
    const child = runProgram(programs, programs.initdb, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout?.on('data', chunk => (output += chunk));
    child.stderr?.on('data', chunk => (output += chunk));
    const code = await new Promise(done => child.once('error', done).once('close', done));
    if (code !== 0) {
      throw new FleetError({
        code: 'database',
        message: 'the embedded Postgres could not make its data folder',
        untrusted: tail(output),
        cause: code,
      });
    }
    await rename(draft, dataDir).catch(async (cause: unknown) => {
      if (await isCluster(dataDir)) return;
      throw new FleetError({
        code: 'invalid_config',
        message: 'the database folder holds something else',
        hint: 'name an empty or new folder',
        cause,
      });
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
