/** How processes end when memory or a processor lets them down, and when that says something of the node. */
import type { PodFailure } from '../core/cluster-facts.ts';
import type { Signal } from './cordon-advice.ts';

export type Crash = PodFailure & {
  /** `Deployment shop/web`, or the pod itself. */
  workload: string;
  /** Its pods on other nodes fail too. */
  elsewhere: boolean;
};

const hourMs = 3_600_000;

/** 128 and the signal's number: illegal instruction, abort, bus error, segmentation fault. */
const brokenSignals: Record<number, string> = { 132: 'SIGILL', 134: 'SIGABRT', 135: 'SIGBUS', 139: 'SIGSEGV' };

/** The signal that ended it, where it is one that bad memory sends. */
export function brokenBy({ exitCode, reason }: PodFailure): string | undefined {
  return reason === 'OOMKilled' || exitCode === undefined ? undefined : brokenSignals[exitCode];
}

/**
 * Several workloads of one node crash so within an hour, and nowhere else. One
 * workload alone, or one that fails on other nodes as well, has a bug.
 */
export function crashSignal(node: string, crashes: Crash[], now: Date): Signal | undefined {
  const telling = crashes.filter(crash => {
    const age = now.getTime() - Date.parse(crash.at ?? '');
    return age >= 0 && age <= hourMs && !crash.elsewhere && brokenBy(crash) !== undefined;
  });
  const workloads = [...new Set(telling.map(({ workload }) => workload))].toSorted();
  if (workloads.length < 2) return undefined;
  const text = `${workloads.length} workloads crash on this node alone: ${workloads.slice(0, 3).join(', ')}`;
  return { source: 'pods', id: `crashes ${node}`, text };
}
