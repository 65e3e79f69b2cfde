/** What a Deployment says of itself: counts and the conditions that `kubectl rollout status` reads. */

import { conditionOf, type DeploymentObject, setCondition, type WorkloadObject } from '../model/objects.ts';
import type { ControllerContext } from './controller-loop.ts';
import { rollingLimits } from './rollout-numbers.ts';

type Rollout = { deployment: DeploymentObject; current: WorkloadObject | undefined; sets: WorkloadObject[] };

export function writeDeploymentStatus(
  { store, clock }: ControllerContext,
  { deployment, current, sets }: Rollout,
  again: (ms: number) => void,
): void {
  const sum = (field: string) => sets.reduce((total, set) => total + Number(set.status[field] ?? 0), 0);
  const wanted = deployment.spec.replicas ?? 1;
  const counts = {
    replicas: sum('replicas'),
    updatedReplicas: Number(current?.status.replicas ?? 0),
    readyReplicas: sum('readyReplicas'),
    availableReplicas: sum('availableReplicas'),
  };
  const complete =
    counts.updatedReplicas === wanted && counts.replicas === wanted && counts.availableReplicas >= wanted;
  store.update('deployments', deployment.metadata, draft => {
    const { status } = draft;
    const before = JSON.stringify([
      status.replicas,
      status.updatedReplicas,
      status.readyReplicas,
      status.availableReplicas,
    ]);
    const moved = before !== JSON.stringify(Object.values(counts));
    Object.assign(status, { observedGeneration: deployment.metadata.generation, ...counts });
    const missing = Math.max(0, wanted - counts.availableReplicas);
    if (missing > 0) status.unavailableReplicas = missing;
    else delete status.unavailableReplicas;
    setAvailable(status, { wanted, spec: deployment.spec, now: store.now() });
    if (deployment.spec.paused) setPaused(status, store.now());
    else setProgress(status, { name: current?.metadata.name ?? '', complete, moved, now: store.now() });
    const patience = (deployment.spec.progressDeadlineSeconds ?? 600) * 1000;
    if (!complete && !deployment.spec.paused) {
      const left = patience - sinceUpdate(status, store.nowMs()) * clock.speed;
      if (left > 0) again(left);
      else setLate(status, { name: current?.metadata.name ?? '', now: store.now() });
    }
  });
}

type Status = DeploymentObject['status'];

function setAvailable(
  status: Status,
  { wanted, spec, now }: { wanted: number; spec: DeploymentObject['spec']; now: string },
): void {
  const { unavailable } = rollingLimits(spec.strategy?.rollingUpdate ?? {}, wanted);
  const least = spec.strategy?.type === 'Recreate' ? wanted : wanted - unavailable;
  const enough = Number(status.availableReplicas) >= least;
  setCondition(status, now, {
    type: 'Available',
    status: enough ? 'True' : 'False',
    reason: enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
    message: `Deployment ${enough ? 'has' : 'does not have'} minimum availability.`,
  });
}

function setPaused(status: Status, now: string): void {
  const condition = { reason: 'DeploymentPaused', message: 'Deployment is paused' };
  setUpdated(status, now, { status: 'Unknown', ...condition });
}

function setProgress(
  status: Status,
  { name, complete, moved, now }: { name: string; complete: boolean; moved: boolean; now: string },
): void {
  const earlier = conditionOf({ status }, 'Progressing');
  if (complete) {
    const message = `ReplicaSet "${name}" has successfully progressed.`;
    return void setUpdated(status, now, { status: 'True', reason: 'NewReplicaSetAvailable', message });
  }
  if (earlier === undefined) {
    const message = `Created new replica set "${name}"`;
    return void setUpdated(status, now, { status: 'True', reason: 'NewReplicaSetCreated', message });
  }
  if (!moved && earlier.reason !== 'NewReplicaSetAvailable' && earlier.reason !== 'DeploymentPaused') return;
  setUpdated(status, now, {
    status: 'True',
    reason: 'ReplicaSetUpdated',
    message: `ReplicaSet "${name}" is progressing.`,
  });
}

function setLate(status: Status, { name, now }: { name: string; now: string }): void {
  const message = `ReplicaSet "${name}" has timed out progressing.`;
  setUpdated(status, now, { status: 'False', reason: 'ProgressDeadlineExceeded', message });
}

/** Like any condition, with the time of its last update, from which the progress deadline counts. */
function setUpdated(
  status: Status,
  now: string,
  condition: { status: 'True' | 'False' | 'Unknown'; reason: string; message: string },
): void {
  const earlier = conditionOf({ status }, 'Progressing');
  const same = earlier?.reason === condition.reason && earlier.message === condition.message;
  if (same && condition.reason !== 'ReplicaSetUpdated') return;
  setCondition(status, now, { type: 'Progressing', ...condition, lastUpdateTime: now });
}

function sinceUpdate(status: Status, now: number): number {
  const progress = conditionOf({ status }, 'Progressing');
  return progress?.lastUpdateTime === undefined ? 0 : now - Date.parse(progress.lastUpdateTime);
}
