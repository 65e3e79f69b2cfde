/** What every command is given: a place to write, a service to ask, and a way to say how it ended. */
import type { Block } from '../../core/document.ts';
import type { Client } from './client.ts';
import type { ExitCode } from './exit-codes.ts';
import { plainJson } from './plain-text.ts';
import { renderBlocks } from './render.ts';
import type { ClientSettings } from './session.ts';
import { styleOf, type Terminal } from './terminal.ts';

export type CommandContext = {
  terminal: Terminal;
  settings: ClientSettings;
  /** The service under the URL that the command line, the environment or habit names, without a token. */
  anonymous(): Client;
  /** The same with the user's token; throws `unauthenticated` when there is none. */
  client(): Promise<Client>;
  /** The same with a given token. */
  withToken(token: string): Client;
  /** The status to leave with, for a command that ends without an error. */
  finish(code: ExitCode): void;
};

export function printBlocks({ terminal }: Pick<CommandContext, 'terminal'>, blocks: Block[]): void {
  terminal.output.write(`${renderBlocks(blocks, styleOf(terminal.output))}\n`);
}

export function printJson({ terminal }: Pick<CommandContext, 'terminal'>, value: unknown): void {
  terminal.output.write(`${plainJson(value)}\n`);
}

/** Runs `work` with a signal that Ctrl-C aborts. */
export async function interruptible<T>(terminal: Terminal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const release = terminal.onInterrupt(() => controller.abort());
  try {
    return await work(controller.signal);
  } finally {
    release();
  }
}
