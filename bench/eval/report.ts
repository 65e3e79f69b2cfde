/** What the attempts come to. A score is told with the model that earned it, and with how many attempts and tasks it stands on. */
import type { Attempt } from './attempt.ts';
import type { Proof } from './prove.ts';
import type { Task } from './task.ts';

export type About = {
  model: string;
  /** Of the endpoint. */
  host: string;
  /** Digest of the prompt that the assistant instructs the model with. */
  prompt: string;
  /** RFC 3339. */
  at: string;
  times: number;
  /** Of how many tasks in all these were chosen. */
  ofTasks: number;
};

export type Score = {
  /** Tasks that have an attempt which the model answered; such attempts; those of them that passed. */
  tasks: number;
  attempts: number;
  passed: number;
  /** Tasks that were answered as often as was asked for, and those of them that passed each time. */
  whole: number;
  passedAll: number;
  /** Mean over tasks of the share of their attempts that passed; missing where nothing was measured. */
  passAt1?: number;
};

export function scoreOf(tasks: Task[], attempts: Attempt[], times: number): Score {
  const answered = attempts.filter(({ unmeasured }) => unmeasured === undefined);
  const byTask = tasks.map(({ id }) => answered.filter(({ task }) => task === id)).filter(each => each.length > 0);
  const whole = byTask.filter(each => each.length === times);
  const shares = byTask.map(each => passes(each) / each.length);
  return {
    tasks: byTask.length,
    attempts: answered.length,
    passed: passes(answered),
    whole: whole.length,
    passedAll: whole.filter(each => passes(each) === times).length,
    ...(shares.length > 0 && { passAt1: shares.reduce((sum, share) => sum + share, 0) / shares.length }),
  };
}

/** Each task with its passes and why it failed, and the score. */
export function reportText(tasks: Task[], attempts: Attempt[], about: About): string {
  const { model, host, prompt, at, times, ofTasks } = about;
  const { passAt1, passed, attempts: answered, tasks: measured, passedAll, whole } = scoreOf(tasks, attempts, times);
  const total = (of: (each: Attempt) => number) => attempts.reduce((sum, each) => sum + of(each), 0);
  const [asked, silent] = [tasks.length * times, attempts.length - answered];
  return [
    ...tasks.flatMap(({ id }) => taskLines(id, attempts)),
    '',
    `${model} at ${host}, ${at.slice(0, 10)}, ${chosen(tasks.length, ofTasks)}, prompt ${prompt.slice(0, 19)}`,
    ...(attempts.length < asked ? [`Cut short: ${attempts.length} of ${asked} attempts were made.`] : []),
    ...(silent > 0 ? [`No answer, and so not measured: ${silent} attempts.`] : []),
    `pass@1: ${percent(passAt1)} (${passed} of ${answered} attempts passed, at ${measured} tasks)`,
    `pass-all-${times}: ${percent(whole === 0 ? undefined : passedAll / whole)} (${passedAll} of ${whole} tasks passed ${times} of ${times} times)`,
    `${total(each => each.tokens.input)} tokens in, ${total(each => each.tokens.output)} out${costText(total(each => each.cost ?? 0))}`,
  ].join('\n');
}

/** Says plainly that it is no score. */
export function plumbingText(proofs: Proof[], ofTasks: number): string {
  const proved = proofs.filter(({ problems }) => problems.length === 0).length;
  const wrong = proofs.reduce((sum, each) => sum + each.wrong, 0);
  return [
    ...proofs.flatMap(({ task, problems }) =>
      problems.length === 0 ? [] : [task, ...problems.map(each => `    ${each}`)],
    ),
    'Plumbing test: no model was measured. Scripts played the model, and nothing here is a score.',
    `${proved} of ${proofs.length} tasks are proved (${chosen(proofs.length, ofTasks)}): their script solves them, and their wrong scripts (${wrong} in all) are found.`,
  ].join('\n');
}

function taskLines(id: string, attempts: Attempt[]): string[] {
  const own = attempts.filter(({ task }) => task === id);
  if (own.length === 0) return [];
  const why = own.flatMap(({ faults, unmeasured }) =>
    unmeasured === undefined ? faults : [`no answer: ${unmeasured}`],
  );
  const counted = [...new Set(why)].map(fault => {
    const count = why.filter(each => each === fault).length;
    return `        ${count > 1 ? `${count} times: ` : ''}${fault}`;
  });
  return [`${String(passes(own)).padStart(3)} of ${own.length}  ${id}`, ...counted];
}

function passes(attempts: Attempt[]): number {
  return attempts.filter(({ faults, unmeasured }) => faults.length === 0 && unmeasured === undefined).length;
}

function chosen(tasks: number, ofTasks: number): string {
  return tasks === ofTasks ? `all ${ofTasks} tasks` : `${tasks} of ${ofTasks} tasks`;
}

function percent(share: number | undefined): string {
  return share === undefined ? 'not measured' : `${(share * 100).toFixed(1)} %`;
}

function costText(cost: number): string {
  return cost > 0 ? `, cost ${cost.toFixed(2)}` : '';
}
