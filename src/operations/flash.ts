/**
 * Hands one firmware image to one BMC, at most once. The BMC pulls it from the
 * image listener, whose fetch log is evidence, or is sent it; a finished task is not success,
 * only the inventory read after activation is (see prove-version.ts).
 */
import type { RefusedFor, UpdateOutcome, UpdateRequest } from '../core/bmc.ts';
import { digestOf } from '../core/canonical.ts';
import { FleetError, unreachable } from '../core/errors.ts';
import type { EffectRow } from '../core/records.ts';
import type { Observation } from '../guard/effects.ts';
import { proveDrained } from './drain.ts';
import { changeOf, isWanted, readShown, runningVersion } from './firmware-change.ts';
import type { NodeJob } from './job.ts';
import { precheckFlash } from './precheck-flash.ts';
import { proveDrives } from './prove-drives.ts';
import { proveIdentity } from './prove-identity.ts';
import { proveQuorum } from './prove-quorum.ts';
import { proveNoRemediator } from './refuse-remediators.ts';
import { waitFor } from './wait.ts';

/** The task that carries the update; undefined where the BMC gave none and only the inventory can tell. */
export type Flash = { task: string | undefined };

type Before = { tasks: string[]; token: string; settleMs: number; pushed: boolean };

/** Starts the update, or finds the one that an interrupted attempt started. */
export async function flash(job: NodeJob): Promise<Flash> {
  const { bmc, target } = job;
  const change = changeOf(job);
  const { image, sha256, component, drives } = change;
  const told = { image, sha256, component, ...(drives ? { drives: drives.map(({ serial }) => serial) } : {}) };
  let request: UpdateRequest | undefined;
  return job.effect<Flash>({
    step: 'flash',
    action: 'flashFirmware',
    settling: false,
    async prepare() {
      const { token } = await offerImage(job);
      const [where, tasks, { settleMs, transfer }] = await Promise.all([
        bmc.updateTarget(component),
        bmc.tasks(),
        bmc.updateTraits(component),
      ]);
      const before: Before = { tasks: tasks.map(task => task.uri), token, settleMs, pushed: transfer === 'push' };
      return {
        before,
        request: { target: target.bmcUrl, ...where, bodyDigest: digestOf(told) },
      };
    },
    async prove() {
      await proveReadyToFlash(job);
      request = await readyRequest(job);
    },
    async send(grant) {
      if (!request) throw new FleetError({ code: 'internal', message: 'nothing was proved ready to be sent' });
      return accepted(job, await bmc.startUpdate(grant, request));
    },
    observe: open => observeFlash(job, open),
    describe: done => (done.task ? `accepted, task ${done.task}` : 'accepted, the BMC named no task'),
  });
}

/** What takes its time is done before the request: the image is read through, and the drives are looked for. */
async function readyRequest(job: NodeJob): Promise<UpdateRequest> {
  const { image, sha256, component } = changeOf(job);
  const { url } = await offerImage(job);
  const file = await job.images.open({ image, sha256 });
  const places = await proveDrives(job);
  return {
    imageUri: url,
    protocol: url.startsWith('https:') ? 'HTTPS' : 'HTTP',
    component,
    image: file,
    ...(places ? { drives: places } : {}),
  };
}

/** Throws bmc_refused when it was refused. */
export function accepted({ target }: NodeJob, answer: UpdateOutcome): Flash {
  switch (answer.outcome) {
    case 'accepted':
      return { task: answer.task };
    case 'refused':
      throw new FleetError({
        code: 'bmc_refused',
        message: `the BMC of ${target.node} refused the update (HTTP ${answer.status})${meaningOf(answer.why)}`,
        untrusted: answer.reason,
      });
    default:
      return unreachable(answer);
  }
}

function meaningOf(why: RefusedFor | undefined): string {
  switch (why) {
    case 'unlicensed':
      return ': it has no licence for updates, and no other account helps';
    case 'update-mode':
      return ': it holds an image that was never written, and only a restart of it (reset-bmc) ends that';
    case undefined:
      return '';
    default:
      return unreachable(why);
  }
}

function offerImage(job: NodeJob): Promise<{ url: string; token: string }> {
  const { images, operation, target } = job;
  const { image, sha256 } = changeOf(job);
  const { bmcUrl, node, site } = target;
  return images.offer({ operation, node, site, image, sha256, bmcUrl });
}

/** What was true when the plan was made and the drain began, read once more right before the request. */
async function proveReadyToFlash(job: NodeJob): Promise<void> {
  await proveIdentity(job);
  await proveDrained(job);
  await proveNoRemediator(job);
  await proveQuorum(job);
  if ((await precheckFlash(job)) === 'flash') return;
  throw new FleetError({
    code: 'precondition_failed',
    message: `${job.target.node} got the wanted version from someone else meanwhile`,
  });
}

/** Looks until there is evidence, or until the vendor's settle time has passed without any. */
async function observeFlash(job: NodeJob, open: EffectRow): Promise<Observation<Flash>> {
  const { bmc, timings } = job;
  const { tasks: earlier, token, settleMs, pushed } = open.before as Before;
  const known = new Set(earlier);
  const settledAt = Date.now() + settleMs;
  const look = async (): Promise<{ value: Observation<Flash> } | { missing: string }> => {
    const [fetches, tasks, shown] = await Promise.all([job.images.fetches(token), bmc.tasks(), readShown(job)]);
    const task = tasks.find(candidate => !known.has(candidate.uri))?.uri;
    const happened = (evidence: string) => ({ value: { finding: 'happened', result: { task }, evidence } as const });
    if (task) return happened(`the BMC has a task that was not there before: ${task}`);
    if (isWanted(job, runningVersion(job, shown))) return happened('the wanted version is active');
    if (fetches.some(fetch => fetch.status === 200)) return happened('the BMC fetched the image');
    if (Date.now() < settledAt) return { missing: 'evidence either way' };
    const waited = `${Math.round(settleMs / 1000)} s`;
    // That nothing was fetched proves something; of what was sent, silence proves nothing.
    if (pushed)
      return { value: { finding: 'ambiguous', evidence: `no new task and no version change within ${waited}` } };
    const evidence = `no fetch, no new task and no version change within ${waited}`;
    return { value: { finding: 'not-happened', evidence } };
  };
  const by = settledAt + timings.resetSettleMs + 60_000;
  return waitFor({ what: 'evidence of the update request', everyMs: timings.pollMs, by, look }).catch(thrown => {
    const error = FleetError.from(thrown);
    return { finding: 'ambiguous', evidence: error.message } as const;
  });
}
