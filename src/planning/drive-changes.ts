/**
 * What an image does to the drives of a server: it is for those of some models, and each of them is compared, named and proved
 * by itself. Where a BMC cannot give an image to some drives of a model alone, all of them are part of the change or none. Pure.
 */
import { type Fact, factValue, known, showFact, unknown } from '../core/bmc.ts';
import type { FirmwareImage } from '../core/fleet.ts';
import type { Drive, Storage } from '../core/hardware.ts';
import type { FirmwareChange, PlannedDrive } from '../core/planned-change.ts';
import { storageTrouble } from './storage-health.ts';
import { compareVersions, type VersionOrder } from './version.ts';

/** The drives that an image is for. A drive of unknown model may be one of them, so then nobody knows. */
export function drivesFor({ drives: models = [] }: FirmwareImage, drives: Fact<Drive[]>): Fact<Drive[]> {
  if ('unknown' in drives) return drives;
  const strange = drives.value.find(({ model }) => 'unknown' in model);
  if (strange) return unknown(`the model of drive ${strange.name} is not known`);
  return known(drives.value.filter(({ model }) => models.includes(factValue(model) ?? '')));
}

/** What a comparison wants to know of a server whose storage was read. */
export function drivesOf(storage: Fact<Storage> | undefined): { drives?: Fact<Drive[]> } {
  if (!storage) return {};
  return { drives: 'unknown' in storage ? storage : storage.value.drives };
}

/** All that they run, told as one text. */
export function versionsOf(drives: Drive[]): Fact<string> {
  const silent = drives.find(({ firmware }) => 'unknown' in firmware);
  if (silent) return unknown(`drive ${silent.name}: ${showFact(silent.firmware)}`);
  const versions = new Set(drives.map(({ firmware }) => showFact(firmware)));
  return known([...versions].sort().join(' and '));
}

/** How the worst of them stands to the image: any that is not known hides the others, one that is behind is to be done. */
export function orderOfDrives({ vendor, component, version }: FirmwareImage, drives: Drive[]): VersionOrder {
  const orders = drives.map(({ firmware }) => compareVersions(vendor, component, factValue(firmware) ?? '', version));
  const worst: VersionOrder[] = ['unknown', 'older', 'newer', 'same'];
  return worst.find(order => orders.includes(order)) ?? 'same';
}

export type DriveTargets = { drives: PlannedDrive[] } | { refused: string };

/** Those that do not run the image yet, or why none of them may be touched. `downgrade`: somebody asked for going back. */
export function driveTargets(image: FirmwareImage, storage: Storage, downgrade: boolean): DriveTargets {
  const refused = (why: string) => ({ refused: `drives: ${why}` });
  const trouble = storageTrouble(storage);
  if (trouble) return refused(trouble);
  const all = drivesFor(image, storage.drives);
  if ('unknown' in all) return refused(all.unknown);
  const standing = all.value.map(drive => ({ drive, order: orderOfDrives(image, [drive]) }));
  const wanted = standing.filter(({ order }) => order === 'older' || (downgrade && order !== 'same'));
  const kept = standing.find(({ drive, order }) => order !== 'same' && !wanted.some(each => each.drive === drive));
  if (kept && !storage.selective)
    return refused(
      `its BMC gives an image to every drive of the model, and ${kept.drive.name} (${showFact(kept.drive.firmware)}) is not to go to ${image.version}`,
    );
  const drives = wanted.map(({ drive }) => plannedDrive(drive));
  const nameless = drives.find(({ serial }) => serial === undefined);
  if (nameless) return refused(`the serial number of ${nameless.name} is not known, so its change could not be proved`);
  return { drives: drives as PlannedDrive[] };
}

function plannedDrive({ name, serial, model, firmware }: Drive) {
  return { serial: factValue(serial), name, model: showFact(model), from: showFact(firmware) };
}

export type FirmwareWay = { changes: FirmwareChange[]; warnings: string[] } | { refused: string };

/** One change for all of them, by the way that leads from what each runs; where the ways differ, somebody sees to some of them first. */
export function inOneWay(drives: PlannedDrive[], wayFrom: (have: string) => FirmwareWay): FirmwareWay {
  const versions = [...new Set(drives.map(({ from }) => from))].sort();
  const ways: Exclude<FirmwareWay, { refused: string }>[] = [];
  for (const way of versions.map(wayFrom)) {
    if ('refused' in way) return way;
    ways.push(way);
  }
  const told = versions.join(' and ');
  const first = ways.find(({ changes }) => changes.some(({ downgrade }) => downgrade)) ?? ways[0];
  const images = ({ changes }: (typeof ways)[number]) => changes.map(({ image }) => image).join();
  if (!first || ways.some(way => images(way) !== images(first)))
    return { refused: `drives: those that run ${told} do not go by the same images` };
  const changes = first.changes.map((change, index) =>
    index === 0
      ? { ...change, from: told, drives }
      : { ...change, drives: drives.map(drive => ({ ...drive, from: change.from })) },
  );
  return { changes, warnings: [...new Set(ways.flatMap(({ warnings }) => warnings))] };
}
