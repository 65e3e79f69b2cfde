/** How a BMC answers to an update that it begins: with the task, or on older Supermicro with a message that names it. */
import type { Controller } from '../controller.ts';
import type { Reply } from '../reply.ts';
import { monitorsUri, taskBody, tasksUri } from '../resources/tasks.ts';
import type { Task } from '../task.ts';

export function updateAccepted({ profile, updates, faults }: Controller, task: Task): Reply {
  if (faults.get('task-unnamed') !== undefined) return { status: 200, body: success(profile.baseRegistry) };
  const uri = `${tasksUri}/${task.id}`;
  switch (profile.update.location) {
    case 'task':
      return { status: 202, body: taskBody(task), headers: { Location: uri, 'Retry-After': '5' } };
    case 'monitor':
      return {
        status: 202,
        body: taskBody(task),
        headers: { Location: `${monitorsUri}/${task.id}`, 'Retry-After': '5' },
      };
    case 'message': {
      const { taskInBodySince: since } = profile.update;
      const isTask = since !== undefined && updates.firmware.bmc >= since;
      return { status: 202, body: isTask ? taskBody(task) : taskAccepted(uri) };
    }
  }
}

function success(registry: string) {
  const said = { MessageId: `${registry}.Success`, Message: 'The request completed successfully.', MessageArgs: [] };
  return { error: { code: said.MessageId, message: said.Message, '@Message.ExtendedInfo': [said] } };
}

function taskAccepted(uri: string) {
  return {
    Accepted: {
      code: 'Base.v1_10_3.Accepted',
      Message: 'The request was accepted. See the extended information.',
      '@Message.ExtendedInfo': [
        {
          MessageId: 'SMC.1.0.TaskAccepted',
          Severity: 'OK',
          Message: `The work goes on in ${uri}.`,
          MessageArgs: [uri],
        },
      ],
    },
  };
}
