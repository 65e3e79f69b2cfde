/**
 * Proof that a BMC started again. Where it says when it last started, that
 * decides. Most do not: then it has to be seen to be away, and to come back.
 * While it starts it shows parts of its tree, so it counts as back only after
 * several good looks in a row.
 */
import { type Bmc, factValue } from '../core/bmc.ts';
import type { BmcStatus } from '../core/bmc-change.ts';
import { FleetError } from '../core/errors.ts';
import type { Observation } from '../guard/effects.ts';
import type { NodeJob } from './job.ts';
import { waitFor } from './wait.ts';

const goodLooks = 3;
/** One lost packet is no absence. */
const silentLooks = 2;

export type Restart = {
  /** What the BMC said before of its last start; null where it says nothing. */
  lastReset: string | null;
  /** Evidence that was found already, when the answer to the request was lost. */
  seen: string | null;
};

/** Throws `timeout` naming what was missing. */
export async function proveBmcRestart(
  { bmc, target, timings }: NodeJob,
  { lastReset, seen }: Restart,
  by: number,
): Promise<string> {
  const watch = watchOf(bmc);
  let good = 0;
  return waitFor<string>({
    what: `the BMC of ${target.node} to start again`,
    everyMs: timings.pollMs,
    by,
    async look() {
      const status = await watch.look();
      if ('missing' in status) {
        good = 0;
        return status;
      }
      const evidence = seen ?? restartIn(status, lastReset) ?? awayOf(watch, lastReset, status);
      if (evidence === undefined) return { missing: 'it answers, and was not seen to be away' };
      good++;
      return good >= goodLooks ? { value: evidence } : { missing: `good looks ${good} of ${goodLooks}` };
    },
  });
}

/**
 * Whether a request whose answer was lost made the BMC start again. `sessionsBefore` is undefined where another process
 * sent it: then a session that was forgotten says nothing.
 */
export async function observeBmcRestart(
  { bmc, target, timings }: NodeJob,
  { lastReset, sessionsBefore, by }: { lastReset: string | null; sessionsBefore: number | undefined; by: number },
): Promise<Observation<string | null>> {
  const watch = watchOf(bmc);
  const look = async (): Promise<{ value: Observation<string> } | { missing: string }> => {
    const status = await watch.look();
    if ('missing' in status) return status;
    const forgotten = sessionsBefore !== undefined && bmc.sessionsOpened > sessionsBefore;
    const away = forgotten ? awayOf(watch, lastReset, status) : undefined;
    const evidence = restartIn(status, lastReset) ?? (away && `${away}, and it forgot our session`);
    if (evidence === undefined) return { missing: 'the BMC does not show a new start' };
    return { value: { finding: 'happened', result: evidence, evidence } };
  };
  const what = `evidence of the restart of ${target.node}'s BMC`;
  return waitFor({ what, everyMs: timings.pollMs, by, look }).catch(
    thrown => ({ finding: 'ambiguous', evidence: FleetError.from(thrown).message }) as const,
  );
}

/** One look after the other: why it cannot be read now, else evidence that it restarted since, or undefined. */
export function watchRestart(
  bmc: Bmc,
  lastReset: string | null,
): { look(): Promise<{ missing: string } | string | undefined> } {
  const watch = watchOf(bmc);
  return {
    async look() {
      const status = await watch.look();
      if ('missing' in status) return status;
      return restartIn(status, lastReset) ?? awayOf(watch, lastReset, status);
    },
  };
}

function restartIn(status: BmcStatus, before: string | null): string | undefined {
  const last = factValue(status.lastReset);
  return before !== null && last !== undefined && last !== before ? `the BMC started at ${last}` : undefined;
}

/** A BMC that says that it did not start again was away for another reason. */
function awayOf(watch: Watch, before: string | null, status: BmcStatus): string | undefined {
  const denied = before !== null && factValue(status.lastReset) === before;
  return watch.wasAway && !denied ? 'the BMC was away and is back' : undefined;
}

type Watch = { readonly wasAway: boolean; look(): Promise<BmcStatus | { missing: string }> };

/** Looks at a BMC that may be starting. Throws certificate_changed: who answers then is not it. */
function watchOf(bmc: Bmc): Watch {
  let silent = 0;
  let wasAway = false;
  return {
    get wasAway() {
      return wasAway;
    },
    async look() {
      if (!(await bmc.answers())) {
        silent++;
        wasAway ||= silent >= silentLooks;
        return { missing: 'it does not answer' };
      }
      silent = 0;
      const status = await bmc.status().catch(FleetError.from);
      if (!(status instanceof FleetError)) return status;
      if (status.code === 'certificate_changed') throw status;
      return { missing: status.message };
    },
  };
}
