/** All tasks, in the order in which they are run: a scene is opened once. */
import { sceneNames } from '../scene.ts';
import type { Task } from '../task.ts';
import { changeTasks } from './changes.ts';
import { fleetTasks } from './fleet.ts';
import { hardwareTasks } from './hardware.ts';
import { operationTasks } from './operations.ts';
import { planTasks } from './plans.ts';
import { refusalTasks } from './refusals.ts';
import { rightsTasks } from './rights.ts';

const written = [
  ...fleetTasks,
  ...hardwareTasks,
  ...changeTasks,
  ...planTasks,
  ...operationTasks,
  ...rightsTasks,
  ...refusalTasks,
];

export const tasks: Task[] = sceneNames.flatMap(scene => written.filter(task => task.scene === scene));
