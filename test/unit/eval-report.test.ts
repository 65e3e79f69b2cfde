/** What the eval says of a model: only what was measured, and a plumbing test says that it is one. */
import { expect, it } from 'vitest';
import type { Attempt } from '../../bench/eval/attempt.ts';
import { plumbingText, reportText, scoreOf } from '../../bench/eval/report.ts';
import type { Task } from '../../bench/eval/task.ts';

const tasks = ['always', 'sometimes', 'silent', 'untried'].map(id => ({ id }) as Task);
const tried = (task: string, faults: string[], unmeasured?: string): Attempt => ({
  task,
  exchanges: [],
  faults,
  ...(unmeasured !== undefined && { unmeasured }),
  tokens: { input: 100, output: 10 },
  cost: 0.25,
  ms: 1,
});
const attempts = [
  tried('always', []),
  tried('always', []),
  tried('sometimes', []),
  tried('sometimes', ['it did not ask']),
  tried('silent', [], 'the model is busy'),
  tried('silent', []),
];
const about = {
  model: 'm-1',
  host: 'models.example',
  prompt: 'sha256:0123456789abcdef',
  at: '2026-11-26T10:00:00Z',
  times: 2,
  ofTasks: 60,
};

it('counts passes of what was answered, and whole tasks alone for all times', () => {
  expect(scoreOf(tasks, attempts, 2)).toEqual({
    tasks: 3,
    attempts: 5,
    passed: 4,
    whole: 2,
    passedAll: 1,
    passAt1: 2.5 / 3,
  });
  expect(scoreOf(tasks, [], 2)).toEqual({ tasks: 0, attempts: 0, passed: 0, whole: 0, passedAll: 0 });
});

it('names model, endpoint, day, prompt and how much of it was done, with each failure', () => {
  const text = reportText(tasks, attempts, about);
  expect(text.split('\n')).toEqual([
    '  2 of 2  always',
    '  1 of 2  sometimes',
    '        it did not ask',
    '  1 of 2  silent',
    '        no answer: the model is busy',
    '',
    'm-1 at models.example, 2026-11-26, 4 of 60 tasks, prompt sha256:0123456789ab',
    'Cut short: 6 of 8 attempts were made.',
    'No answer, and so not measured: 1 attempts.',
    'pass@1: 83.3 % (4 of 5 attempts passed, at 3 tasks)',
    'pass-all-2: 50.0 % (1 of 2 tasks passed 2 of 2 times)',
    '600 tokens in, 60 out, cost 1.50',
  ]);
});

it('gives no score where nothing was measured', () => {
  expect(reportText(tasks, [], about)).toMatch(/pass@1: not measured .*\npass-all-2: not measured/);
  const proof = { task: 'always', tools: [], wrong: 2, problems: [] };
  const text = plumbingText(
    [proof, { ...proof, task: 'loose', problems: ['it passed although the script is wrong: x'] }],
    60,
  );
  expect(text).toMatch(/no model was measured/);
  expect(text).toMatch(/^loose\n {4}it passed although/);
  expect(text).not.toMatch(/pass@1|%/);
});
