/** One firmware task: the stages it goes through, and what Redfish and Dell's job queue call them. */

/** `staged`: waits for a host reset. */
export type UpdateStage = 'download' | 'staged' | 'flash' | 'completed' | 'failed';

export type UpdateTask = {
  id: string;
  imageUri: string;
  stage: UpdateStage;
  message: string;
  started: Date;
  ended: Date | undefined;
  /** When the flash began and how many wall-clock milliseconds it takes. */
  flash: { since: number; ms: number } | undefined;
};

export function isOver(task: UpdateTask): boolean {
  return task.stage === 'completed' || task.stage === 'failed';
}

/** While this is true the firmware is being written or fetched: a reset damages the machine. */
export function isFragile(task: UpdateTask): boolean {
  return task.stage === 'download' || task.stage === 'flash';
}

export const taskStates: Readonly<Record<UpdateStage, string>> = {
  download: 'Running',
  staged: 'Pending',
  flash: 'Running',
  completed: 'Completed',
  failed: 'Exception',
};

export const dellJobStates: Readonly<Record<UpdateStage, string>> = {
  download: 'Downloading',
  staged: 'Scheduled',
  flash: 'Running',
  completed: 'Completed',
  failed: 'Failed',
};

/** 0 to 100; never 100 before the task is over. */
export function percentComplete(task: UpdateTask): number {
  if (isOver(task)) return 100;
  if (task.flash === undefined) return 0;
  return Math.min(99, Math.floor(10 + (89 * (Date.now() - task.flash.since)) / task.flash.ms));
}
