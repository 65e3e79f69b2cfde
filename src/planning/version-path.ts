/**
 * The way from the version that runs to the one that is wanted. Some images install only over a version that is new enough;
 * then the node goes by a stepping stone of the catalogue, one a plan. Backwards it goes only where somebody asked for it.
 */
import type { FirmwareImage } from '../core/fleet.ts';
import { compareVersions, type VersionOrder } from './version.ts';

export type VersionPath =
  /** `warnings` for who approves it. */
  { image: FirmwareImage; downgrade: boolean; warnings: string[] } | { refused: string };

export type PathRequest = {
  /** What runs. */
  have: string;
  wanted: FirmwareImage;
  /** Images that may stand in as a stepping stone; others of their vendor or model are passed over. */
  stones: FirmwareImage[];
  model: string;
  /** Somebody asked for going back, or for a change whose direction is not known. */
  downgrade: boolean;
};

export function versionPath({ have, wanted, stones, model, downgrade }: PathRequest): VersionPath {
  const order = orderTo(have, wanted);
  if (order === 'same') return { refused: `${wanted.component} is compliant: has ${have}` };
  if (order !== 'older' && !downgrade) {
    const what = order === 'newer' ? 'would be a downgrade' : 'may be a downgrade: their order is not known';
    return { refused: `${wanted.component} ${have} → ${wanted.version} ${what}` };
  }
  if (installsOver(wanted, have))
    return { image: wanted, downgrade: order !== 'older', warnings: order === 'older' ? [] : [goesBack(have, wanted)] };
  const [stone] = stones
    .filter(image => isStone(image, { have, wanted, model }))
    .toSorted((a, b) => (orderTo(a.version, b) === 'older' ? 1 : -1));
  if (stone) {
    const warnings = [
      `${wanted.version} needs at least ${wanted.needs}: this plan goes to ${stone.version} first, and another goes on from there`,
    ];
    return { image: stone, downgrade: false, warnings };
  }
  const known = stones.length > 0 ? ', and the catalogue has no image for the way there' : ': flash that first';
  return { refused: `${wanted.component} ${wanted.version} needs at least ${wanted.needs}, has ${have}${known}` };
}

function orderTo(have: string, { vendor, component, version }: FirmwareImage): VersionOrder {
  return compareVersions(vendor, component, have, version);
}

/** What is not known to be new enough is not. */
function installsOver({ vendor, component, needs }: FirmwareImage, have: string): boolean {
  if (needs === undefined) return true;
  return ['same', 'newer'].includes(compareVersions(vendor, component, have, needs));
}

function isStone(
  image: FirmwareImage,
  { have, wanted, model }: Pick<PathRequest, 'have' | 'wanted' | 'model'>,
): boolean {
  const { vendor, component, models, version } = image;
  if (vendor !== wanted.vendor || component !== wanted.component || !models.includes(model)) return false;
  const onTheWay = orderTo(have, image) === 'older' && orderTo(version, wanted) === 'older';
  return onTheWay && installsOver(image, have);
}

function goesBack(have: string, { component, version }: FirmwareImage): string {
  return `goes back: ${component} ${have} → ${version}, which its vendor may not support, and settings may be lost`;
}
