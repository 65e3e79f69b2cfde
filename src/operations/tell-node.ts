/**
 * Tells a Node's story where its readers look: Events and a condition that
 * `kubectl describe node` shows. It is written under the guard like every
 * other write, and nothing depends on it: a story that could not be told
 * stops no work.
 */
import { digestOf } from '../core/canonical.ts';
import type { NewNodeEvent, NodeConditionChange } from '../core/cluster.ts';
import { hardwareCondition, maintenanceCondition } from '../core/cluster-marks.ts';
import type { NodeJob } from './job.ts';
import { answered, briefly } from './wait.ts';

export type Chapter = {
  /** CamelCase, at most once per node and operation, or per change where it tells of one. */
  reason: string;
  message: string;
  type?: NewNodeEvent['type'];
  /** Sets or clears the Node's maintenance condition together with the event. */
  maintenance?: boolean;
  /** Says in the Node's condition of its hardware whether that is healthy. */
  hardwareHealthy?: boolean;
};

/** An Event takes 1,024 characters. */
const longestMessage = 950;

export async function tellNode(job: NodeJob, chapter: Chapter): Promise<void> {
  const message = `${chapter.message.slice(0, longestMessage)} (operation ${job.operation})`;
  const told = { ...chapter, message };
  for (const condition of conditionsOf(told)) await patiently(job, () => setCondition(job, condition));
  await patiently(job, () => createEvent(job, told));
}

function conditionsOf({ reason, message, maintenance, hardwareHealthy }: Chapter): NodeConditionChange[] {
  const all = [
    [maintenanceCondition, maintenance],
    [hardwareCondition, hardwareHealthy],
  ] as const;
  return all.flatMap(([type, holds]) =>
    holds === undefined ? [] : [{ type, status: holds ? 'True' : 'False', reason, message }],
  );
}

/** A condition that stays True on a healthy node misleads, so a short outage is waited out. */
async function patiently(job: NodeJob, tell: () => Promise<void>): Promise<void> {
  await answered({ job, by: briefly(job.timings.pollMs) }, tell).catch(() => undefined);
}

async function createEvent(job: NodeJob, { reason, message, type = 'Normal' }: Chapter): Promise<void> {
  const { cluster, target, operation, change } = job;
  const event = {
    name: [target.node, reason.toLowerCase(), ...(change ? [change.name] : []), operation].join('.'),
    node: { name: target.node, uid: target.nodeUid },
    type,
    reason,
    message,
  };
  const path = '/api/v1/namespaces/default/events';
  await job.effect({
    step: `event/${reason}`,
    action: 'createEvent',
    settling: true,
    prepare: async () => ({
      request: { target: `cluster:${target.cluster}`, method: 'POST', path, bodyDigest: digestOf(event) },
    }),
    async send(grant) {
      await cluster.createNodeEvent(grant, event);
      return null;
    },
    async observe() {
      const seen = (await cluster.nodeEvents(target.node)).some(
        each => each.reason === reason && each.message === message,
      );
      return seen
        ? { finding: 'happened', result: null, evidence: 'the event is there' }
        : { finding: 'not-happened', evidence: 'there is no such event' };
    },
  });
}

/** Throws where it could not be written. `prove` is asked before the request, and throws where it is not true any more. */
export async function setCondition(
  job: NodeJob,
  condition: NodeConditionChange,
  prove?: () => Promise<unknown>,
): Promise<void> {
  const { cluster, target } = job;
  await job.effect({
    step: `condition/${condition.reason}`,
    action: 'setCondition',
    settling: true,
    prepare: async () => ({
      request: {
        target: `cluster:${target.cluster}`,
        method: 'PATCH',
        path: `/api/v1/nodes/${target.node}/status`,
        bodyDigest: digestOf(condition),
      },
    }),
    async send(grant) {
      await prove?.();
      await cluster.setNodeCondition(grant, target.node, condition);
      return null;
    },
    async observe() {
      const { conditions } = await cluster.node(target.node);
      return conditions.some(({ type, message }) => type === condition.type && message === condition.message)
        ? { finding: 'happened', result: null, evidence: 'the Node shows it' }
        : { finding: 'not-happened', evidence: 'the Node does not show it' };
    },
  });
}
