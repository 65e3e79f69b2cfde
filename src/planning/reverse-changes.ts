/**
 * The way back from what an operation changed on one server: every change the other way round, the last one first, so that the
 * server passes only through states that it has been in. Only what still runs as the operation left it goes back, and only to
 * versions that the catalogue has and the vendor lets it go back to. Pure.
 */
import type { BiosValue } from '../core/bios.ts';
import { type Component, type Fact, factValue, type ServerMakeup, showFact } from '../core/bmc.ts';
import type { FirmwareImage } from '../core/fleet.ts';
import { type BiosChangeSet, type FirmwareChange, isFirmware, type PlannedChange } from '../core/planned-change.ts';
import { activeVersion } from './compliance.ts';
import { compareVersions } from './version.ts';
import { versionPath } from './version-path.ts';
import { type BiosFacts, checkedSettings, firmwareChange, type Wanted } from './wanted-changes.ts';

export type ReverseRequest = {
  /** What was changed and proved, in that order. */
  made: PlannedChange[];
  server: ServerMakeup;
  catalogue: FirmwareImage[];
  /** Read where settings were changed. */
  bios?: Fact<BiosFacts>;
};

/** What cannot go back is left out, with its reason. */
export function reverseChanges(request: ReverseRequest): Wanted {
  const { made } = request;
  const settings = made.filter(change => !isFirmware(change)).flatMap(change => change.settings);
  const components = new Set(made.filter(isFirmware).map(({ component }) => component));
  const ways = [
    ...(settings.length > 0 ? [settingsBack(request, settings)] : []),
    ...[...components].toReversed().map(component => imagesBack(request, component)),
  ];
  const changes = ways.flatMap(way => way.changes);
  const told = ways.flatMap(way => way.told);
  if (changes.length > 0) return { changes, warnings: told };
  return { excluded: told.join('; ') || 'the operation changed nothing on it that could go back' };
}

type Back = { changes: PlannedChange[]; told: string[] };

function imagesBack({ made, server, catalogue }: ReverseRequest, component: Component): Back {
  const { identity, firmware, activations } = server;
  const chain = made.filter(isFirmware).filter(change => change.component === component);
  const stays = (why: string) => ({ changes: [], told: [`${component} stays: ${why}`] });
  if (component === 'drive') return stays('drives go back by a plan that names their image (flashFirmware)');
  const runs = factValue(activeVersion(firmware, component));
  const left = chain.at(-1)?.to ?? '';
  const same = (a: string, b: string) => compareVersions(identity.vendor, component, a, b) === 'same';
  if (runs === undefined || !same(runs, left)) return stays(`it runs ${runs ?? 'an unknown version'}, not ${left}`);
  const model = factValue(identity.model);
  const activation = activations[component];
  if (model === undefined || 'unknown' in activation)
    return stays('unknown' in activation ? activation.unknown : showFact(identity.model));
  const changes: FirmwareChange[] = [];
  const told: string[] = [];
  let from = runs;
  for (const { from: earlier } of chain.toReversed()) {
    const wanted = catalogue.find(
      image =>
        image.vendor === identity.vendor &&
        image.component === component &&
        image.models.includes(model) &&
        same(image.version, earlier),
    );
    if (!wanted) return stays(`the catalogue has no image of ${earlier}`);
    const path = versionPath({ have: from, wanted, stones: catalogue, model, downgrade: true });
    if ('refused' in path) return stays(path.refused);
    changes.push(firmwareChange(wanted, { from, activation: activation.value, downgrade: true }));
    told.push(...path.warnings);
    from = wanted.version;
  }
  return { changes, told };
}

function settingsBack({ bios }: ReverseRequest, settings: BiosChangeSet['settings']): Back {
  const stays = (why: string) => ({ changes: [], told: [`BIOS settings stay: ${why}`] });
  if (!bios || 'unknown' in bios) return stays(bios ? bios.unknown : 'they were not read');
  const { active } = bios.value;
  const moved = settings.filter(({ attribute, to }) => active[attribute] !== to).map(({ attribute }) => attribute);
  const ours = settings.filter(({ attribute }) => !moved.includes(attribute));
  const told = moved.map(attribute => `BIOS setting ${attribute} stays: it is not what the operation left`);
  const wanted: Record<string, BiosValue> = Object.fromEntries(ours.map(({ attribute, from }) => [attribute, from]));
  const way = checkedSettings(bios.value, wanted);
  if (!way) return { changes: [], told };
  if ('refused' in way) return stays(way.refused);
  return { changes: way.changes, told: [...told, ...way.warnings] };
}
