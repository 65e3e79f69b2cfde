/** How long the containers of a simulated pod run by themselves, and how they end: tests say so in annotations. */
import { controllerOf, type PodObject } from '../model/objects.ts';

const secondsKey = 'lab.test/run-seconds';
const exitCodeKey = 'lab.test/exit-code';
/** Real seconds that a Job's pod works. */
const jobSeconds = 10;

/** Real milliseconds and exit code; undefined for containers that run until somebody stops them. */
export function runOf(pod: PodObject): { ms: number; exitCode: number } | undefined {
  const { annotations = {} } = pod.metadata;
  if (pod.spec.restartPolicy !== 'Never' && pod.spec.restartPolicy !== 'OnFailure') return undefined;
  if (annotations[secondsKey] === undefined && controllerOf(pod)?.kind !== 'Job') return undefined;
  const seconds = Number(annotations[secondsKey] ?? jobSeconds);
  return { ms: seconds * 1000, exitCode: Number(annotations[exitCodeKey] ?? 0) };
}
