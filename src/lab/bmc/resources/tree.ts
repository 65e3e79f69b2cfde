/**
 * Every resource this BMC shows, by URI. Built anew for each request, so that
 * members which come and go (sessions, tasks, log entries, images) are simply
 * there or not; bodies are rendered only when asked for.
 */
import type { Controller } from '../controller.ts';
import type { Body } from '../reply.ts';
import { accessResources } from './access.ts';
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

export function resourceTree(bmc: Controller): Resources {
  return {
    ...rootResources(bmc),
    ...accessResources(bmc),
    ...systemResources(bmc),
    ...memoryResources(bmc),
    ...processorResources(bmc),
    ...storageResources(bmc),
    ...networkResources(bmc),
    ...chassisResources(bmc),
    ...thermalResources(bmc),
    ...powerResources(bmc),
    ...baseboardResources(bmc),
    ...logResources(bmc),
    ...updateResources(bmc),
    ...taskResources(bmc),
    ...managerResetResources(bmc),
    ...bootResources(bmc),
    ...biosResources(bmc),
    ...virtualMediaResources(bmc),
    ...eventResources(bmc),
  };
}
