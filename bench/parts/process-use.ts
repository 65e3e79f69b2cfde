/** What a process of this machine has used so far, as the kernel counts it. */
import { readFile } from 'node:fs/promises';

const ticksPerSecond = 100;

export type Use = { cpuMs: number; peakRssBytes: number };

/** Throws where there is no such process. */
export async function useOf(pid: number): Promise<Use> {
  const [stat, status] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8'),
    readFile(`/proc/${pid}/status`, 'utf8'),
  ]);
  // The name, in parentheses, may hold blanks; user and system time are the 12th and 13th fields after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN);
  const cpuMs = ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
  return { cpuMs, peakRssBytes: peak * 1024 };
}

/** CPU time in milliseconds of a process and all its children, those that have ended included. */
export async function cpuOfTree(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const own = fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ').filter(Boolean);
  const theirs = await Promise.all(children.map(child => cpuOfTree(Number(child)).catch(() => 0)));
  return (own * 1000) / ticksPerSecond + theirs.reduce((sum, ms) => sum + ms, 0);
}
