/** One baseboard management controller: the host it watches and everything it remembers. Its resources render from here. */
import type { LabClock } from '../clock.ts';
import { FaultSet } from '../faults.ts';
import type { Host } from '../host.ts';
import { Access, type Account } from './access.ts';
import { EventLog } from './event-log.ts';
import { MemoryModel } from './memory.ts';
import { bmcProfiles } from './profiles/catalog.ts';
import type { BmcProfile, LabVendor } from './profiles/profile.ts';
import { ThermalModel } from './thermal.ts';
import { Updates } from './updates.ts';

export type ControllerOptions = {
  host: Host;
  vendor: LabVendor;
  /** Own IP address. */
  address: string;
  clock: LabClock;
  account: Account;
  /** Determines sensor noise and log history. Default 1. */
  seed?: number;
  sessionLimit?: number;
  lockoutThreshold?: number;
};

export type ResourceUris = { system: string; chassis: string; manager: string; log: string };

export class Controller {
  readonly profile: BmcProfile;
  readonly host: Host;
  readonly clock: LabClock;
  readonly faults = new FaultSet();
  readonly access: Access;
  readonly log: EventLog;
  readonly thermal: ThermalModel;
  readonly memory: MemoryModel;
  readonly updates: Updates;
  readonly uris: ResourceUris;
  readonly started = new Date();
  assetTag = '';

  constructor(options: ControllerOptions) {
    const { host, clock, address, account, seed = 1 } = options;
    const profile = bmcProfiles[options.vendor];
    const { faults } = this;
    this.profile = profile;
    this.host = host;
    this.clock = clock;
    this.access = new Access({
      account,
      clock,
      sessionLimit: options.sessionLimit ?? profile.sessionLimit,
      lockoutThreshold: options.lockoutThreshold,
    });
    const log = new EventLog({ seed, name: host.name, history: profile.log.history });
    this.log = log;
    this.thermal = new ThermalModel({ host, clock, faults, log, profile, seed });
    this.memory = new MemoryModel({ host, clock, faults, log, seed, dimms: profile.memory.dimms });
    this.updates = new Updates({ profile, host, clock, faults, log, address });
    const system = `/redfish/v1/Systems/${profile.systemId}`;
    const manager = `/redfish/v1/Managers/${profile.managerId}`;
    this.uris = {
      system,
      manager,
      chassis: `/redfish/v1/Chassis/${profile.chassisId}`,
      log: `${profile.log.owner === 'system' ? system : manager}/LogServices/${profile.log.id}`,
    };
  }
}
