/** Questions to a child process and their answers, over the channel that fork opens. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

type Question = { id: number; name: string; input: unknown };
type Reply = { id: number; output?: unknown; error?: string };
/** What a child answers, by the name of the question. */
export type Answers = Record<string, (input: never) => unknown>;

export type Child<A extends Answers> = {
  ask<N extends keyof A & string>(name: N, input: Parameters<A[N]>[0]): Promise<Awaited<ReturnType<A[N]>>>;
  stop(): Promise<void>;
};

/** In the child: answers until the parent goes away. */
export function serve(answers: Answers): void {
  process.on('message', (question: Question) => {
    const reply = (reply: Omit<Reply, 'id'>) => process.send?.({ id: question.id, ...reply });
    Promise.resolve()
      .then(() => answers[question.name]?.(question.input as never))
      .then(output => reply({ output }))
      .catch((error: unknown) => reply({ error: error instanceof Error ? (error.stack ?? error.message) : 'failed' }));
  });
  process.on('disconnect', () => process.exit());
}

/** In the parent: starts `file`, a path beside this one. */
export function start<A extends Answers>(
  file: string,
  execArgv: string[] = [],
  more: NodeJS.ProcessEnv = {},
): Child<A> {
  const env = { ...process.env, ...more };
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [], { execArgv, env });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()));
  let next = 0;
  child.on('message', ({ id, output, error }: Reply) => {
    const asked = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) asked?.resolve(output);
    else asked?.reject(new Error(error));
  });
  child.on('exit', () => {
    for (const asked of waiting.values()) asked.reject(new Error(`${file} ended`));
  });
  return {
    ask: (name, input) => {
      const asked = Promise.withResolvers<unknown>();
      waiting.set(next, asked);
      send(child, { id: next++, name, input });
      return asked.promise as never;
    },
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}

function send(child: ChildProcess, question: Question): void {
  child.send(question);
}
