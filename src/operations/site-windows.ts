/** What the calendar of a site says of a plan, at this moment. */
import type { Calendar } from '../core/calendar.ts';
import { FleetError } from '../core/errors.ts';
import type { Plan, PlanKind } from '../core/plan.ts';
import type { WindowFacts } from '../core/policy.ts';
import type { NodeDurations } from '../core/records.ts';
import type { Timings } from '../core/timings.ts';
import { localText } from '../planning/local-time.ts';
import { empties } from '../planning/plan-kinds.ts';
import { expectedMs, nextOpening, windowAt } from '../planning/windows.ts';

export type SiteWindowsParts = {
  /** By site name. */
  calendars: ReadonlyMap<string, Calendar>;
  durations: NodeDurations;
  timings: Timings;
  /** Added to what a node is expected to take, in milliseconds. */
  marginMs: number;
  now?: () => Date;
};

/**
 * Facts for the next node of a plan to begin, `spareMs` from now at the latest; throws what reading the durations throws, and
 * `precondition_failed` for a site that is not configured.
 */
export type WindowOf = (plan: Pick<Plan, 'kind' | 'targets'>, site: string, spareMs?: number) => Promise<WindowFacts>;

export function siteWindows({
  calendars,
  durations,
  timings,
  marginMs,
  now = () => new Date(),
}: SiteWindowsParts): WindowOf {
  return async ({ kind, targets }, site, spareMs = 0) => {
    const calendar = calendars.get(site);
    if (!calendar)
      throw new FleetError({ code: 'precondition_failed', message: `the site ${site} is not configured any more` });
    const at = now().getTime();
    const window = windowAt(calendar, at);
    if (window.open && window.closesAt === undefined)
      return { open: true, closesInMs: Number.MAX_SAFE_INTEGER, expectedMs: 0 };
    const changes = Math.max(1, ...targets.map(target => target.changes?.length ?? 1));
    const limit = limitOf(kind, changes, timings);
    const needMs = Math.ceil(expectedMs(await durations.ofKind(kind), limit) + marginMs) + spareMs;
    const opensAt = nextOpening(calendar, needMs, at);
    const opens = opensAt === undefined ? undefined : localText(opensAt, calendar.timeZone);
    const facts = { expectedMs: needMs, opensAt, opens };
    return window.open
      ? { open: true, closesInMs: (window.closesAt ?? at) - at, ...facts }
      : { open: false, closesInMs: 0, ...facts, why: window.why };
  };
}

/** All the time that the steps of one node may take; none for what is a request or two. */
function limitOf(kind: PlanKind, changes: number, { drainMs, updateMs, rebootMs, rejoinMs }: Timings): number {
  if (kind === 'firmware-rollout') return drainMs + changes * (updateMs + rebootMs) + rejoinMs;
  if (kind === 'drain' || kind === 'health-drain') return drainMs;
  return empties(kind) ? drainMs + rebootMs + rejoinMs : 0;
}
