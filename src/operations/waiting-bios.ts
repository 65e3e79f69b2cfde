/**
 * BIOS settings that somebody left on a BMC: they wait there without a job, and whatever starts the host next brings them into
 * force. A start that means something else must not do that unseen.
 */
import { type BiosChange, showBiosChange } from '../core/bios.ts';
import { type Bmc, type Fact, known, unknown } from '../core/bmc.ts';
import { FleetError } from '../core/errors.ts';
import type { NodeJob } from './job.ts';
import { proveNothingStaged } from './prove-no-task.ts';

/** What a start would bring into force; nothing on a BMC through which none can be set. */
export async function waitingBios(bmc: Pick<Bmc, 'bios'>): Promise<Fact<BiosChange[]>> {
  const bios = await bmc.bios().catch(FleetError.from);
  if (bios instanceof FleetError) return bios.code === 'bmc_refused' ? known([]) : unknown(bios.message);
  const { active, waiting, startApplies } = bios;
  if (!startApplies) return known([]);
  if ('unknown' in waiting) return waiting;
  return known(
    Object.entries(waiting.value).map(([attribute, to]) => ({ attribute, from: active[attribute] ?? 'not shown', to })),
  );
}

/** Throws `precondition_failed` where a start would apply an update, or settings that the plan does not name. */
export async function proveStart(job: NodeJob): Promise<void> {
  await proveNothingStaged(job);
  await proveSettings(job);
}

/** As {@link proveStart}, of the settings alone. */
export async function proveSettings(job: NodeJob): Promise<void> {
  const { waitingBios: planned = known([]) } = job.target;
  // Then whatever waits was approved.
  if ('unknown' in planned) return;
  const names = new Set(planned.value.map(showBiosChange));
  const now = await waitingBios(job.bmc);
  const others = 'unknown' in now ? [] : now.value.map(showBiosChange).filter(change => !names.has(change));
  if ('value' in now && others.length === 0) return;
  const what = 'unknown' in now ? `are not known: ${now.unknown}` : `wait: ${others.slice(0, 5).join(', ')}`;
  throw new FleetError({
    code: 'precondition_failed',
    message: `a start of ${job.target.node} would apply BIOS settings that this plan does not name; they ${what}`,
    hint: 'plan again: set-node-power shows them, and applies them where it is told to',
  });
}
