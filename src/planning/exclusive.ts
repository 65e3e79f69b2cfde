/**
 * What only one node may take at a time: failure domains, PodDisruptionBudgets, BMCs, and a cluster's control plane. Each is a
 * text that says which, so that a node that waits can say for what.
 */
import type { PlanTarget } from '../core/plan.ts';

/** The zones of each cluster, and the racks of each site, as far as targets name any. */
export type Domains = { zones: Map<string, Set<string>>; racks: Map<string, Set<string>> };

type Placed = Pick<PlanTarget, 'site' | 'cluster' | 'zone' | 'rack'>;

export function domainsOf(targets: readonly Placed[]): Domains {
  return { zones: named(targets, 'cluster', 'zone'), racks: named(targets, 'site', 'rack') };
}

/** What an operation has alone while it works on a node, whatever it does there. */
export function heldAlone({ bmcUrl, role, cluster }: Pick<PlanTarget, 'bmcUrl' | 'role' | 'cluster'>): string[] {
  return [`BMC ${bmcUrl}`, ...(role === 'control-plane' ? [`control plane of ${cluster}`] : [])];
}

/**
 * In what nodes take turns that are emptied. A target that tells no domain may be in any of those that others tell, and takes
 * them all.
 */
export function turnsOf(target: Placed & Pick<PlanTarget, 'drain'>, { zones, racks }: Domains): string[] {
  const { site, cluster, zone, rack, drain } = target;
  const inZones = zone === undefined ? [...(zones.get(cluster) ?? [])] : [zone];
  const inRacks = rack === undefined ? [...(racks.get(site) ?? [])] : [rack];
  return [
    ...inZones.map(name => zoneKey(name, cluster)),
    ...inRacks.map(name => `rack ${name} of ${site}`),
    ...(drain?.pdbs ?? []).map(name => `PodDisruptionBudget ${name} of ${cluster}`),
  ];
}

export function zoneKey(zone: string, cluster: string): string {
  return `zone ${zone} of ${cluster}`;
}

function named(targets: readonly Placed[], of: 'cluster' | 'site', domain: 'zone' | 'rack'): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const target of targets) {
    const name = target[domain];
    if (name === undefined) continue;
    const names = found.get(target[of]) ?? new Set();
    found.set(target[of], names.add(name));
  }
  return found;
}
