/**
 * What differs between vendors, as data where it can be data. A profile is
 * chosen once per BMC; nothing else in the adapter asks for the vendor.
 */
import type { BiosValue } from '../../../core/bios.ts';
import type { Component, FirmwareMember, UpdateTraits, Vendor } from '../../../core/bmc.ts';
import type { BootSource } from '../../../core/bmc-change.ts';

/** A member of the firmware inventory, before anyone said what it is. */
export type FirmwareClues = {
  uri: string;
  id: string;
  name: string;
  version?: string;
  /** `Status.State` as the BMC spells it. */
  state?: string;
  /** Links under RelatedItem. */
  related: string[];
};

/** What the rest of the tree says about running firmware. */
export type RunningFirmware = {
  /** Id of the ComputerSystem, for BMCs that serve several. */
  systemId?: string;
  biosVersion?: string;
  managerVersions: string[];
  /** Inventory members that managers name as their active image, as comparable keys. */
  activeImages: Set<string>;
};

export type Verdict = Pick<FirmwareMember, 'state' | 'component' | 'drive'>;

/** {@link UpdateTraits}, and what the request says beside the image. */
export type UpdateFlow = Pick<UpdateTraits, 'activation' | 'settleMs'> & {
  applyTime?: 'OnReset' | 'Immediate' | 'OnStartUpdateRequest';
  /** The image is sent to the BMC; otherwise the BMC fetches it by SimpleUpdate. */
  push?: true;
  waitsForStart?: true;
  /** SimpleUpdate is told which drives the image is for; otherwise the image finds all of its model by itself. */
  namesDrives?: true;
  /** Parameters of SimpleUpdate that are this vendor's own, sent where its ActionInfo lists them. `saysAll`: it has to list each. */
  says?: Record<string, string | boolean>;
  saysAll?: true;
  /** What the form with a pushed image names as its target; nothing unless said. */
  targets?: 'bios' | 'manager';
};

export type VendorProfile = {
  vendor: Vendor;
  /** What is otherwise from a version of the BMC's firmware on; the later ones go last. */
  editions?: { since: string; switches: Partial<Omit<VendorProfile, 'vendor' | 'editions'>> }[];
  /** Names of log services worth reading, best first, beside the SEL that is always preferred. */
  logs: RegExp[];
  /** A graceful restart is what it says: the OS shuts down in order. */
  trustsGracefulRestart: boolean;
  /** Temperatures and fans are read from `ThermalSubsystem` first, not from `Thermal`. */
  newerThermalFirst?: true;
  /** Requests at once that it bears, where that is fewer than usual. */
  inFlight?: number;
  /** Sent with each boot override, for BMCs that fall back to legacy mode without it; what they show may be that already. */
  bootMode?: 'UEFI';
  /** Names of targets to try in place of the usual ones, best first. */
  bootsFrom?: Partial<Record<BootSource, string[]>>;
  /** BIOS changes wait for ever unless the request says when they apply. */
  biosSaysWhen?: true;
  /** BIOS attributes that say where HTTP boot fetches from, for BMCs that have or heed no `HttpBootUri`. */
  httpBoot?(uri: string): Record<string, BiosValue>;
  /** Ids of the virtual drives that take an image, where others are listed too. */
  mediaSlots?: RegExp;
  /** The boot override is written to the settings object, not to the system. */
  bootThroughSettings?: true;
  update: Partial<Record<Component, UpdateFlow>>;
  /** Why a component is never updated here, as the end of a sentence. */
  refuses?: Partial<Record<Component, string>>;
  /** Says for every member, in order, whether it runs now. May look at all of them: some can only be told apart together. */
  classify(members: FirmwareClues[], running: RunningFirmware): Verdict[];
};
