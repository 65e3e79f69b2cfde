/** Names to entries of the inventory. Exact match only: a change never guesses which node was meant. */
import { FleetError } from '../../src/core/errors.ts';
import {
  allNodes,
  type Baseline,
  type BiosBaseline,
  type FirmwareImage,
  type Fleet,
  type FleetCluster,
  type FleetNode,
  type FleetSite,
} from '../../src/core/fleet.ts';
import type { Quantity } from '../../src/core/history.ts';
import { nearest } from '../../src/planning/nearest.ts';

type HasFleet = { fleet: Fleet };

export function siteNamed({ fleet }: HasFleet, name: string): FleetSite {
  return found('site', name, fleet.sites);
}

export function nodeNamed({ fleet }: HasFleet, name: string): FleetNode {
  return found('node', name, allNodes(fleet));
}

/** By its own name, or by its site's where the site has only this one. */
export function clusterNamed({ fleet }: HasFleet, name: string): FleetCluster {
  const clusters = fleet.sites.flatMap(site => site.clusters);
  const [only, ...others] = fleet.sites.find(site => site.name === name)?.clusters ?? [];
  if (only && others.length === 0 && !clusters.some(cluster => cluster.name === name)) return only;
  return found('cluster', name, clusters);
}

export function clusterOf({ fleet }: HasFleet, node: FleetNode): FleetCluster {
  return found(
    'cluster',
    node.cluster,
    fleet.sites.flatMap(site => site.clusters),
  );
}

export function imageNamed({ fleet }: HasFleet, id: string): FirmwareImage {
  return found(
    'firmware image',
    id,
    fleet.images.map(image => ({ name: image.id, image })),
  ).image;
}

/** By its name in any case. A BMC gave these names, which no hint of ours repeats. */
export function quantityNamed(measured: Quantity[], name: string): Quantity {
  const same = measured.find(each => each.name.toLowerCase() === name.toLowerCase());
  if (same) return same;
  throw new FleetError({ code: 'not_found', message: `${missing('reading', name)}; ${likely(name, measured)}` });
}

/** The images of the site's baseline; none where it has no baseline. */
export function baselineImages({ fleet }: HasFleet, site: string): FirmwareImage[] {
  const baseline = baselineOf({ fleet }, site);
  return fleet.images.filter(image => baseline?.images.includes(image.id));
}

/** The BIOS settings of the site's baseline. */
export function baselineSettings(context: HasFleet, site: string): BiosBaseline[] {
  return baselineOf(context, site)?.bios ?? [];
}

function baselineOf({ fleet }: HasFleet, site: string): Baseline | undefined {
  return fleet.baselines.find(candidate => candidate.name === siteNamed({ fleet }, site).baseline);
}

function found<T extends { name: string }>(what: string, name: string, among: T[]): T {
  const match = among.find(candidate => candidate.name === name);
  if (match) return match;
  throw new FleetError({ code: 'not_found', message: missing(what, name), hint: likely(name, among) });
}

function missing(what: string, name: string): string {
  return `there is no ${what} ${JSON.stringify(name.slice(0, 80))}`;
}

function likely(name: string, among: { name: string }[]): string {
  const all = among.map(candidate => candidate.name);
  const near = nearest(name, all);
  const names = near.length > 0 ? near : all;
  return `${near.length > 0 ? 'did you mean' : 'known are'}: ${names.slice(0, 12).join(', ')}${names.length > 12 ? ' …' : ''}`;
}
