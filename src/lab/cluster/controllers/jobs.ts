/** A Job runs pods until enough of them have succeeded, or too many have failed. */

import { conditionOf, type JobObject, type PodObject, podIsReady, setCondition } from '../model/objects.ts';
import type { ControllerContext, KeyedController } from './controller-loop.ts';
import { createOwnedPod, deletePod, isActive, isClosing, nameSuffix, ownerController } from './owned-pods.ts';
import { podIndex } from './pod-index.ts';

const source = { component: 'job-controller' };

export function jobController(context: ControllerContext): KeyedController {
  return ownerController(context, {
    name: 'job',
    plural: 'jobs',
    kind: 'Job',
    owned: ['pods'],
    reconcile: ref => {
      const job = context.store.get('jobs', ref) as JobObject | undefined;
      if (job !== undefined) reconcile(context, job);
    },
  });
}

function reconcile(context: ControllerContext, job: JobObject): void {
  const { store } = context;
  const finished = ['Complete', 'Failed'].some(type => conditionOf(job, type)?.status === 'True');
  if (finished || isClosing(store, job)) return;
  const pods = podIndex(store).ownedBy(job.metadata.uid);
  const count = (phase: string) => pods.filter(({ status }) => status.phase === phase).length;
  const succeeded = Math.max(count('Succeeded'), Number(job.status.succeeded ?? 0));
  const restarts = pods.flatMap(({ status }) => status.containerStatuses ?? []).reduce((n, c) => n + c.restartCount, 0);
  const failed = Math.max(count('Failed'), Number(job.status.failed ?? 0));
  const wanted = job.spec.completions ?? job.spec.parallelism ?? 1;
  const late =
    failed + (job.spec.template.spec.restartPolicy === 'OnFailure' ? restarts : 0) > (job.spec.backoffLimit ?? 6);
  const active = pods.filter(isActive);
  if (late) finish(context, job, { active, type: 'Failed' });
  else if (succeeded >= wanted) finish(context, job, { active, type: 'Complete' });
  else if (job.spec.suspend) for (const pod of active) deletePod(store, pod);
  else createMissing(context, job, Math.min(job.spec.parallelism ?? 1, wanted - succeeded) - active.length);
  const now = podIndex(store).ownedBy(job.metadata.uid).filter(isActive);
  store.update('jobs', job.metadata, draft => {
    Object.assign(draft.status, {
      startTime: draft.status.startTime ?? store.now(),
      active: now.length,
      ready: now.filter(podIsReady).length,
      succeeded,
      failed,
    });
  });
}

function createMissing({ store, events }: ControllerContext, job: JobObject, missing: number): void {
  const { name, uid } = job.metadata;
  const labels = {
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  };
  for (let left = missing; left > 0; left--) {
    const pod = createOwnedPod(store, job, { name: `${name}-${nameSuffix()}`, template: job.spec.template, labels });
    if (pod) events.record(source, job, { reason: 'SuccessfulCreate', message: `Created pod: ${pod.metadata.name}` });
  }
}

function finish(
  { store, events }: ControllerContext,
  job: JobObject,
  { active, type }: { active: PodObject[]; type: 'Complete' | 'Failed' },
): void {
  for (const pod of active) deletePod(store, pod);
  const complete = type === 'Complete';
  const why = complete
    ? { reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' }
    : { reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
  store.update('jobs', job.metadata, draft => {
    const earlier = complete ? 'SuccessCriteriaMet' : 'FailureTarget';
    setCondition(draft.status, store.now(), { type: earlier, status: 'True', ...why });
    setCondition(draft.status, store.now(), { type, status: 'True', ...why });
    if (complete) draft.status.completionTime = store.now();
  });
  if (complete) events.record(source, job, { reason: 'Completed', message: 'Job completed' });
  else events.record(source, job, { type: 'Warning', ...why });
}
