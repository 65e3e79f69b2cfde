/** The drives that a plan names, as they are now. A drive is its serial number: one that was put into its bay since is another. Pure. */
import { type Fact, factValue, showFact, unknown } from '../core/bmc.ts';
import type { Drive, Storage } from '../core/hardware.ts';
import type { FirmwareChange, PlannedDrive } from '../core/planned-change.ts';
import { versionsOf } from './drive-changes.ts';
import { storageTrouble } from './storage-health.ts';

type DriveChange = Pick<FirmwareChange, 'drives' | 'to'>;

/** Their versions, as {@link versionsOf}; unknown while one of them is not there. */
export function runningOn({ drives = [] }: DriveChange, storage: Storage): Fact<string> {
  if ('unknown' in storage.drives) return storage.drives;
  const found: Drive[] = [];
  for (const planned of drives) {
    const drive = driveNow(planned, storage);
    if (!drive) return unknown(`${nameOf(planned)} is not there`);
    found.push(drive);
  }
  return versionsOf(found);
}

/** How many of them run the wanted version, and what the others do. */
export function tellDrives({ drives = [], to }: DriveChange, storage: Storage): string {
  const others = drives.flatMap(planned => {
    const drive = driveNow(planned, storage);
    if (!drive) return [`${nameOf(planned)} is not there`];
    const runs = showFact(drive.firmware);
    return runs === to ? [] : [`${nameOf(planned)} runs ${runs}`];
  });
  const told = `${drives.length - others.length} of ${drives.length} drives run ${to}`;
  return others.length === 0 ? told : `${told}: ${others.join(', ')}`;
}

/** Why the image may not be handed over now: a planned drive is gone, another would get it too, or storage is not well. */
export function whyNotWritten({ drives = [], to }: DriveChange, storage: Storage): string | undefined {
  const trouble = storageTrouble(storage);
  if (trouble) return trouble;
  const gone = drives.find(planned => !driveNow(planned, storage));
  if (gone) return `${nameOf(gone)} is not there any more`;
  const models = new Set(drives.map(({ model }) => model));
  const planned = new Set(drives.map(({ serial }) => serial));
  const stranger = (factValue(storage.drives) ?? []).find(
    ({ serial, model, firmware }) =>
      models.has(showFact(model)) && !planned.has(showFact(serial)) && showFact(firmware) !== to,
  );
  if (!stranger || storage.selective) return undefined;
  return `its BMC would give the image to ${stranger.name} (${showFact(stranger.serial)}) too, which the plan does not name`;
}

/** Where they are now. Throws nothing: one that is not there is left out, which {@link whyNotWritten} tells. */
export function placesOf({ drives = [] }: DriveChange, storage: Storage): string[] {
  return drives.flatMap(planned => driveNow(planned, storage)?.uri ?? []);
}

/** Of two that call themselves the same, nobody knows which is meant. */
function driveNow({ serial, model }: PlannedDrive, { drives }: Storage): Drive | undefined {
  const found = (factValue(drives) ?? []).filter(
    drive => factValue(drive.serial) === serial && factValue(drive.model) === model,
  );
  return found.length === 1 ? found[0] : undefined;
}

function nameOf({ name, serial }: PlannedDrive): string {
  return `${name} (${serial})`;
}
