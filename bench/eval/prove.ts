/**
 * Proves a task without a model: a script solves it and its judge takes that, and what scripts do wrong its judge finds. It
 * measures nothing.
 */
import { type Attempt, attempt } from './attempt.ts';
import type { Scene } from './scene.ts';
import type { Case, Script, Task } from './task.ts';

export type Proof = {
  task: string;
  /** Tools that an answer must have called. */
  tools: string[];
  /** How many wrong scripts were played. */
  wrong: number;
  /** What the judge, or the task, has wrong; none where it is proved. */
  problems: string[];
};

/** Plays the script that solves it, and as many of the wrong ones as `mostWrong`. */
export async function prove(
  scene: Scene,
  task: Task,
  { mostWrong, signal }: { mostWrong: number; signal?: AbortSignal },
): Promise<Proof> {
  let begun: Case | undefined;
  const play = (choose: (made: Case) => Script): Promise<Attempt> =>
    attempt(scene, task, {
      script(made) {
        begun = made;
        return choose(made);
      },
      ...(signal && { signal }),
    });
  const solved = await play(made => made.solved);
  const names = Object.keys(begun?.wrong ?? {});
  const problems = [
    ...(solved.unmeasured === undefined ? solved.faults : [solved.unmeasured]).map(
      fault => `the solution failed: ${fault}`,
    ),
    ...(names.length === 0 ? ['it has no wrong script'] : []),
  ];
  const played = names.slice(0, mostWrong);
  for (const name of played) {
    const { faults } = await play(({ wrong }) => wrong[name] ?? []);
    if (faults.length === 0) problems.push(`it passed although the script is wrong: ${name}`);
  }
  const tools = begun?.expect.flatMap(check => (check.kind === 'called' ? [check.tool] : [])) ?? [];
  return { task: task.id, tools, wrong: played.length, problems };
}
