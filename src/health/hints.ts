/**
 * Which hints of an event bring a look forward. A server is looked at again
 * after a rest at the earliest, and a site's servers together no more often
 * for events than by their beat: a storm doubles what its own site costs, and
 * makes nobody else late.
 */
import type { Hint } from '../core/bmc-events.ts';
import type { Beat } from './beat.ts';
import { type Clock, wallClock } from './clock.ts';

export type HintOptions = {
  servers: { node: string; site: string }[];
  everyMs: number;
  hurry: Beat['hurry'];
  clock?: Clock | undefined;
};

const longestRestMs = 10_000;

/** Milliseconds that a server is left alone after a look, whatever events say. */
export function restMs(everyMs: number): number {
  return Math.min(longestRestMs, everyMs / 6);
}

export function hintsOf({ servers, everyMs, hurry, clock = wallClock }: HintOptions): Hint {
  const siteOf = new Map(servers.map(({ node, site }) => [node, site]));
  const sites = new Map(
    [...Map.groupBy(servers, ({ site }) => site)].map(([site, { length }]) => [
      site,
      { most: length, since: clock.now(), given: 0 },
    ]),
  );
  return node => {
    const budget = sites.get(siteOf.get(node) ?? '');
    if (budget === undefined) return false;
    if (clock.now() - budget.since >= everyMs) {
      budget.since = clock.now();
      budget.given = 0;
    }
    if (budget.given >= budget.most || !hurry(node)) return false;
    budget.given++;
    return true;
  };
}
