/**
 * What a baseline wants changed on one server, in the order in which it is done: the BMC first, because it is what carries the
 * others and newer ones carry them better; then the BIOS, then what sits behind it; BIOS settings last, because a new BIOS may
 * bring new settings, or set them back. Stepping stones of one component follow each other. What cannot be done is left out
 * and told. Pure.
 */
import type { BiosReading, BiosRegistry, BiosValue } from '../core/bios.ts';
import { type Component, type Fact, factValue, known, type ServerMakeup, showFact } from '../core/bmc.ts';
import { FleetError } from '../core/errors.ts';
import type { BiosBaseline, FirmwareImage } from '../core/fleet.ts';
import type { Storage } from '../core/hardware.ts';
import { biosChangeSet, type FirmwareChange, type PlannedChange } from '../core/planned-change.ts';
import { checkBios } from './bios-settings.ts';
import { type Compliance, complianceOf } from './compliance.ts';
import { drivesOf, driveTargets, type FirmwareWay, inOneWay } from './drive-changes.ts';
import { versionPath } from './version-path.ts';

export type Wanted = { changes: PlannedChange[]; warnings: string[] } | { excluded: string };

/** What a server's BIOS shows of its settings. */
export type BiosFacts = Pick<BiosReading, 'active'> & { registry: BiosRegistry };

export type WantedRequest = {
  images: FirmwareImage[];
  /** Images that nodes may go by on the way to a wanted one. */
  stones: FirmwareImage[];
  /** Somebody asked for going back. */
  downgrade?: boolean;
  /** BIOS settings of the baseline. */
  settings?: BiosBaseline[];
};

type Server = { name: string; server: ServerMakeup; bios?: Fact<BiosFacts>; storage?: Fact<Storage> };

export const componentOrder: Component[] = ['bmc', 'bios', 'nic', 'drive'];

export function wantedChanges(request: WantedRequest, about: Server): Wanted {
  const { name, server, bios, storage } = about;
  const { identity, firmware } = server;
  const node = { name, model: identity.model, vendor: identity.vendor, firmware, ...drivesOf(storage) };
  const compliances = complianceOf(node, request.images);
  const ways = compliances
    .filter(compliance => isToDo(compliance, request.downgrade ?? false))
    .toSorted((a, b) => componentOrder.indexOf(a.component) - componentOrder.indexOf(b.component))
    .map(compliance =>
      compliance.component === 'drive' ? wayOfDrives(request, about, compliance) : wayOf(request, server, compliance),
    );
  const settings = wantedSettings(request.settings ?? [], server, bios);
  const all = [...ways, ...(settings ? [settings] : [])];
  const refused = all.flatMap(way => ('refused' in way ? [way.refused] : []));
  const changes = all.flatMap(way => ('refused' in way ? [] : way.changes));
  if (changes.length === 0) return { excluded: refused.join('; ') || whyNot(compliances) };
  const told = all.flatMap(way => ('refused' in way ? [`left out: ${way.refused}`] : way.warnings));
  return { changes, warnings: told };
}

type Way = { changes: PlannedChange[]; warnings: string[] } | { refused: string };

function wayOf(
  { images, stones, downgrade = false }: WantedRequest,
  server: ServerMakeup,
  compliance: Compliance,
): FirmwareWay {
  const wanted = images.find(candidate => candidate.id === compliance.image);
  const have = factValue(compliance.have);
  const model = factValue(server.identity.model);
  if (!wanted || have === undefined || !model)
    return { refused: `${compliance.component}: ${showFact(compliance.have)}` };
  const path = versionPath({ have, wanted, stones, model, downgrade });
  if ('refused' in path) return path;
  const activation = server.activations[wanted.component];
  if ('unknown' in activation) return { refused: activation.unknown };
  const changes = path.images.map((image, index): FirmwareChange => {
    const from = path.images[index - 1]?.version ?? have;
    return firmwareChange(image, { from, activation: activation.value, downgrade: path.downgrade });
  });
  return { changes, warnings: path.warnings };
}

function wayOfDrives(request: WantedRequest, { server, storage }: Server, compliance: Compliance): FirmwareWay {
  const wanted = request.images.find(candidate => candidate.id === compliance.image);
  const read = storage && factValue(storage);
  if (!wanted || !read) return { refused: `drives: ${showFact(compliance.have)}` };
  const targets = driveTargets(wanted, read, request.downgrade ?? false);
  if ('refused' in targets) return targets;
  const { drives } = targets;
  const stones = request.stones.filter(stone => drives.every(({ model }) => stone.drives?.includes(model)));
  return inOneWay(drives, have => wayOf({ ...request, stones }, server, { ...compliance, have: known(have) }));
}

export function firmwareChange(
  { id, component, version, sha256 }: FirmwareImage,
  { from, activation, downgrade }: Pick<FirmwareChange, 'from' | 'activation'> & { downgrade: boolean },
): FirmwareChange {
  const way = { from, to: version, sha256, activation };
  return { kind: 'firmware', component, image: id, ...way, ...(downgrade ? { downgrade: true as const } : {}) };
}

/** Undefined where the baseline wants none of this model, or all is so already. */
function wantedSettings(
  baselines: BiosBaseline[],
  { identity }: ServerMakeup,
  bios?: Fact<BiosFacts>,
): Way | undefined {
  const model = factValue(identity.model);
  const attributes = baselines.find(({ models }) => model !== undefined && models.includes(model))?.attributes;
  if (!attributes || !bios) return undefined;
  if ('unknown' in bios) return { refused: `BIOS settings: ${bios.unknown}` };
  return checkedSettings(bios.value, attributes);
}

/** As {@link checkBios}; undefined where all is so already. */
export function checkedSettings(bios: BiosFacts, attributes: Record<string, BiosValue>): Way | undefined {
  const settings = Object.entries(attributes).map(([name, value]) => `${name}=${value}`);
  try {
    const { changes, follows } = checkBios({ ...bios, settings });
    return {
      changes: [biosChangeSet(changes)],
      warnings: follows.map(set => `the BIOS sets by itself then: ${set}`),
    };
  } catch (thrown) {
    const { code, message } = FleetError.from(thrown);
    return code === 'precondition_failed' ? undefined : { refused: `BIOS settings: ${message}` };
  }
}

/** Where going back was asked for, so is what runs a newer version, or one whose order is not known. */
function isToDo({ status, have }: Compliance, downgrade: boolean): boolean {
  if (status === 'behind') return true;
  return downgrade && (status === 'ahead' || status === 'unknown') && 'value' in have;
}

function whyNot(compliances: Compliance[]): string {
  const relevant = compliances.filter(compliance => compliance.status !== 'not-applicable');
  if (relevant.length === 0)
    return `none of the wanted images (${compliances.map(each => each.image).join(', ') || 'no baseline'}) is for its model`;
  return relevant
    .map(
      ({ component, have, want, status, reason }) =>
        `${component} is ${status}: has ${showFact(have)}, wanted ${want}${reason ? ` (${reason})` : ''}`,
    )
    .join('; ');
}
