/**
 * The way from the version that runs to the one that is wanted. Some images install only over a version that is new enough;
 * then the node goes by stepping stones of the catalogue, one after the other. Backwards it goes only where somebody asked for it.
 */
import type { FirmwareImage } from '../core/fleet.ts';
import { compareVersions, type VersionOrder } from './version.ts';

export type VersionPath =
  /** Images in the order in which they are installed; `warnings` for who approves it. */
  { images: FirmwareImage[]; downgrade: boolean; warnings: string[] } | { refused: string };

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
  const floor = order === 'older' ? undefined : floorOf({ have, wanted, stones, model });
  if (floor !== undefined && orderTo(floor, wanted) !== 'same' && orderTo(floor, wanted) !== 'older')
    return {
      refused: `${wanted.component} ${have} goes back to ${floor} at most, says its vendor: not to ${wanted.version}`,
    };
  const back = order !== 'older';
  if (installsOver(wanted, have))
    return { images: [wanted], downgrade: back, warnings: back ? [goesBack(have, wanted)] : [] };
  const images = stonesTo({ have, wanted, stones, model });
  if (images) return { images: [...images, wanted], downgrade: false, warnings: [] };
  const known = stones.length > 0 ? ', and the catalogue has no image for the way there' : ': flash that first';
  return { refused: `${wanted.component} ${wanted.version} needs at least ${wanted.needs}, has ${have}${known}` };
}

/** Each the newest that installs over the one before, until the wanted one does; undefined where none leads on. Every stone is newer than the last, so it ends. */
function stonesTo(way: Omit<PathRequest, 'downgrade'>): FirmwareImage[] | undefined {
  if (installsOver(way.wanted, way.have)) return [];
  const [stone] = way.stones
    .filter(image => isStone(image, way))
    .toSorted((a, b) => (orderTo(a.version, b) === 'older' ? 1 : -1));
  const rest = stone && stonesTo({ ...way, have: stone.version });
  return rest && [stone, ...rest];
}

/** Oldest version that what runs may be replaced by, as far as the catalogue knows what runs. */
function floorOf({ have, wanted, stones, model }: Omit<PathRequest, 'downgrade'>): string | undefined {
  const runs = stones.find(image => isAlike(image, wanted, model) && orderTo(have, image) === 'same');
  return runs?.backTo;
}

function isAlike({ vendor, component, models }: FirmwareImage, wanted: FirmwareImage, model: string): boolean {
  return vendor === wanted.vendor && component === wanted.component && models.includes(model);
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
  if (!isAlike(image, wanted, model)) return false;
  const onTheWay = orderTo(have, image) === 'older' && orderTo(image.version, wanted) === 'older';
  return onTheWay && installsOver(image, have);
}

function goesBack(have: string, { component, version }: FirmwareImage): string {
  return `goes back: ${component} ${have} → ${version}, which its vendor may not support, and settings may be lost`;
}
