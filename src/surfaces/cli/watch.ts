/**
 * Following an operation. It runs in the service, not here: Ctrl-C ends the
 * watching only, and a service that restarts in the middle is waited for.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { FleetError } from '../../core/errors.ts';
import { hasEnded, type Operation, type OperationEvent } from '../../core/operation.ts';
import type { EventsAnswer } from '../http/api.ts';
import type { Client } from './client.ts';
import { type CommandContext, interruptible, printJson } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { endLine, eventLine, progressLines } from './progress.ts';
import { drawableRows, styleOf, type Terminal } from './terminal.ts';

type Watched = { client: Client; id: string };
type View = { show(operation: Operation, news: OperationEvent[]): void; note(text: string): void };

const pollMs = 5_000;
const retryMs = 1_000;
/** How long a service that does not answer is waited for. */
const patienceMs = 120_000;

/** Follows the operation to its end and prints it; the exit status is 1 when it ended otherwise than done. */
export async function watchCommand(
  context: CommandContext,
  { json, ...watched }: Watched & { json: boolean },
): Promise<void> {
  const { terminal } = context;
  const view = json ? silentView : viewOn(terminal);
  const last = await watchOperation({ ...watched, terminal, view });
  if (last === undefined) {
    terminal.errors.write(
      `Stopped watching; the operation goes on. Follow it again: groundskeeper get-operation ${watched.id} --watch\n`,
    );
    return;
  }
  if (json) printJson(context, last);
  else terminal.output.write(`${endLine(last, styleOf(terminal.output))}\n`);
  if (last.state !== 'done') context.finish(exitCodes.failed);
}

/** Resolves with the operation once it has ended, or with undefined when Ctrl-C ended the watching. */
async function watchOperation({ client, id, terminal, view }: Watched & { terminal: Terminal; view: View }) {
  return interruptible(terminal, async signal => {
    let after = 0;
    let waitMs = 0;
    while (!signal.aborted) {
      const asked = Date.now();
      const answer = await patiently(() => client.operationEvents(id, { after, waitMs, signal }), { signal, view });
      if (!answer) break;
      const { operation, events, more } = answer;
      after = Math.max(after, ...events.map(event => event.seq));
      view.show(operation, events);
      if (hasEnded(operation.state) && !more) return operation;
      // A service that answers at once with nothing new must not be asked in a tight loop.
      if (waitMs > 0 && events.length === 0 && Date.now() - asked < retryMs) await pause(retryMs, signal);
      waitMs = pollMs;
    }
    return undefined;
  });
}

/** The answer, asked for again while the service is away; undefined once the signal is aborted. */
async function patiently(
  ask: () => Promise<EventsAnswer>,
  { signal, view }: { signal: AbortSignal; view: View },
): Promise<EventsAnswer | undefined> {
  const until = Date.now() + patienceMs;
  let noted = false;
  while (!signal.aborted) {
    try {
      return await ask();
    } catch (thrown) {
      if (signal.aborted) break;
      const away = thrown instanceof FleetError && thrown.code === 'service_unreachable' && thrown.retry === 'later';
      if (!away || Date.now() > until) throw thrown;
      if (!noted) view.note('the service does not answer; asking again until it is back');
      noted = true;
      await pause(retryMs, signal);
    }
  }
  return undefined;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

const silentView: View = { show: () => undefined, note: () => undefined };

function viewOn(terminal: Terminal): View {
  const { output } = terminal;
  return drawableRows(output) === undefined ? lineView(output) : redrawnView(output);
}

function lineView(output: Terminal['output']): View {
  return {
    show: (_operation, news) => {
      for (const event of news) output.write(`${eventLine(event)}\n`);
    },
    note: text => output.write(`${text}\n`),
  };
}

/** Draws over its own last picture, and keeps the picture lower than the terminal so that it can. */
function redrawnView(output: Terminal['output']): View {
  let drawn = 0;
  const draw = (lines: string[]) => {
    const up = drawn > 0 ? `\u001b[${drawn}A` : '';
    output.write(`${up}\r\u001b[0J${lines.map(line => `${line}\n`).join('')}`);
    drawn = lines.length;
  };
  let picture: string[] = [];
  return {
    show(operation) {
      const room = Math.max(3, (drawableRows(output) ?? 24) - 2);
      const lines = progressLines(operation, styleOf(output));
      picture =
        lines.length <= room ? lines : [...lines.slice(0, room - 1), `… and ${lines.length - room + 1} lines more`];
      draw(picture);
    },
    note: text => draw([...picture, text]),
  };
}
