/** Long work as Task resources, and on Dell as jobs, which outlive the Task. */
import type { Controller } from '../controller.ts';
import { type Body, collection, link } from '../reply.ts';
import { dellJobStates, dellJobs, percentComplete, type Task, taskNames, taskStates } from '../task.ts';
import type { Resources } from './tree.ts';

export const tasksUri = '/redfish/v1/TaskService/Tasks';
export const monitorsUri = '/redfish/v1/TaskService/TaskMonitors';

export function taskResources(bmc: Controller): Resources {
  const listed = bmc.tasks.listed();
  return {
    '/redfish/v1/TaskService': () => ({
      '@odata.id': '/redfish/v1/TaskService',
      '@odata.type': '#TaskService.v1_2_0.TaskService',
      Id: 'TaskService',
      Name: 'Task Service',
      ServiceEnabled: true,
      DateTime: bmc.now().toISOString(),
      Status: { Health: 'OK', State: 'Enabled' },
      Tasks: link(tasksUri),
    }),
    [tasksUri]: () =>
      collection({
        uri: tasksUri,
        type: 'TaskCollection',
        name: 'Tasks',
        members: listed.map(({ id }) => `${tasksUri}/${id}`),
      }),
    ...Object.fromEntries(listed.map(task => [`${tasksUri}/${task.id}`, () => taskBody(task)])),
    ...(bmc.profile.vendor === 'dell' ? jobResources(bmc) : {}),
  };
}

export function taskBody(task: Task): Body {
  const failed = task.stage === 'failed';
  return {
    '@odata.id': `${tasksUri}/${task.id}`,
    '@odata.type': '#Task.v1_5_1.Task',
    Id: task.id,
    Name: taskNames[task.kind],
    TaskState: taskStates[task.stage],
    TaskStatus: failed ? 'Critical' : 'OK',
    PercentComplete: percentComplete(task),
    StartTime: task.started.toISOString(),
    ...(task.ended === undefined ? {} : { EndTime: task.ended.toISOString() }),
    TaskMonitor: `${monitorsUri}/${task.id}`,
    Messages: [
      {
        MessageId: task.messageId ?? 'Update.1.0.UpdateProgress',
        Message: task.message,
        Severity: failed ? 'Critical' : 'OK',
      },
    ],
  };
}

function jobResources(bmc: Controller): Resources {
  const jobs = `${bmc.uris.manager}/Oem/Dell/Jobs`;
  const all = bmc.tasks.all();
  return {
    [jobs]: () =>
      collection({
        uri: jobs,
        type: 'DellJobCollection',
        name: 'JobQueue',
        members: all.map(({ id }) => `${jobs}/${id}`),
      }),
    ...Object.fromEntries(all.map(task => [`${jobs}/${task.id}`, () => jobBody(`${jobs}/${task.id}`, task)])),
  };
}

function jobBody(uri: string, task: Task): Body {
  return {
    '@odata.id': uri,
    '@odata.type': '#DellJob.v1_2_0.DellJob',
    Id: task.id,
    Name: dellJobs[task.kind].name,
    JobType: dellJobs[task.kind].type,
    JobState: dellJobStates[task.stage],
    PercentComplete: percentComplete(task),
    Message: task.message,
    MessageArgs: [],
    MessageId:
      task.messageId?.split('.').at(-1) ??
      (task.stage === 'failed' ? 'SUP0516' : task.stage === 'staged' ? 'JCP001' : 'PR19'),
    StartTime: task.started.toISOString(),
    CompletionTime: task.ended?.toISOString() ?? null,
  };
}
