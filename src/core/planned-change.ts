/**
 * What a plan changes on one server, in the order in which it is done: each change is proved to be in force before the next
 * begins. The node is drained once for all of them.
 */
import { type BiosChange, showBiosChange } from './bios.ts';
import type { Activation, Component } from './bmc.ts';

export type FirmwareChange = {
  kind: 'firmware';
  component: Component;
  /** Catalogue id. */
  image: string;
  /** Of a change of drives: each of them that it is for. */
  drives?: PlannedDrive[];
  /** Of drives that run several versions, all of them. */
  from: string;
  to: string;
  sha256: string;
  /** What is done to the server once it took the image; another than this is not done. */
  activation: Activation;
  /** Asked for: `to` is older, or nobody knows. */
  downgrade?: true;
};

/** A drive is its serial number: one that was put into the same bay since is another. */
export type PlannedDrive = { serial: string; name: string; model: string; from: string };

export type BiosChangeSet = {
  kind: 'bios-settings';
  settings: BiosChange[];
  /** They wait on the BMC until the host starts. */
  activation: 'next-start';
};

export type PlannedChange = FirmwareChange | BiosChangeSet;

export function isFirmware(change: PlannedChange): change is FirmwareChange {
  return change.kind === 'firmware';
}

export function biosChangeSet(settings: BiosChange[]): BiosChangeSet {
  return { kind: 'bios-settings', settings, activation: 'next-start' };
}

/** Part of the name of each of its steps, and so unique on its node: `2-bios`. */
export function changeName(change: PlannedChange, index: number): string {
  return `${index + 1}-${isFirmware(change) ? change.component : change.kind}`;
}

/** For people. */
export const componentNames: Record<Component, string> = { bios: 'BIOS', bmc: 'BMC', nic: 'NIC', drive: 'drives' };

/** What is there once it is done, for people: `BMC 7.20`. */
export function showEnd(change: PlannedChange): string {
  return isFirmware(change) ? `${componentNames[change.component]} ${change.to}` : 'BIOS settings';
}

/** All of them, stepping stones in one chain: `BMC 7.10→7.20, BIOS 2.1→2.4→2.8`. */
export function showChanges(changes: PlannedChange[]): string {
  const told: string[] = [];
  for (const [index, change] of changes.entries()) {
    const before = changes[index - 1];
    if (!isFirmware(change)) told.push(...change.settings.map(showBiosChange));
    else if (before && isFirmware(before) && sameParts(before, change)) told.push(`${told.pop()}→${change.to}`);
    else told.push(`${partsOf(change)} ${change.from}→${change.to}`);
  }
  return told.join(', ');
}

/** Whether two changes are steps on one way: of one component, and of the same drives of a server. */
export function sameParts(a: FirmwareChange, b: FirmwareChange): boolean {
  const drives = ({ drives = [] }: FirmwareChange) => JSON.stringify(drives.map(({ serial }) => serial).sort());
  return a.component === b.component && drives(a) === drives(b);
}

function partsOf({ component, drives }: FirmwareChange): string {
  if (drives === undefined) return componentNames[component];
  return `${drives.length} ${drives.length === 1 ? 'drive' : 'drives'} ${[...new Set(drives.map(({ model }) => model))].join(', ')}`;
}
