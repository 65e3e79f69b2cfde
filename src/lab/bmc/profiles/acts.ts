/**
 * What one vendor's BMC lets itself be told beside power and firmware, as
 * data: the next boot, BIOS settings, virtual media, subscriptions, and a
 * restart of its own. Behaviour that these fields select lives in the models.
 */

export type BootEnabled = 'Disabled' | 'Once' | 'Continuous';
export type BootMode = 'UEFI' | 'Legacy';

export type BootSpec = {
  targets: readonly string[];
  enabled: readonly BootEnabled[];
  /** Undefined where the vendor shows none. `forgets`: the mode goes back to Legacy when a request leaves it out. */
  mode?: { initial: BootMode; forgets?: true };
  /** Whether `UefiTargetBootSourceOverride` is there. */
  uefiTarget?: true;
  http: {
    /** What `HttpBootUri` does. */
    uri: 'used' | 'ignored' | 'absent';
    /** BIOS attribute that says where HTTP boot goes instead. */
    attribute?: string;
  };
  /** Id of the settings object below the system; with it, `only` says that the system itself takes no boot override. */
  settings?: { id: string; only?: true };
  /** What a change is answered with while the host is in POST. */
  refusedInPost?: { status: number; messageId: string; message: string };
};

/** Real milliseconds of a BMC's own restart: nobody listens, connections are cut, 503, a tree with parts missing. */
export type ResetStages = { refusedMs: number; cutMs: number; unavailableMs: number; partialMs: number };

export type ManagerResetSpec = {
  types: readonly string[];
  stages: ResetStages;
  /** What becomes of an update that is being transferred or written. */
  runningUpdate: 'survives' | 'fails';
};

type AttributeBase = {
  name: string;
  label: string;
  /** Read-only: what the machine is, rather than what somebody chose. */
  reports?: 'version' | 'serial';
};
export type BiosAttribute = AttributeBase &
  (
    | { type: 'Enumeration'; default: string; values: readonly string[] }
    | { type: 'Integer'; default: number; lower: number; upper: number }
    | { type: 'String'; default: string; maxLength: number }
    | { type: 'Boolean'; default: boolean }
  );
export type BiosValue = string | number | boolean;

export type BiosSpec = {
  /** Id of the Bios resource below the system, and of its settings object; without one nothing can be set. */
  id: string;
  settings?: string;
  attributes: readonly BiosAttribute[];
  registry?: { id: string; owner: string; uri: string };
  /** The registry numbers the values of an enumeration; shown and taken are their labels. */
  labelled?: boolean;
  /** Attributes that cannot be set while another has this value. */
  readOnlyWhile?: readonly { attribute: string; other: string; is: BiosValue }[];
  /** Named where a change must say when it applies. */
  applyTimes?: readonly string[];
  /** Whether the settings object shows every attribute or only those that wait. */
  pending: 'all' | 'changes';
  /** Changes reach the host through a job of the vendor's queue: no job, no change. What is answered while one waits. */
  jobs?: { busy: { status: number; messageId: string; message: string } };
};

export type MediaSlot = {
  id: string;
  name: string;
  mediaTypes: readonly string[];
  /** How an image gets in: the InsertMedia action, a PATCH, or not at all over Redfish. */
  takes: 'action' | 'patch' | 'nothing';
};

export type VirtualMediaSpec = {
  under: 'manager' | 'system';
  slots: readonly MediaSlot[];
  /** What `Image` shows while nothing is in. */
  emptyImage: string | null;
  /** Action parameters that the standard has and this firmware refuses. */
  rejects?: readonly string[];
  /** EjectMedia is offered only while something is in. */
  hidesEject?: true;
  /** Boot override target that starts from it. */
  bootsAs: 'Cd' | 'UsbCd';
};

export type EventsSpec = {
  limit: number;
  /** Prefix of message ids, which the log leaves out. */
  registry: string;
  sse?: string;
  eventTypes?: readonly string[];
  retryAttempts: number;
  retryIntervalSeconds: number;
};

export type LockoutSpec = {
  /** Bad log-ins in a row that block the account; 0 for never. */
  threshold: number;
  /** Real seconds. */
  seconds: number;
  /** What AccountService says the threshold is, where that is not the truth; null where it says nothing. */
  shown?: number | null;
};

export type ActsSpec = {
  boot: BootSpec;
  light: { led: boolean; active: boolean };
  managerReset: ManagerResetSpec;
  bios: BiosSpec;
  virtualMedia?: VirtualMediaSpec;
  events: EventsSpec;
  /** Whether drives can be erased through the BMC. */
  secureErase?: true;
  lockout: LockoutSpec;
  /** Usual time to an answer, real milliseconds. */
  latency: { p50Ms: number; p95Ms: number };
};

/** Stages that add up to this many real seconds. */
export function resetStages(seconds: number): ResetStages {
  return { refusedMs: 450 * seconds, cutMs: 100 * seconds, unavailableMs: 250 * seconds, partialMs: 200 * seconds };
}

const onOff = ['Enabled', 'Disabled'] as const;

/** A setting that is enabled or disabled. */
export function toggle(name: string, label: string, on = true): BiosAttribute {
  return { name, label, type: 'Enumeration', values: onOff, default: on ? 'Enabled' : 'Disabled' };
}
