/** Others that act on this cluster's nodes, of every kind that we know. */
import type { RemediatorFacts } from '../../core/cluster-facts.ts';
import { readBareMetalHosts } from './bare-metal-hosts.ts';
import { servedGroups } from './custom-objects.ts';
import { readKured } from './kured.ts';
import { readMachineHealthChecks } from './machine-health-checks.ts';
import { readNodeHealthChecks } from './node-health-checks.ts';
import type { Reach } from './reach.ts';
import { readUpgradePlans } from './upgrade-plans.ts';

/** Throws FleetError when any kind that is served cannot be read; it names the permission where one is missing. */
export async function readRemediators(reach: Reach): Promise<RemediatorFacts[]> {
  const served = await servedGroups(reach);
  const kinds = [readMachineHealthChecks, readNodeHealthChecks, readBareMetalHosts, readUpgradePlans];
  const found = await Promise.all([...kinds.map(readKind => readKind(reach, served)), readKured(reach)]);
  return found.flat();
}
