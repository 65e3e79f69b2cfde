/** Drive.SecureErase: answers 202 with the task; what was on the drive is gone at its end. */
import type { Controller } from '../controller.ts';
import { type Body, problem, type Reply } from '../reply.ts';
import { taskBody, tasksUri } from '../resources/tasks.ts';

export function secureErase(bmc: Controller, drive: string, body: Body): Reply {
  const { profile, erase } = bmc;
  const [odd] = Object.keys(body);
  if (odd !== undefined) return problem(profile, 400, 'ActionParameterNotSupported', odd);
  if (erase.percent(drive) !== undefined) return problem(profile, 409, 'ResourceInUse');
  const task = erase.start(drive);
  return { status: 202, body: taskBody(task), headers: { Location: `${tasksUri}/${task.id}` } };
}
