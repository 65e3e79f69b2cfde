/** Whether a server runs what the baseline of its site wants, for whoever watches over it. */
import { type Fact, known, showFact, unknown } from '../core/bmc.ts';
import { allNodes, type FirmwareImage, type Fleet } from '../core/fleet.ts';
import type { Upkeep } from '../core/hardware.ts';
import { type Compliance, complianceOf } from './compliance.ts';

type Compared = { component: string; have: string; want: string; differs: Fact<boolean> };

/** Compares for each node of the fleet, one for each component that its baseline has an image for. */
export function firmwareDrift(fleet: Fleet): (node: string, upkeep: Upkeep) => Compared[] {
  const images = new Map(fleet.sites.map(site => [site.name, wantedAt(fleet, site.baseline)]));
  const wanted = new Map(allNodes(fleet).map(({ name, site }) => [name, images.get(site) ?? []]));
  return (node, { identity: { model, vendor }, firmware, drives }) =>
    complianceOf({ name: node, model, vendor, firmware, drives }, wanted.get(node) ?? []).flatMap(compared);
}

function wantedAt({ baselines, images }: Fleet, baseline: string | undefined): FirmwareImage[] {
  const ids = new Set(baselines.find(({ name }) => name === baseline)?.images);
  return images.filter(({ id }) => ids.has(id));
}

function compared({ component, have, want, status, reason }: Compliance): Compared[] {
  if (status === 'not-applicable') return [];
  const differs = status === 'unknown' ? unknown(reason ?? 'not compared') : known(status !== 'compliant');
  return [{ component, have: showFact(have), want, differs }];
}
