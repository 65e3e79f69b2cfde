/** What a sweep of kills counts, rollout by rollout, and how its sums are told. */
import { readFile } from 'node:fs/promises';

export type Rollout = {
  workers: number;
  seed: number;
  seconds: number;
  kills: number;
  /** How long the work of a killed process lay idle, where others were left, and where none was until one had started. */
  takeOverMs: number[];
  restartMs: number[];
  ends: Record<string, number>;
  faults: string[];
};

/** Those of earlier pieces; none where there is no file yet. */
export async function countsIn(file: string | undefined): Promise<Rollout[]> {
  const written = file === undefined ? '' : await readFile(file, 'utf8').catch(() => '');
  return written.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line) as Rollout]));
}

export function tellCounts(workers: number, all: Rollout[]): void {
  const ends: Record<string, number> = {};
  for (const [state, number] of all.flatMap(each => Object.entries(each.ends)))
    ends[state] = (ends[state] ?? 0) + number;
  const kills = all.reduce((sum, each) => sum + each.kills, 0);
  const faults = all.flatMap(each => each.faults).length;
  console.log(`${workers} worker(s): ${kills} kills in ${all.length} rollouts; ${faults} faults`);
  console.log(`  ends: ${JSON.stringify(ends)}`);
  tellIdle(
    'others were left',
    all.flatMap(({ takeOverMs }) => takeOverMs),
  );
  tellIdle(
    'none was left until one had started',
    all.flatMap(({ restartMs }) => restartMs),
  );
}

function tellIdle(where: string, unsorted: number[]): void {
  const ms = unsorted.toSorted((a, b) => a - b);
  console.log(
    `  work of a killed process lay idle, where ${where}: ${quantile(ms, 0.5)} (median), ${quantile(ms, 0.95)} (95 %), ${quantile(ms, 1)} (most), ${ms.length} times`,
  );
}

function quantile(sorted: number[], part: number): string {
  const ms = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
  return ms === undefined ? '-' : `${Math.round(ms)} ms`;
}
