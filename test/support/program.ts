/** The program as people run it: a process of its own, arguments, files, exit status, and what it prints. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const mainFile = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
export const nodeArgs = ['--disable-warning=ExperimentalWarning', mainFile];

export type Ran = { code: number | null; stdout: string; stderr: string };

export type Started = {
  pid: number;
  /** Resolves once stdout matches; throws with all that was printed when the process ends before. */
  says(pattern: RegExp): Promise<RegExpMatchArray>;
  /** What Ctrl-C in a terminal does: SIGINT to the whole process group. */
  interrupt(): void;
  ended: Promise<Ran>;
};

export type Shell = {
  /** The user's own folder: configuration of the client, and a place for files. */
  home: string;
  /** A file that holds one line, for `--passphrase-file`. */
  fileWith(line: string): Promise<string>;
  run(args: string[], env?: Record<string, string>): Promise<Ran>;
  start(args: string[], env?: Record<string, string>): Started;
  /** Ends what was started and still runs, and removes the folder. */
  close(): Promise<void>;
};

/** A user's shell with an empty home. `url` is asked each time: a service that restarts has another one. */
export async function openShell(url: () => string): Promise<Shell> {
  const home = await mkdtemp(join(tmpdir(), 'groundskeeper-shell-'));
  const children = new Set<ChildProcess>();
  let files = 0;

  function start(args: string[], env: Record<string, string> = {}): Started {
    const child = spawn(process.execPath, [...nodeArgs, ...args], {
      cwd: home,
      detached: true, // a process group of its own, as an interactive shell gives
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        HOME: home,
        XDG_CONFIG_HOME: home,
        GROUNDSKEEPER_URL: url(),
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE, // as bin/groundskeeper.js sets one: half of each start
        NO_COLOR: '1',
        ...env,
      },
    });
    children.add(child);
    const told = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      told.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      told.stderr += text;
    });
    const ended = once(child, 'close').then(([code]) => {
      children.delete(child);
      return { code: code as number | null, ...told };
    });
    return {
      pid: child.pid ?? 0,
      ended,
      interrupt: () => void process.kill(-(child.pid ?? 0), 'SIGINT'),
      async says(pattern) {
        for (;;) {
          const found = told.stdout.match(pattern);
          if (found) return found;
          const more = await Promise.race([once(child.stdout, 'data').then(() => true), ended.then(() => false)]);
          if (!more && !pattern.test(told.stdout))
            throw new Error(`it ended without ${pattern}:\n${told.stdout}${told.stderr}`);
        }
      },
    };
  }

  return {
    home,
    start,
    run: (args, env) => start(args, env).ended,
    async fileWith(line) {
      const file = join(home, `line-${++files}`);
      await writeFile(file, `${line}\n`, { mode: 0o600 });
      return file;
    },
    async close() {
      await Promise.all(
        [...children].map(async child => {
          const gone = once(child, 'close');
          child.kill('SIGKILL');
          await gone;
        }),
      );
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Command lines of the processes that name `text`, such as a folder that only they use. */
export async function processesNaming(text: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-ww', '-o', 'pid=,args=']);
  return stdout.split('\n').filter(line => line.includes(text) && !line.includes('ps -A'));
}
