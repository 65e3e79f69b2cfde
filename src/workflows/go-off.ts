/** Takes a host down: asked first, its power cut where it does not end in time. */
import { FleetError } from '../core/errors.ts';
import type { NodeJob, Parts } from '../operations/job.ts';
import { powerHost, provePower } from '../operations/power-host.ts';
import type { NodeSteps } from './node-steps.ts';

/** Throws where the host may not go down now; asked right before each request. */
export type Prove = (job: NodeJob) => Promise<void>;

/** False where the BMC offers no shutdown, or refused it. One whose answer was lost counts as asked. */
export async function askToEnd(steps: NodeSteps, { prove, settling }: { prove: Prove; settling: boolean }) {
  return steps.step(
    'shut down',
    job => shutDown(job, { prove, settling }),
    did => (did ? 'asked' : 'not offered'),
  );
}

/** Waits until it is off, and cuts its power where it was not asked, or takes too long. Answers the proof. */
export async function endOrCut(
  { timings }: Parts,
  steps: NodeSteps,
  { asked, prove, settling }: { asked: boolean; prove: Prove; settling: boolean },
): Promise<string> {
  const patient = await steps.deadline('shut down', asked ? timings.rebootMs / 2 : 0);
  const by = await steps.deadline('off', timings.rebootMs);
  const ended = asked && (await steps.step('ended?', job => isOff(job, patient)));
  if (!ended) await steps.step('cut', job => powerHost(job, { purpose: 'cut', prove, settling }));
  return steps.step(
    'off',
    job => provePower(job, 'off', by),
    seen => seen,
  );
}

async function shutDown(job: NodeJob, how: { prove: Prove; settling: boolean }): Promise<boolean> {
  try {
    await powerHost(job, { purpose: 'shut-down', ...how });
    return true;
  } catch (thrown) {
    const { code } = FleetError.from(thrown);
    if (code === 'ambiguous') return true;
    if (code === 'bmc_refused') return false;
    throw thrown;
  }
}

async function isOff(job: NodeJob, by: number): Promise<boolean> {
  return provePower(job, 'off', by).then(
    () => true,
    () => false,
  );
}
