/**
 * Compares what runs on a server with what its baseline wants. Only the one
 * active copy of a component proves a version: inventories also list previous,
 * staged, golden and backup copies.
 */
import { type Component, type Fact, type FirmwareMember, factValue, known, unknown, type Vendor } from '../core/bmc.ts';
import type { FirmwareImage } from '../core/fleet.ts';
import type { Drive } from '../core/hardware.ts';
import { drivesFor, orderOfDrives, versionsOf } from './drive-changes.ts';
import { compareVersions, type VersionOrder } from './version.ts';

export type NodeFirmware = {
  name: string;
  model: Fact<string>;
  vendor: Vendor;
  firmware: Fact<FirmwareMember[]>;
  /** Read where images for drives are compared. */
  drives?: Fact<Drive[]>;
};

export type ComplianceStatus = 'compliant' | 'behind' | 'ahead' | 'unknown' | 'not-applicable';

export type Compliance = {
  /** Catalogue id of the wanted image. */
  image: string;
  component: Component;
  have: Fact<string>;
  want: string;
  status: ComplianceStatus;
  /** Why, where the status is not settled by the two versions alone. */
  reason?: string;
};

/** One verdict per image, in the order of `images`. */
export function complianceOf(node: NodeFirmware, images: FirmwareImage[]): Compliance[] {
  return images.map(image => {
    const drives =
      image.component === 'drive' ? drivesFor(image, node.drives ?? unknown('they were not read')) : undefined;
    const have = drives ? haveOf(drives) : activeVersion(node.firmware, image.component);
    const verdict = verdictOf(node, image, { have, ...(drives ? { drives } : {}) });
    return { image: image.id, component: image.component, have, want: image.version, ...verdict };
  });
}

/**
 * Version of the single active member of `component`; none or several of them prove nothing. Network cards are listed once for
 * each port, and so have one as long as all of them show the same.
 */
export function activeVersion(firmware: Fact<FirmwareMember[]>, component: Component): Fact<string> {
  if ('unknown' in firmware) return unknown(firmware.unknown);
  const active = firmware.value.filter(member => member.component === component && member.state === 'active');
  const [only] = active;
  if (!only) return unknown(`the inventory names no active ${component}`);
  const alike = component === 'nic' && active.every(({ version }) => factValue(version) === factValue(only.version));
  if (active.length > 1 && !alike) return unknown(`the inventory names ${active.length} active ${component} members`);
  return 'value' in only.version ? known(only.version.value) : unknown(only.version.unknown);
}

function haveOf(drives: Fact<Drive[]>): Fact<string> {
  return 'unknown' in drives ? unknown(`its drives: ${drives.unknown}`) : versionsOf(drives.value);
}

type Verdict = { status: ComplianceStatus; reason?: string };

type Have = { have: Fact<string>; drives?: Fact<Drive[]> };

function verdictOf(node: NodeFirmware, image: FirmwareImage, { have, drives }: Have): Verdict {
  if ('unknown' in node.model) return { status: 'unknown', reason: `model: ${node.model.unknown}` };
  if (!image.models.includes(node.model.value)) return { status: 'not-applicable', reason: 'made for other models' };
  if (node.vendor === 'generic') return { status: 'unknown', reason: 'the vendor of this server is not recognised' };
  if (image.vendor !== node.vendor) return { status: 'not-applicable', reason: 'made for another vendor' };
  const found = drives && factValue(drives);
  if (found?.length === 0) return { status: 'not-applicable', reason: 'it has no such drive' };
  if ('unknown' in have) return { status: 'unknown', reason: have.unknown };
  if (found) return statusOf[orderOfDrives(image, found)];
  return statusOf[compareVersions(image.vendor, image.component, have.value, image.version)];
}

const statusOf: Record<VersionOrder, Verdict> = {
  same: { status: 'compliant' },
  older: { status: 'behind' },
  newer: { status: 'ahead' },
  unknown: { status: 'unknown', reason: 'the order of these two versions is not known' },
};
