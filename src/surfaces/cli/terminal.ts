/** The terminal that a command talks to; a prompt, a pipe and a test give the same few things. */
import type { Readable, Writable } from 'node:stream';
import { ReadStream, WriteStream } from 'node:tty';
import type { RenderStyle } from './render.ts';

export type Terminal = {
  input: Readable;
  output: Writable;
  errors: Writable;
  /** Ctrl-C calls the newest handler alone; the answer takes the handler away again. */
  onInterrupt(handler: () => void): () => void;
};

/** Terminal width where it is not known, as in a pipe. */
const usualColumns = 80;

/** The process's own streams and SIGINT. Call it once: it listens for signals. */
export function processTerminal(): Terminal {
  const handlers: (() => void)[] = [];
  const interrupt = () => handlers.at(-1)?.();
  // A reader such as `head` that leaves early is no failure.
  process.stdout.on('error', quietPipe);
  process.stderr.on('error', quietPipe);
  return {
    input: process.stdin,
    output: process.stdout,
    errors: process.stderr,
    onInterrupt(handler) {
      if (handlers.length === 0) process.on('SIGINT', interrupt);
      handlers.push(handler);
      return () => {
        const at = handlers.lastIndexOf(handler);
        if (at >= 0) handlers.splice(at, 1);
        if (handlers.length === 0) process.off('SIGINT', interrupt);
      };
    },
  };
}

/** Width and colour of a stream: colour only on a terminal that has it and without NO_COLOR. */
export function styleOf(stream: Writable): RenderStyle {
  if (!(stream instanceof WriteStream) || !stream.isTTY) return { columns: usualColumns, color: false };
  return { columns: stream.columns || usualColumns, color: stream.hasColors() };
}

/** Rows of the terminal when the stream is one that can be redrawn. */
export function drawableRows(stream: Writable): number | undefined {
  return stream instanceof WriteStream && stream.isTTY && stream.rows > 0 ? stream.rows : undefined;
}

/** The input when keys can be read from it one by one. */
export function keyboardOf(stream: Readable): ReadStream | undefined {
  return stream instanceof ReadStream && stream.isTTY ? stream : undefined;
}

function quietPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
