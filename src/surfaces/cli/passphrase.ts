/** Asking a person: a passphrase without echo, a name with it. Scripts hand the passphrase over in a file. */
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import type { ReadStream } from 'node:tty';
import { FleetError } from '../../core/errors.ts';
import { keyboardOf, type Terminal } from './terminal.ts';

/**
 * The passphrase from the first line of `file`, or typed by the person. Throws invalid_input where there is neither a file nor
 * a keyboard, and precondition_failed when the person gives up.
 */
export async function passphrase(terminal: Terminal, question: string, file?: string): Promise<string> {
  if (file !== undefined) return fromFile(file);
  const keyboard = keyboardOf(terminal.input);
  if (!keyboard) throw noKeyboard('--passphrase-file PATH');
  terminal.errors.write(question);
  try {
    return await hiddenLine(keyboard);
  } finally {
    terminal.errors.write('\n');
  }
}

/** A line typed by the person; throws invalid_input where there is no keyboard, naming the option to use instead. */
export async function typedLine(terminal: Terminal, question: string, option: string): Promise<string> {
  const keyboard = keyboardOf(terminal.input);
  if (!keyboard) throw noKeyboard(option);
  const reader = createInterface({ input: keyboard, output: terminal.errors });
  const { promise: closed, reject } = Promise.withResolvers<string>();
  reader.once('close', () => reject(givenUp()));
  try {
    return (await Promise.race([reader.question(question), closed])).trim();
  } finally {
    reader.close();
  }
}

async function fromFile(file: string): Promise<string> {
  try {
    const [line = ''] = (await readFile(file, 'utf8')).split(/\r?\n/);
    return line;
  } catch (cause) {
    throw new FleetError({ code: 'invalid_input', message: 'the passphrase file cannot be read', cause });
  }
}

/** Reads keys until Enter; Backspace, Ctrl-U, Ctrl-C and Ctrl-D mean what they usually do. */
function hiddenLine(keyboard: ReadStream): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let typed: string[] = [];
  const onData = (chunk: Buffer | string) => {
    for (const key of chunk.toString()) {
      if (key === '\r' || key === '\n') return done(() => resolve(typed.join('')));
      if (key === '\u0003' || (key === '\u0004' && typed.length === 0)) return done(() => reject(givenUp()));
      if (key === '\u007f' || key === '\b') typed.pop();
      else if (key === '\u0015') typed = [];
      else if (key >= ' ') typed.push(key);
    }
  };
  const onEnd = () => done(() => reject(givenUp()));
  const done = (settle: () => void) => {
    keyboard.off('data', onData).off('end', onEnd);
    keyboard.pause();
    keyboard.setRawMode(false);
    settle();
  };
  keyboard.setRawMode(true);
  keyboard.setEncoding('utf8');
  keyboard.on('data', onData).on('end', onEnd);
  keyboard.resume();
  return promise;
}

function noKeyboard(option: string): FleetError {
  return new FleetError({
    code: 'invalid_input',
    message: 'there is no terminal to ask on',
    hint: `give ${option}`,
  });
}

function givenUp(): FleetError {
  return new FleetError({ code: 'precondition_failed', message: 'nothing was entered; nothing was done' });
}
