/**
 * What a BMC can tell and be asked, free of Redfish's wire forms. Real trees
 * are incomplete in many ways, so every reading is a {@link Fact}: a value, or
 * the reason why there is none. Unknown is never shown as healthy.
 */
import type { BiosReading, BiosRegistry } from './bios.ts';
import type { BmcChange, BmcChangeOutcome, BmcStatus, ErasableDrive, MediaSlot } from './bmc-change.ts';
import type { Hearing, Hint } from './bmc-events.ts';
import type { EffectGrant } from './effect.ts';
import type { HardwareInventory, HealthSample, PowerSupply, Storage, Upkeep } from './hardware.ts';
import type { ImageFile } from './images.ts';

export type Vendor = 'dell' | 'hpe' | 'openbmc' | 'lenovo' | 'supermicro' | 'ami' | 'nvidia' | 'generic';
/** `nic`: network cards. `drive`: drives, each with a version of its own. */
export type Component = 'bios' | 'bmc' | 'nic' | 'drive';

export type Fact<T> = { value: T } | { unknown: string };

export function known<T>(value: T): Fact<T> {
  return { value };
}

export function unknown(reason: string): { unknown: string } {
  return { unknown: reason };
}

export function factValue<T>(fact: Fact<T>): T | undefined {
  return 'value' in fact ? fact.value : undefined;
}

/** `value`, or `unknown (<reason>)`, for people. */
export function showFact(fact: Fact<string | number>): string {
  return 'value' in fact ? String(fact.value) : `unknown (${fact.unknown})`;
}

export type HealthLevel = 'ok' | 'warning' | 'critical';
export type PowerState = 'on' | 'off' | 'powering-on' | 'powering-off';

/** Who the machine is: the key of every disruptive act (never the host name). */
export type ServerIdentity = {
  /** URI of the ComputerSystem on its BMC. */
  systemUri: string;
  /** Upper-case RFC 4122 text as Redfish gives it. */
  uuid: Fact<string>;
  serial: Fact<string>;
  manufacturer: Fact<string>;
  model: Fact<string>;
  vendor: Vendor;
};

export type SensorReading = {
  name: string;
  uri: string;
  reading: Fact<number>;
  unit: 'celsius' | 'rpm' | 'percent';
  health: Fact<HealthLevel>;
  /** Thresholds of the BMC, in `unit`, where it gives them. */
  upperCaution?: number;
  upperCritical?: number;
};

export type MemoryErrors = {
  dimm: string;
  corrected: Fact<number>;
  uncorrected: Fact<number>;
  health: Fact<HealthLevel>;
};

/** One entry of the system event log. `message` was written by a machine: untrusted text. */
export type LogEntry = { id: string; created: Fact<string>; severity: HealthLevel; message: string };

/** Tells what is known already of a log, by the URI of its entries; undefined for a log that was never read. */
export type KnownEntries = (log: string) => ((entry: LogEntry) => boolean) | undefined;

export type FirmwareMember = {
  uri: string;
  id: string;
  name: string;
  version: Fact<string>;
  /** `active` runs now; `inactive` is a Previous, Staging, Golden, Backup, Redundant … copy, and proves nothing. */
  state: 'active' | 'inactive' | 'unknown';
  /** What the vendor profile knows it to be. */
  component?: Component;
  /** The one drive that it is the firmware of, where it can be updated: its URI, or its Id where the BMC gives no more. */
  drive?: string;
};

/** What plans stand on: who the server is, and what firmware it has. */
export type ServerMakeup = {
  identity: ServerIdentity;
  firmware: Fact<FirmwareMember[]>;
  /** URIs of other servers behind the same BMC. */
  neighbours: string[];
  /** How an update of each would come into force; unknown where it cannot be updated from here, with the reason. */
  activations: Record<Component, Fact<Activation>>;
};

export type ServerHealth = ServerMakeup & {
  power: Fact<PowerState>;
  health: Fact<HealthLevel>;
  temperatures: Fact<SensorReading[]>;
  fans: Fact<SensorReading[]>;
  memory: Fact<MemoryErrors[]>;
  /** Newest first, at most 20. */
  log: Fact<LogEntry[]>;
};

/**
 * How firmware that was taken comes into force. A BIOS: its task waits for a host reset that we must send
 * (`reset-while-pending`), or finishes first (`reset-after`). A BMC's own, while the host runs on: it restarts by itself after
 * its task (`bmc-restarts`), or only when it is told to (`restart-bmc`). Or the whole server, BMC included, has to lose its
 * power for a moment, and its host with it (`power-cycle`).
 */
export type Activation = 'reset-while-pending' | 'reset-after' | 'bmc-restarts' | 'restart-bmc' | 'power-cycle';

export type TaskState = 'pending' | 'running' | 'awaiting-reset' | 'completed' | 'failed' | 'gone';

/** A firmware task or vendor job. `gone` (404) says nothing about success. */
export type UpdateTask = {
  uri: string;
  state: TaskState;
  percent?: number;
  /** Machine text. */
  message?: string;
  /** It failed because it stood still, says the BMC: so will the next one, until the BMC restarts. */
  stalled?: true;
};

export type UpdateRequest = {
  /** Where the BMC pulls the image from; built by us, never by a model. */
  imageUri: string;
  protocol: 'HTTP' | 'HTTPS';
  component: Component;
  /** The same image, for BMCs that it is sent to. */
  image: ImageFile;
  /** URIs of the drives that it is for, and for no others. */
  drives?: string[];
};

export type UpdateOutcome =
  | { outcome: 'accepted'; task?: string }
  /** The BMC answered with a clear refusal: nothing was started. */
  | {
      outcome: 'refused';
      status: number;
      /** Machine text. */
      reason: string;
      /** What it says, for programs: ids of message registries. */
      messageIds: string[];
      why?: RefusedFor;
    };

/**
 * What a refusal means where that is known. `unlicensed`: nobody paid for it, and no other account helps. `update-mode`: the BMC
 * holds an image that was never written, and takes no other until it restarts.
 */
export type RefusedFor = 'unlicensed' | 'update-mode';

/** How this BMC's vendor profile carries an update to the running version. */
export type UpdateTraits = {
  activation: Activation;
  /** After this long without fetch, task or version change, a POST whose answer was lost counts as never accepted. */
  settleMs: number;
  /** The BMC fetches the image itself (`pull`), or is sent it (`push`). */
  transfer: 'pull' | 'push';
  /** The image is only checked when it was taken: a second request begins to write it. */
  waitsForStart: boolean;
};

/** `shut-down` asks the operating system; `cut` does not. */
export type PowerPurpose = 'restart' | 'on' | 'shut-down' | 'cut';

export type ResetType = 'GracefulRestart' | 'ForceRestart' | 'On' | 'ForceOff' | 'GracefulShutdown';

/**
 * One BMC, one session. Reads may be repeated freely. Every write demands an
 * {@link EffectGrant}, which only the guard mints after the intent is
 * committed to the custody log; a write is sent once and never retried here.
 *
 * Failures are FleetErrors: bmc_unreachable, bmc_auth, bmc_protocol,
 * certificate_changed, timeout. A write whose answer was lost throws
 * `ambiguous`.
 */
export type Bmc = {
  /** Origin that its requests go to, `https://host[:port]`. */
  readonly url: string;
  /** By this process. One more is needed where the BMC forgot the last, as it does when it restarts. */
  readonly sessionsOpened: number;
  /** Whether it answers at this very moment: asked once. */
  answers(): Promise<boolean>;
  identity(): Promise<ServerIdentity>;
  /** Read now, with a third of the requests of {@link health}: a plan over a fleet asks thousands of BMCs. */
  makeup(): Promise<ServerMakeup>;
  health(): Promise<ServerHealth>;
  /** What the server is made of. May be some minutes old; nothing that is about to be changed is judged by it. */
  inventory(): Promise<HardwareInventory>;
  /**
   * What may have changed since the last look, as cheaply as this BMC allows; never the firmware. What was not read
   * `withinMs` is unknown for that reason; throws timeout when not even the system was. With `known`, logs are read as far
   * back as something known; without it, the newest entries of one.
   */
  sample(wanted?: { withinMs?: number | undefined; known?: KnownEntries | undefined }): Promise<HealthSample>;
  /** Behind everything else, as {@link sample}; a firmware inventory may take a BMC minutes. */
  upkeep(): Promise<Upkeep>;
  firmware(): Promise<FirmwareMember[]>;
  power(): Promise<Fact<PowerState>>;
  /** What an update of drives stands on, read now. */
  storage(): Promise<Storage>;
  /** Those in place, read now; unknown where the BMC lists none. */
  powerSupplies(): Promise<Fact<PowerSupply[]>>;
  /** `LastResetTime` of the system, where the BMC keeps one. */
  lastReset(): Promise<Fact<string>>;
  tasks(): Promise<UpdateTask[]>;
  task(uri: string): Promise<UpdateTask>;
  updateTraits(component: Component): Promise<UpdateTraits>;
  /** Where the update request will go, for the intent. */
  updateTarget(component: Component): Promise<{ method: 'POST'; path: string }>;
  startUpdate(grant: EffectGrant, request: UpdateRequest): Promise<UpdateOutcome>;
  /** The request that begins to write an image that was checked. Throws bmc_refused where the BMC has none. */
  writeTarget(): Promise<{ method: 'POST'; path: string }>;
  startWriting(grant: EffectGrant): Promise<UpdateOutcome>;
  /** Where the reset request will go, for the intent, and the type this BMC allows for it; `restart` unless said. */
  resetTarget(purpose?: PowerPurpose): Promise<{ method: 'POST'; path: string; type: ResetType }>;
  reset(grant: EffectGrant, type: ResetType): Promise<void>;
  /** What the BMC says of itself, and what was set through it. */
  status(): Promise<BmcStatus>;
  /** The request that would make the change, for the intent. Throws bmc_refused where this BMC cannot. */
  changeTarget(change: BmcChange): Promise<{ method: 'POST' | 'PATCH'; path: string; body: unknown }>;
  /** Sent once. Throws bmc_refused with `retry: later` where nothing was done and the same may be asked again in a while. */
  change(grant: EffectGrant, change: BmcChange): Promise<BmcChangeOutcome>;
  /** Throws bmc_refused where the BMC shows no BIOS attributes, or offers no way to change them. */
  bios(): Promise<BiosReading>;
  /** Throws bmc_refused where the BMC serves none. */
  biosRegistry(): Promise<BiosRegistry>;
  /** Virtual drives that take a CD image; none where the BMC has none. */
  media(): Promise<MediaSlot[]>;
  /** Every drive of the server. Throws bmc_protocol when any of them cannot be read: none may be overlooked. */
  erasableDrives(): Promise<ErasableDrive[]>;
  /** Deletes the session. Safe to call twice. */
  close(): Promise<void>;
};

/** Log-ins at one BMC since the start: begun, refused by it, and held back because it had refused too often. */
export type LogInCounts = { tried: number; refused: number; withheld: number };

/** Opens BMCs by node name; shares sessions, limits and the log-in breaker per BMC. */
export type Bmcs = {
  of(node: string): Bmc;
  /** Closes sessions left by an earlier life of the process, then those of this one; they open again on demand. */
  closeAll(): Promise<void>;
  /** Closes what the ledger has of this process beside what it uses: sessions of others that have become its own. */
  closeInherited(): Promise<void>;
  /** One for each BMC, under the site that it was opened with. */
  logIns(): (LogInCounts & { site: string | undefined })[];
  /** Hears of events from now on, in the way that each BMC allows; `hint` is told of each. */
  listen(hint: Hint): void;
  /** One for each BMC, as {@link logIns}. */
  hearings(): (Hearing & { site: string | undefined })[];
  /** Closes them all for good: whatever still runs logs in nowhere any more. */
  end(): Promise<void>;
};

/**
 * Durable list of the sessions that we opened, so that a crash leaves none behind on a BMC. In place of an address stands the
 * mark of a log-in that has begun, until its answer came. Never holds a token.
 */
export type SessionLedger = {
  opened(bmcUrl: string, sessionUri: string): Promise<void>;
  closed(bmcUrl: string, sessionUri: string): Promise<void>;
  /** Of one BMC, or of all. `foreign` are those of other processes. */
  list(bmcUrl?: string): Promise<{ bmcUrl: string; sessionUri: string; foreign?: true }[]>;
};

/**
 * Durable list of refused log-ins, so that a restart does not begin to count
 * anew and lock an account. A credential is told by a digest that does not
 * give it away.
 */
export type LoginLedger = {
  failed(bmcUrl: string, credentialDigest: string, at: Date): Promise<void>;
  /** Of every credential, later than `since`, in any order. */
  failures(bmcUrl: string, since: Date): Promise<{ credentialDigest: string; at: Date }[]>;
};
