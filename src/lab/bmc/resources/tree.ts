/**
 * Every resource this BMC shows, by URI. What the machine is made of is laid
 * out once. What comes and goes (sessions, tasks, log entries, images) is laid
 * out for each request, and so is simply there or not. Bodies are rendered only
 * when asked for.
 */
import type { Controller } from '../controller.ts';
import { neighboursOwn } from '../neighbour.ts';
import type { Body } from '../reply.ts';
import { accessResources } from './access.ts';
import { auxPowerResetResources } from './aux-power-reset.ts';
import { baseboardResources } from './baseboard.ts';
import { biosResources } from './bios.ts';
import { bootResources } from './boot.ts';
import { chassisResources } from './chassis.ts';
import { eventResources } from './events.ts';
import { logResources } from './log.ts';
import { managerResetResources } from './manager-reset.ts';
import { memoryResources } from './memory.ts';
import { networkResources } from './network.ts';
import { powerResources } from './power.ts';
import { processorResources } from './processors.ts';
import { rootResources } from './root.ts';
import { storageResources } from './storage.ts';
import { systemResources } from './system.ts';
import { taskResources } from './tasks.ts';
import { thermalResources } from './thermal.ts';
import { updateResources } from './update.ts';
import { virtualMediaResources } from './virtual-media.ts';

export type Resources = Record<string, () => Body>;

const lasting = new WeakMap<Controller, Resources>();

export function resourceTree(bmc: Controller): Resources {
  const laidOut = lasting.get(bmc) ?? lastingResources(bmc);
  lasting.set(bmc, laidOut);
  return { ...laidOut, ...passingResources(bmc), ...neighboursOwn(bmc, resourceTree) };
}

/** Which of these there are, the profile alone decides; they look at the machine only when rendered. */
function lastingResources(bmc: Controller): Resources {
  return {
    ...rootResources(bmc),
    ...systemResources(bmc),
    ...memoryResources(bmc),
    ...processorResources(bmc),
    ...storageResources(bmc),
    ...networkResources(bmc),
    ...chassisResources(bmc),
    ...thermalResources(bmc),
    ...powerResources(bmc),
    ...managerResetResources(bmc),
    ...auxPowerResetResources(bmc),
    ...bootResources(bmc),
    ...biosResources(bmc),
  };
}

function passingResources(bmc: Controller): Resources {
  return {
    ...accessResources(bmc),
    ...baseboardResources(bmc),
    ...logResources(bmc),
    ...updateResources(bmc),
    ...taskResources(bmc),
    ...virtualMediaResources(bmc),
    ...eventResources(bmc),
  };
}
