/** One baseboard management controller: the host it watches and everything it remembers. Its resources render from here. */
import type { LabClock } from '../clock.ts';
import { FaultSet } from '../faults.ts';
import type { Host } from '../host.ts';
import { Access, type Account } from './access.ts';
import { BiosModel } from './bios.ts';
import { BootOverride } from './boot-override.ts';
import { chooseBoot } from './choose-boot.ts';
import { DriveModel } from './drives.ts';
import { EraseModel } from './erase.ts';
import { EventLog } from './event-log.ts';
import { EventService } from './events.ts';
import { Life, type LifeStage } from './life.ts';
import { MemoryModel } from './memory.ts';
import { PowerModel } from './power.ts';
import type { LockoutSpec } from './profiles/acts.ts';
import { type BmcMachine, bmcProfiles } from './profiles/catalog.ts';
import type { BmcProfile } from './profiles/profile.ts';
import { Stage } from './stage.ts';
import { ShownPower } from './stale-power.ts';
import { TaskList } from './task-list.ts';
import { ThermalModel } from './thermal.ts';
import { Updates } from './updates.ts';
import { VirtualMedia } from './virtual-media.ts';
import { WireFaults } from './wire-faults.ts';

export type ControllerOptions = {
  host: Host;
  machine: BmcMachine;
  /** The second server, on machines whose BMC has two. */
  neighbour?: Host | undefined;
  /** In place of the profile's. */
  bmcVersion?: string | undefined;
  /** Own IP address. */
  address: string;
  clock: LabClock;
  account: Account;
  /** Determines sensor noise, log history, and who the parts are. Default 1. */
  seed?: number;
  sessionLimit?: number;
  /** In place of the profile's. */
  lockout?: LockoutSpec;
};

export type ResourceUris = { system: string; chassis: string; manager: string; log: string };

export type LightState = 'Off' | 'Lit' | 'Blinking';

export class Controller {
  readonly profile: BmcProfile;
  readonly host: Host;
  /** What this BMC knows of a second server. */
  readonly neighbour: Controller | undefined;
  readonly clock: LabClock;
  readonly faults = new FaultSet();
  readonly stage = new Stage();
  readonly access: Access;
  readonly log: EventLog;
  readonly thermal: ThermalModel;
  readonly memory: MemoryModel;
  readonly drives: DriveModel;
  readonly power: PowerModel;
  readonly tasks: TaskList;
  readonly updates: Updates;
  readonly boot: BootOverride;
  readonly bios: BiosModel;
  readonly media: VirtualMedia;
  readonly events: EventService;
  readonly erase: EraseModel;
  readonly life: Life;
  readonly shownPower: ShownPower;
  readonly wire: WireFaults;
  readonly uris: ResourceUris;
  readonly address: string;
  readonly seed: number;
  assetTag = '';
  light: LightState = 'Off';

  constructor(options: ControllerOptions, profile = profileOf(options)) {
    const { host, clock, address, account, seed = 1 } = options;
    const { faults, stage } = this;
    this.profile = profile;
    this.host = host;
    this.address = address;
    this.seed = seed;
    this.clock = clock;
    const now = () => this.now();
    this.access = new Access({
      now,
      account,
      clock,
      sessionLimit: options.sessionLimit ?? profile.sessionLimit,
      lockout: { ...profile.acts.lockout, ...options.lockout },
    });
    const log = new EventLog({
      seed,
      name: host.name,
      history: profile.log.history,
      wraps: !profile.log.stopsWhenFull,
      now,
    });
    this.log = log;
    this.thermal = new ThermalModel({ host, clock, faults, log, profile, seed, stage });
    this.memory = new MemoryModel({ host, clock, faults, log, seed, stage, dimms: profile.memory.dimms });
    this.drives = new DriveModel({ name: host.name, faults, log, seed, stage, drives: profile.storage.drives });
    this.power = new PowerModel({ host, faults, log, seed, stage, spec: profile.power });
    const tasks = new TaskList({ profile, clock, faults });
    this.tasks = tasks;
    this.updates = new Updates({
      profile,
      host,
      clock,
      faults,
      log,
      tasks,
      drives: this.drives,
      address,
      life: { restart: () => this.life.restart(), die: () => this.life.die() },
    });
    const system = `/redfish/v1/Systems/${profile.systemId}`;
    const manager = `/redfish/v1/Managers/${profile.managerId}`;
    this.uris = {
      system,
      manager,
      chassis: `/redfish/v1/Chassis/${profile.chassisId}`,
      log: `${profile.log.owner === 'system' ? system : manager}/LogServices/${profile.log.id}`,
    };
    const { acts } = profile;
    const { userAgent } = profile.update;
    this.boot = new BootOverride(acts.boot);
    this.bios = new BiosModel({ spec: acts.bios, host, tasks, version: () => this.updates.firmware.active, faults });
    this.media = new VirtualMedia({ spec: acts.virtualMedia, clock, address, userAgent });
    this.events = new EventService({
      spec: acts.events,
      log,
      clock,
      address,
      entryUri: id => `${this.uris.log}/Entries/${id}`,
      observe: () => this.#observe(),
    });
    this.erase = new EraseModel({ clock, log, tasks, drives: profile.storage.drives });
    this.life = new Life({ clock, stages: acts.managerReset.stages, now });
    this.shownPower = new ShownPower({ host, clock, faults });
    this.wire = new WireFaults({ name: host.name, seed, clock, faults });
    this.neighbour = neighbourOf(options, profile);
    host.endPost = () => chooseBoot(this);
    this.life.onStage(stage => this.#atStage(stage));
    faults.onChange(kind => {
      if (kind === 'event-storm') this.#storm();
    });
  }

  /** By the BMC's own clock. */
  now(): Date {
    return new Date(Date.now() + (this.faults.get('clock-skew')?.ms ?? 0));
  }

  /** Models that compute on demand write their log now. */
  #observe(): void {
    this.thermal.fans();
    this.thermal.temperatures();
    this.memory.dimms();
  }

  /** What a restart of the BMC takes with it. */
  #atStage(stage: LifeStage): void {
    if (stage === 'unavailable') this.updates.bmcStarts();
    if (stage !== 'refused' && stage !== 'dead') return;
    this.updates.interrupt();
    if (this.faults.get('update-stalls')?.until === 'bmc-reset') this.faults.clear('update-stalls');
    this.access.logOutAll();
    this.events.forget();
    this.media.ejectAll();
  }

  #storm(): void {
    const count = this.faults.get('event-storm')?.count ?? 0;
    for (let i = 1; i <= count; i++) {
      this.log.append({ severity: 'Warning', messageId: 'NIC101', message: `A network port link is down (${i}).` });
    }
  }
}

function profileOf({ machine, bmcVersion }: ControllerOptions): BmcProfile {
  const profile = bmcProfiles[machine];
  return bmcVersion === undefined ? profile : { ...profile, firmware: { ...profile.firmware, bmc: bmcVersion } };
}

function neighbourOf(options: ControllerOptions, profile: BmcProfile): Controller | undefined {
  const { neighbour: host, seed = 1 } = options;
  if (host === undefined || profile.neighbour === undefined) return undefined;
  return new Controller(
    { ...options, host, neighbour: undefined, seed: seed + 1 },
    { ...profile, ...profile.neighbour },
  );
}
