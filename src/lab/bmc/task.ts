/** One long piece of work: the stages it goes through, and what Redfish and Dell's job queue call them. */

/** `staged`: waits for a host reset. `flash`: is being written. */
export type TaskStage = 'download' | 'staged' | 'flash' | 'completed' | 'failed';

export type TaskKind = 'firmware' | 'configuration' | 'erase';

export type Task = {
  id: string;
  kind: TaskKind;
  stage: TaskStage;
  message: string;
  /** Where it is not the usual one of its stage. */
  messageId?: string;
  started: Date;
  ended: Date | undefined;
  /** When the flash began and how many wall-clock milliseconds it takes. */
  flash: { since: number; ms: number } | undefined;
};

export function isOver(task: Task): boolean {
  return task.stage === 'completed' || task.stage === 'failed';
}

/** While this is true the firmware is being written or fetched: a reset damages the machine. */
export function isFragile(task: Task): boolean {
  return task.stage === 'download' || task.stage === 'flash';
}

/** Ends a task that has not ended yet. */
export function endTask(task: Task, stage: 'completed' | 'failed', message: string): void {
  if (isOver(task)) return;
  task.stage = stage;
  task.message = message;
  task.ended = new Date();
}

export const taskNames: Readonly<Record<TaskKind, string>> = {
  firmware: 'Firmware Update',
  configuration: 'BIOS Configuration',
  erase: 'Secure Erase',
};

export const dellJobs: Readonly<Record<TaskKind, { name: string; type: string }>> = {
  firmware: { name: 'Firmware Update: BIOS', type: 'FirmwareUpdate' },
  configuration: { name: 'Configure: BIOS.Setup.1-1', type: 'BIOSConfiguration' },
  erase: { name: 'Configure: Physical Disk', type: 'RAIDConfiguration' },
};

export const taskStates: Readonly<Record<TaskStage, string>> = {
  download: 'Running',
  staged: 'Pending',
  flash: 'Running',
  completed: 'Completed',
  failed: 'Exception',
};

export const dellJobStates: Readonly<Record<TaskStage, string>> = {
  download: 'Downloading',
  staged: 'Scheduled',
  flash: 'Running',
  completed: 'Completed',
  failed: 'Failed',
};

/** 0 to 100; never 100 before the task is over. */
export function percentComplete(task: Task): number {
  if (isOver(task)) return 100;
  if (task.flash === undefined) return 0;
  return Math.min(99, Math.floor(10 + (89 * (Date.now() - task.flash.since)) / task.flash.ms));
}
