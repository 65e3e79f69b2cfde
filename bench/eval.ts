/**
 * How well a language model does as the assistant: tasks over all tools, against the whole service and a lab, judged by code.
 * docs/eval.md says how to run it and how to add a task.
 *
 *   npm run eval -- --endpoint URL [--model NAME] [--key-env NAME] [--tasks PATTERN] [--times 5] [--out FILE] [--prices IN,OUT]
 *   npm run eval -- --scripted       a script plays the model: it tests the eval, and measures nothing
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbeddedPostgres } from '../src/adapters/postgres/embedded.ts';
import { loadPrompt } from '../src/assistant/prompts.ts';
import { FleetError } from '../src/core/errors.ts';
import type { Attempt } from './eval/attempt.ts';
import { reachable } from './eval/endpoint.ts';
import { measurer } from './eval/measure.ts';
import { type Proof, prove } from './eval/prove.ts';
import { plumbingText, reportText, scoreOf } from './eval/report.ts';
import { inScenes } from './eval/run.ts';
import type { Endpoint } from './eval/scene.ts';
import type { Task } from './eval/task.ts';
import { tasks } from './eval/tasks/index.ts';
import { numberFlag } from './parts/number-flag.ts';

function options() {
  const { values } = parseArgs({
    options: {
      endpoint: { type: 'string' },
      model: { type: 'string' },
      'key-env': { type: 'string' },
      tasks: { type: 'string', default: '' },
      times: { type: 'string', default: '5' },
      out: { type: 'string' },
      prices: { type: 'string' },
      scripted: { type: 'boolean', default: false },
    },
  });
  if (values.scripted === (values.endpoint !== undefined))
    throw invalid(
      values.scripted
        ? 'a script and an endpoint exclude each other'
        : 'no endpoint was named, so there is no model to measure',
      'npm run eval -- --endpoint http://127.0.0.1:11434/v1 --model NAME, or --scripted to test the eval itself',
    );
  const times = numberFlag(values, 'times');
  if (!Number.isInteger(times) || times < 1) throw invalid(`--times ${values.times} is no count`, 'such as 5');
  const chosen = tasks.filter(({ id }) => new RegExp(values.tasks).test(id));
  if (chosen.length === 0)
    throw invalid(`no task matches ${values.tasks}`, `tasks are: ${tasks.map(({ id }) => id).join(', ')}`);
  const { out, endpoint, model, prices } = values;
  const keyEnv = values['key-env'];
  const asked = endpoint !== undefined && {
    baseUrl: endpoint.replace(/\/+$/, ''),
    ...(model !== undefined && { model }),
    ...(keyEnv !== undefined && { keyEnv }),
    ...(prices !== undefined && { prices: pricesIn(prices) }),
  };
  return { chosen, times, out, asked };
}

function pricesIn(text: string): { input: number; output: number } {
  const [input = Number.NaN, output = Number.NaN, ...more] = text.split(',').map(Number);
  if (input >= 0 && output >= 0 && more.length === 0) return { input, output };
  throw invalid(
    `--prices ${text} are not two numbers`,
    'what a million tokens of input and of output cost, such as 0.5,1.5',
  );
}

async function main(): Promise<void> {
  const { chosen, times, out, asked } = options();
  const endpoint = asked && (await reachable(asked));
  const stop = new AbortController();
  process.once('SIGINT', () => {
    console.error('Stopping; once more ends it at once.');
    stop.abort();
  });
  await withPostgres(async postgresUrl => {
    const shared = { postgresUrl, signal: stop.signal, onScene: (name: string) => console.error(`Scene ${name}`) };
    if (endpoint) await measureAll(chosen, { ...shared, endpoint, times, out });
    else await proveAll(chosen, shared);
  });
  if (stop.signal.aborted) process.exitCode = 130;
}

type Shared = { postgresUrl: string; signal: AbortSignal; onScene(name: string): void };

/** What was attempted is told and written even where it does not come to its end. */
async function measureAll(
  chosen: Task[],
  { endpoint, times, out, ...shared }: Shared & { endpoint: Endpoint; times: number; out: string | undefined },
): Promise<void> {
  const attempts: Attempt[] = [];
  const about = {
    model: endpoint.model,
    host: new URL(endpoint.baseUrl).host,
    prompt: (await loadPrompt('system')).digest,
    at: new Date().toISOString(),
    times,
    ofTasks: tasks.length,
  };
  const each = measurer(times, tell, shared.signal);
  try {
    await inScenes(chosen, { ...shared, endpoint, each });
  } finally {
    const all = { ...about, score: scoreOf(chosen, attempts, times), attempts };
    if (out !== undefined) await writeFile(out, `${JSON.stringify(all, undefined, 2)}\n`);
    console.log(reportText(chosen, attempts, about));
  }

  function tell(done: Attempt) {
    attempts.push(done);
    const verdict = done.unmeasured !== undefined ? 'no answer' : done.faults.length === 0 ? 'passed' : 'failed';
    const left = chosen.length * times - attempts.length;
    console.error(`  ${verdict.padEnd(9)}  ${done.task} (${(done.ms / 1000).toFixed(1)} s; ${left} to go)`);
  }
}

async function proveAll(chosen: Task[], shared: Shared): Promise<void> {
  const proofs: Proof[] = [];
  await inScenes(chosen, {
    ...shared,
    async each(scene, task) {
      const proof = await prove(scene, task, { mostWrong: Number.POSITIVE_INFINITY, signal: shared.signal });
      proofs.push(proof);
      console.error(`  ${proof.problems.length === 0 ? 'proved' : 'NOT PROVED'}  ${task.id}`);
    },
  });
  console.log(plumbingText(proofs, tasks.length));
  if (proofs.some(({ problems }) => problems.length > 0)) process.exitCode = 1;
}

async function withPostgres(work: (url: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'gk-eval-'));
  process.env.NODE_COMPILE_CACHE ??= join(dir, 'compiled');
  const postgres = await startEmbeddedPostgres({ dataDir: join(dir, 'data') });
  try {
    await work(postgres.url);
  } finally {
    await postgres.stop();
    await rm(dir, { recursive: true, force: true, maxRetries: 10 });
  }
}

function invalid(message: string, hint: string): FleetError {
  return new FleetError({ code: 'invalid_input', message, hint });
}

try {
  await main();
} catch (thrown) {
  process.exitCode = 2;
  if (!(thrown instanceof FleetError)) throw thrown;
  const { message, hint, untrusted } = thrown;
  console.error([message, hint, untrusted && `it said: ${untrusted}`].filter(Boolean).join('\n  '));
}
