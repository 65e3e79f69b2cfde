/** A stop of all changes, in the fleet, at a site, or in a cluster. It stands until a person who is there lifts it. */
import { covers, type PolicyResource } from './policy.ts';

export type Freeze = {
  id: string;
  /** `*` for all of them. */
  site: string;
  cluster: string;
  reason: string;
  /** Who froze. */
  by: string;
  /** RFC 3339. */
  at: string;
};

/** The freeze that stops changes here, if any does. */
export function freezeOver({ site, cluster }: PolicyResource, standing: readonly Freeze[]): Freeze | undefined {
  return standing.find(freeze => covers(freeze.site, site) && covers(freeze.cluster, cluster));
}

/** What is frozen, for people. */
export function frozenPart({ site, cluster }: PolicyResource): string {
  if (site === '*') return 'the fleet';
  return cluster === '*' ? `the site ${site}` : `the cluster ${cluster}`;
}

/** As the end of a sentence. */
export function freezeText(freeze: Freeze): string {
  return `${freeze.by} froze ${frozenPart(freeze)}: ${freeze.reason} (${freeze.id})`;
}
