/**
 * Firmware tasks. Dell keeps two books: a Task that is deleted shortly after it
 * ends, and a job of the same id that stays and knows more; where there is a
 * job, it is believed. iLO says in a word of its own what goes on, task or not.
 */
import type { TaskState, UpdateTask } from '../../core/bmc.ts';
import { FleetError } from '../../core/errors.ts';
import type { Connection } from './connection.ts';
import { readHpeUpdate } from './hpe-update.ts';
import { lastSegment, plain } from './links.ts';
import { dellJob, type Task, task, taskService } from './schema.ts';
import { isStalled, jobState, taskState } from './task-state.ts';
import { readManagers, type Topology } from './topology.ts';

/** Newest ones read of a longer queue; ids of tasks and jobs grow with time. */
const maxTasks = 100;
const jobId = /^JID_\d+$/i;

/** All tasks and jobs the BMC lists. Throws rather than leaving out one that cannot be read. */
export async function readTasks(connection: Connection, topology: Topology): Promise<UpdateTask[]> {
  const queue = await dellQueue(connection, topology);
  const jobs = queue === undefined ? [] : await listed(connection, queue);
  const known = new Set(jobs.map(lastSegment));
  const tasks = (await taskUris(connection, topology)).filter(uri => !known.has(lastSegment(uri)));
  const read = await Promise.all([
    ...jobs.map(uri => readJob(connection, { uri, shownAs: uri })),
    ...tasks.map(uri => readPlainTask(connection, uri)),
  ]);
  const shown = read.filter(each => each.state !== 'gone');
  if (shown.some(each => each.state === 'running')) return shown;
  const untold = await readHpeUpdate(connection, topology);
  return untold?.state === 'running' ? [...shown, untold] : shown;
}

/** One task by the URI that the update answered with. 404 is `gone`, unless a Dell job or iLO itself still tells the end. */
export async function readTask(connection: Connection, topology: Topology, uri: string): Promise<UpdateTask> {
  const isService = topology.updateService !== undefined && plain(uri) === plain(topology.updateService);
  const found: UpdateTask = isService ? { uri, state: 'gone' } : await readPlainTask(connection, uri);
  if (found.state === 'gone') {
    const told = await readHpeUpdate(connection, topology);
    if (told !== undefined) return { uri, state: told.state };
  }
  const settled = found.state === 'completed' || found.state === 'failed' || found.state === 'running';
  if (settled || !jobId.test(lastSegment(uri))) return found;
  const queue = await dellQueue(connection, topology);
  if (queue === undefined) return found;
  const job = await readJob(connection, { uri: `${queue.replace(/\/+$/, '')}/${lastSegment(uri)}`, shownAs: uri });
  return job.state === 'gone' ? found : job;
}

async function readPlainTask(connection: Connection, uri: string): Promise<UpdateTask> {
  return unlessGone(uri, async () => {
    const { status, body } = await connection.readRaw(uri);
    // A task monitor answers 202 while it works, and with the operation's own answer once it is done.
    const parsed = task.safeParse(body ?? {});
    if (!parsed.success || parsed.data.TaskState == null)
      return { uri, state: status === 202 ? 'running' : 'completed' };
    const state = taskState(parsed.data);
    const ids = parsed.data.Messages.map(each => each.MessageId);
    return { uri, ...ended(state, ids), ...progress(parsed.data.PercentComplete, messageOf(parsed.data)) };
  });
}

async function readJob(connection: Connection, job: { uri: string; shownAs: string }): Promise<UpdateTask> {
  return unlessGone(job.shownAs, async () => {
    const read = await connection.read(job.uri, dellJob);
    return {
      uri: job.shownAs,
      ...ended(jobState(read), [read.MessageId]),
      ...progress(read.PercentComplete, read.Message),
    };
  });
}

async function unlessGone(uri: string, read: () => Promise<UpdateTask>): Promise<UpdateTask> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof FleetError && error.code === 'not_found') return { uri, state: 'gone' };
    throw error;
  }
}

/** Link of the job queue, where a manager gives one. */
async function dellQueue(connection: Connection, topology: Topology): Promise<string | undefined> {
  if (topology.profile.vendor !== 'dell') return undefined;
  const managers = await readManagers(connection, topology.managerUris);
  return managers.map(each => each.Links?.Oem?.Dell?.Jobs).find(link => link != null) ?? undefined;
}

async function taskUris(connection: Connection, topology: Topology): Promise<string[]> {
  if (topology.taskService === undefined) return [];
  const service = await connection.read(topology.taskService, taskService);
  return service.Tasks == null ? [] : listed(connection, service.Tasks);
}

async function listed(connection: Connection, link: string): Promise<string[]> {
  const { members } = await connection.members(link);
  const byId = new Intl.Collator('en', { numeric: true });
  return members
    .map(member => member.uri)
    .toSorted((a, b) => byId.compare(lastSegment(b), lastSegment(a)))
    .slice(0, maxTasks);
}

function ended(state: TaskState, messageIds: (string | null | undefined)[]): Pick<UpdateTask, 'state' | 'stalled'> {
  return { state, ...(isStalled(state, messageIds) ? { stalled: true } : {}) };
}

function messageOf(read: Task): string | undefined {
  return read.Messages.map(each => each.Message).findLast(text => text != null && text !== '') ?? undefined;
}

function progress(percent: number | null | undefined, message: string | null | undefined) {
  return {
    ...(percent == null ? {} : { percent }),
    ...(message == null || message === '' ? {} : { message: message.slice(0, 500) }),
  };
}
