/** BIOS changes through the settings object, back to the defaults, and on Dell the jobs that carry them. */
import type { Controller } from '../controller.ts';
import { type Body, problem, type Reply, vendorProblem } from '../reply.ts';
import { biosSettingsUri } from '../resources/bios.ts';
import { tasksUri } from '../resources/tasks.ts';
import type { Task } from '../task.ts';

/** Answers 204, or on Dell 202 with a job where the request says when to apply. Takes all changes or none. */
export function patchBios(bmc: Controller, body: Body): Reply {
  const { profile, bios } = bmc;
  const { jobs } = profile.acts.bios;
  const { Attributes: changes, '@Redfish.SettingsApplyTime': applyTime, ...others } = body;
  const [other] = Object.keys(others);
  if (other !== undefined) return problem(profile, 400, 'PropertyNotWritable', other);
  if (typeof changes !== 'object' || changes === null) return problem(profile, 400, 'PropertyMissing', 'Attributes');
  if (!isApplyTime(bmc, applyTime)) {
    return problem(profile, 400, 'PropertyValueNotInList', '@Redfish.SettingsApplyTime/ApplyTime');
  }
  if (jobs !== undefined && bios.job !== undefined) return vendorProblem(jobs.busy);
  const refused = bios.refusal({ ...changes });
  if (refused !== undefined) return problem(profile, 400, refused.name, `Attributes/${refused.about}`);
  bios.stage({ ...changes });
  return jobs !== undefined && applyTime !== undefined ? scheduled(bios.schedule()) : { status: 204 };
}

/** Bios.ResetBios: takes effect in the next POST. */
export function resetBios({ bios }: Controller): Reply {
  bios.resetPending = true;
  return { status: 204 };
}

/** Dell: makes a job of what waits. */
export function createJob(bmc: Controller, body: Body): Reply {
  const { profile, bios } = bmc;
  const { jobs } = profile.acts.bios;
  if (body.TargetSettingsURI !== biosSettingsUri(bmc)) {
    return problem(profile, 400, 'PropertyValueFormatError', 'TargetSettingsURI');
  }
  if (jobs !== undefined && bios.job !== undefined) return vendorProblem(jobs.busy);
  return bios.waits ? scheduled(bios.schedule()) : problem(profile, 400, 'NoOperation');
}

/** Dell: takes a scheduled job back, and with it what it would have brought. */
export function deleteJob(bmc: Controller, job: Task): Reply {
  if (job.kind !== 'configuration' || job.stage !== 'staged') return problem(bmc.profile, 409, 'ResourceInUse');
  bmc.bios.clear();
  return { status: 204 };
}

/** Dell: drops changes that no job carries yet. */
export function clearPending(bmc: Controller): Reply {
  const { profile, bios } = bmc;
  const { jobs } = profile.acts.bios;
  if (jobs !== undefined && bios.job !== undefined) return vendorProblem(jobs.busy);
  bios.clear();
  return { status: 204 };
}

function scheduled({ id }: Task): Reply {
  return { status: 202, headers: { Location: `${tasksUri}/${id}` } };
}

/** None is fine; where the vendor names none, OnReset is what happens anyway. */
function isApplyTime({ profile }: Controller, asked: unknown): boolean {
  if (asked === undefined) return true;
  if (typeof asked !== 'object' || asked === null || !('ApplyTime' in asked)) return false;
  return (profile.acts.bios.applyTimes ?? ['OnReset']).some(time => time === asked.ApplyTime);
}
