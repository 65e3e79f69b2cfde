/** One attempt at one task: to where it begins, what was said, what came of it, and the verdict. The scene is as before then. */
import { FleetError } from '../../src/core/errors.ts';
import type { Tokens } from '../../src/core/model.ts';
import type { TurnEvent } from '../../src/core/talk.ts';
import { type Exchange, faultsOf } from './judge.ts';
import { outcomeSince, stateOf, tidy } from './outcome.ts';
import type { Scene } from './scene.ts';
import type { Case, Script, Task } from './task.ts';

export type Attempt = {
  task: string;
  exchanges: Exchange[];
  /** Why it failed; it passed where there are none. */
  faults: string[];
  /** Why the model gave no answer: this attempt says nothing about it. */
  unmeasured?: string;
  tokens: Tokens;
  /** In the currency of the prices; missing where nobody named them. */
  cost?: number;
  ms: number;
};

/** With a script the model of the scene does what it says. */
export type How = { script?(begun: Case): Script; signal?: AbortSignal };

export async function attempt(scene: Scene, task: Task, { script, signal }: How): Promise<Attempt> {
  const since = performance.now();
  const untouched = await stateOf(scene);
  const spent: Pick<Attempt, 'tokens' | 'cost'> = { tokens: { input: 0, output: 0 } };
  const exchanges: Exchange[] = [];
  try {
    const begun = await beginning(scene, task);
    if (script) scene.plays(script(begun));
    const before = await stateOf(scene);
    try {
      await converse();
    } catch (thrown) {
      signal?.throwIfAborted();
      const { code, message, untrusted } = FleetError.from(thrown);
      if (code !== 'model_unavailable') throw thrown;
      return told([], untrusted ? `${message}: ${untrusted}` : message);
    }
    return told(await faultsOf(begun, exchanges, await outcomeSince(scene, before)));

    async function converse() {
      const client = await scene.client(begun.as ?? 'operator');
      let conversation: string | undefined;
      for (const text of begun.says) {
        const calls: Exchange['calls'] = [];
        const onEvent = (event: TurnEvent) => hear(event, calls);
        const turn = await client.ask(
          { text, ...(conversation !== undefined && { conversation }) },
          { onEvent, ...(signal && { signal }) },
        );
        conversation = turn.conversation;
        spent.tokens = {
          input: spent.tokens.input + turn.tokens.input,
          output: spent.tokens.output + turn.tokens.output,
        };
        if (turn.cost !== undefined) spent.cost = (spent.cost ?? 0) + turn.cost;
        exchanges.push({
          said: text,
          answer: turn.text,
          calls,
          cited: turn.cited.map(({ tool }) => tool),
          unread: turn.unread,
          ...(turn.ended !== undefined && { ended: turn.ended }),
        });
      }
    }
  } finally {
    await tidy(scene, untouched);
  }

  function told(faults: string[], unmeasured?: string): Attempt {
    const ms = Math.round(performance.now() - since);
    return { task: task.id, exchanges, faults, ...(unmeasured !== undefined && { unmeasured }), ...spent, ms };
  }
}

async function beginning(scene: Scene, task: Task): Promise<Case> {
  try {
    return await task.begin(scene);
  } catch (cause) {
    throw new Error(`the task ${task.id} cannot begin: ${FleetError.from(cause).message}`, { cause });
  }
}

function hear(event: TurnEvent, calls: (Exchange['calls'][number] & { result?: string })[]): void {
  if (event.kind === 'call') {
    const { result, tool, input } = event;
    calls.push({ result, tool, input: parsed(input), ok: false, told: '' });
  }
  if (event.kind === 'result') {
    const call = calls.find(({ result }) => result === event.result);
    if (call) Object.assign(call, { ok: event.ok, told: JSON.stringify(event.blocks) });
  }
}

function parsed(input: string): unknown {
  try {
    return JSON.parse(input);
  } catch {
    return input;
  }
}
