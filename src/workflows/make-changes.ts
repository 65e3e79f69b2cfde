/**
 * The changes of one empty node, one after the other: the next begins only once this one is proved to be in force and the node
 * is back. Between two of them stopping is safe, so a cancel ends it there and the node takes pods again; a failure leaves it
 * cordoned, and says what is done and what is not.
 */
import { FleetError } from '../core/errors.ts';
import type { NodeOutcome } from '../core/operation.ts';
import { isFirmware, type PlannedChange, showEnd } from '../core/planned-change.ts';
import type { Parts } from '../operations/job.ts';
import { mayHaveHappened } from '../operations/may-have-happened.ts';
import { precheckChange } from '../operations/precheck-changes.ts';
import { isUnwritten } from '../operations/start-writing.ts';
import { handOver, handOverStep, type Settle } from './hand-over.ts';
import { giveBack, type NodeSteps, offerRecovery, outcomeOf, stayCordoned } from './node-steps.ts';

export type ToMake = { changes: PlannedChange[]; todo: number[]; ours: boolean };

/** What is proved, and the boot that it holds for; or how the node ended before all was done. */
export type Made = { proofs: string[]; bootId: string } | { ended: NodeOutcome };

export async function makeChanges(parts: Parts, steps: NodeSteps, { changes, todo, ours }: ToMake): Promise<Made> {
  const proofs: string[] = [];
  let bootId = '';
  for (const [turn, index] of todo.entries()) {
    const change = changes[index];
    if (!change) throw new FleetError({ code: 'internal', message: `there is no change ${index + 1}` });
    const own = steps.of(index);
    const progress = { done: pick(changes, todo.slice(0, turn)), left: pick(changes, todo.slice(turn)) };
    let settle: Settle;
    try {
      // The first was looked at before the node was drained.
      if (turn > 0 && (await own.step('precheck', precheckChange, found => found)) === 'nothing to do') continue;
      settle = await handOver(parts, own, change);
    } catch (thrown) {
      const begun = await own.step('handed over?', job => mayHaveHappened(job, handOverStep(change)));
      return { ended: await retreat(steps, outcomeOf(thrown), { begun, stopped: isStop(thrown), progress, ours }) };
    }
    try {
      const active = await settle();
      proofs.push(active.proof);
      ({ bootId } = active);
    } catch (thrown) {
      const left = isStop(thrown) && (await leftUnwritten(own, change));
      if (left)
        return {
          ended: await retreat(steps, withLeft(outcomeOf(thrown)), { begun: false, stopped: true, progress, ours }),
        };
      return { ended: await stayCordoned(steps, ours, withProgress(await offerRecovery(own, thrown), progress)) };
    }
  }
  return { proofs, bootId };
}

type Progress = { done: PlannedChange[]; left: PlannedChange[] };
/** `stopped`: nobody lets it go on, which says nothing against the machine: it is proved as it is. */
type Retreat = { begun: boolean; stopped: boolean; progress: Progress; ours: boolean };

/** Before the first hand-over nothing was changed but the cordon, so it is taken back; what may have been handed over stays cordoned. */
async function retreat(steps: NodeSteps, outcome: NodeOutcome, { begun, stopped, progress, ours }: Retreat) {
  if (begun || (progress.done.length > 0 && !stopped))
    return stayCordoned(steps, ours, withProgress(outcome, progress));
  if (progress.done.length === 0) return giveBack(steps, outcome, 'MaintenanceCancelled');
  const message = `${outcome.state} after ${shown(progress.done)}; ${shown(progress.left)} not begun: ${outcome.message}`;
  return giveBack(steps, { ...outcome, message }, 'MaintenanceCancelled');
}

function isStop(thrown: unknown): boolean {
  return outcomeOf(thrown).state === 'cancelled' || FleetError.from(thrown).code === 'forbidden';
}

/** What cannot be read is taken for written. */
async function leftUnwritten(own: NodeSteps, change: PlannedChange): Promise<boolean> {
  return isFirmware(change) && own.step('unwritten?', isUnwritten).catch(() => false);
}

function withLeft(outcome: NodeOutcome): NodeOutcome {
  const left = 'its BMC keeps the image unwritten, and takes no other before it was restarted (reset-bmc)';
  return { ...outcome, message: `${outcome.message}; ${left}` };
}

function withProgress(outcome: NodeOutcome, { done, left }: Progress): NodeOutcome {
  if (done.length + left.length < 2) return outcome;
  return { ...outcome, message: `${outcome.message}; done: ${shown(done) || 'nothing'}; not done: ${shown(left)}` };
}

function shown(changes: PlannedChange[]): string {
  return changes.map(showEnd).join(', ');
}

function pick(changes: PlannedChange[], indices: number[]): PlannedChange[] {
  return changes.filter((_, index) => indices.includes(index));
}
