/**
 * A part of the demo that runs as a process of its own, so that it can be
 * killed and started like the real thing. It says when it is ready over the
 * IPC channel, and ends by itself when the process that started it is gone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { FleetError, type FleetErrorJson } from '../core/errors.ts';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));
const sameKeyMs = 1000;
const failedExitMs = 2000;

export type Child<T> = {
  ready: T;
  pid: number;
  /** What it logs, beside going to stderr. */
  onLog(listener: (text: string) => void): void;
  /** Asks it to stop and waits; kills it when it does not within 15 s. */
  stop(): Promise<void>;
  /** Ends it at once, as a power cut would. */
  kill(): Promise<void>;
  exited: Promise<void>;
};

type Message<T> = { ready: T } | { failed: FleetErrorJson };

/** Starts `groundskeeper <args>`, or another program, and waits until it is ready. Throws the FleetError that it failed with. */
export async function startChild<T>(
  args: string[],
  env: Record<string, string> = {},
  program = main,
): Promise<Child<T>> {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'], // a terminal that is gone keeps node from exiting: it gets none
    env: { ...process.env, ...env },
    detached: true, // Ctrl-C reaches the demo alone, which then stops its parts in order
  });
  child.stderr?.pipe(process.stderr, { end: false });
  const exited = once(child, 'exit').then(() => undefined);
  const ready = await Promise.race([
    once(child, 'message').then(([message]) => message as Message<T>),
    exited.then(() => undefined),
  ]);
  if (!ready) throw new FleetError({ code: 'internal', message: `${args[0]} ended before it was ready` });
  if ('failed' in ready) {
    await exited;
    throw FleetError.fromJSON(ready.failed);
  }
  return {
    ready: ready.ready,
    pid: child.pid ?? 0,
    onLog: listener => child.stderr?.on('data', piece => listener(String(piece))),
    exited,
    stop: () => stop(child, exited),
    kill: () => kill(child, exited),
  };
}

async function stop(child: ChildProcess, exited: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await exited;
  clearTimeout(timer);
}

async function kill(child: ChildProcess, exited: Promise<void>): Promise<void> {
  child.kill('SIGKILL');
  await exited;
}

/**
 * Runs a part until it is asked to stop, by a signal or because the process that started it is gone, and ends the process. A
 * part may run for a while before it is ready.
 */
export async function runPart<T>(
  start: () => Promise<{ ready: T | Promise<T>; close(): Promise<void> }>,
  tell: (ready: T) => void,
): Promise<never> {
  process.stderr.on('error', () => {}); // whoever read it is gone; closing goes on
  const asked = askedToStop();
  try {
    const part = await start();
    const ready = Promise.resolve(part.ready).then(value => {
      if (process.connected) process.send?.({ ready: value });
      else tell(value);
      return asked;
    });
    await Promise.race([ready, asked]).finally(() => part.close());
  } catch (thrown) {
    const failed = FleetError.from(thrown);
    if (process.connected) process.send?.({ failed: failed.toJSON() }, () => process.disconnect());
    // What could not be closed must not keep the process.
    setTimeout(() => process.exit(), failedExitMs).unref();
    throw failed;
  }
  // A workflow's step may still wait for a machine; it is not finished here but resumed by the next start.
  process.exit(0);
}

/**
 * Resolves when the part shall stop. A package runner passes on a Ctrl-C that the terminal has sent already, so a second
 * one at once means the same; a later one ends the process where it stands.
 */
function askedToStop(): Promise<void> {
  return new Promise(resolve => {
    let first: number | undefined;
    process.on('SIGINT', () => {
      if (first !== undefined && Date.now() - first > sameKeyMs) process.exit(130);
      first ??= Date.now();
      resolve();
    });
    process.on('SIGTERM', () => resolve());
    if (process.connected) process.once('disconnect', resolve);
  });
}
