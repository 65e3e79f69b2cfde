/**
 * Every resource this BMC shows, by URI. Built anew for each request, so that
 * members which come and go (sessions, tasks, log entries, images) are simply
 * there or not; bodies are rendered only when asked for.
 */
import type { Controller } from '../controller.ts';
import type { Body } from '../reply.ts';
import { accessResources } from './access.ts';
import { chassisResources } from './chassis.ts';
import { logResources } from './log.ts';
import { memoryResources } from './memory.ts';
import { rootResources } from './root.ts';
import { systemResources } from './system.ts';
import { taskResources } from './tasks.ts';
import { thermalResources } from './thermal.ts';
import { updateResources } from './update.ts';

export type Resources = Record<string, () => Body>;

export function resourceTree(bmc: Controller): Resources {
  return {
    ...rootResources(bmc),
    ...accessResources(bmc),
    ...systemResources(bmc),
    ...memoryResources(bmc),
    ...chassisResources(bmc),
    ...thermalResources(bmc),
    ...logResources(bmc),
    ...updateResources(bmc),
    ...taskResources(bmc),
  };
}
