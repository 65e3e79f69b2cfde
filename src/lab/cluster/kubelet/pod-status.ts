/** What a pod's status says of its containers and of its quality of service. */
import { createHash } from 'node:crypto';
import type { Container, PodObject } from '../model/objects.ts';
import { amountOf } from '../model/quantity.ts';

type ContainerStatus = NonNullable<PodObject['status']['containerStatuses']>[number];

/** A container that is about to start, for the first time or again. */
export function containerStatus(
  { name, image }: Container,
  { earlier, restarted, now }: { earlier: ContainerStatus | undefined; restarted: boolean; now: string },
): ContainerStatus {
  const restartCount = (earlier?.restartCount ?? 0) + (restarted ? 1 : 0);
  const { running, terminated } = (earlier?.state ?? {}) as { running?: { startedAt: string }; terminated?: object };
  const ended = running && { exitCode: 255, reason: 'Unknown', startedAt: running.startedAt, finishedAt: now };
  const last = terminated ?? ended;
  return {
    name,
    image,
    imageID: `sha256:${digest(image)}`,
    containerID: `containerd://${digest(`${name}/${now}/${restartCount}`)}`,
    ready: false,
    started: false,
    restartCount,
    state: { waiting: { reason: 'ContainerCreating' } },
    lastState: last === undefined ? {} : { terminated: last },
  };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Guaranteed, Burstable or BestEffort, by the requests and limits of its containers. */
export function qosClassOf({ spec }: PodObject): string {
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const some = containers.some(({ resources }) => resources?.requests ?? resources?.limits);
  if (!some) return 'BestEffort';
  const guaranteed = containers.every(({ resources }) =>
    ['cpu', 'memory'].every(resource => {
      const limit = resources?.limits?.[resource];
      return limit !== undefined && amountOf(limit) === amountOf(resources?.requests?.[resource] ?? limit);
    }),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
