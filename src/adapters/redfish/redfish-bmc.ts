/** One server as the rest of the program sees it: the core's Bmc, over Redfish. */

import type { BiosReading, BiosRegistry } from '../../core/bios.ts';
import type {
  Bmc,
  Component,
  Fact,
  FirmwareMember,
  KnownEntries,
  PowerPurpose,
  PowerState,
  ResetType,
  ServerHealth,
  ServerIdentity,
  ServerMakeup,
  UpdateOutcome,
  UpdateRequest,
  UpdateTask,
  UpdateTraits,
} from '../../core/bmc.ts';
import type { BmcChange, BmcChangeOutcome, BmcStatus, ErasableDrive, MediaSlot } from '../../core/bmc-change.ts';
import type { Hearing } from '../../core/bmc-events.ts';
import type { EffectGrant } from '../../core/effect.ts';
import type { HardwareInventory, HealthSample, PowerSupply, Storage, Upkeep } from '../../core/hardware.ts';
import { readBios } from './bios.ts';
import { readBiosRegistry } from './bios-registry.ts';
import type { ChangeRequest } from './change-request.ts';
import { changeRequest, sendChange } from './changes.ts';
import type { Connection, Seen } from './connection.ts';
import { Deadline } from './deadline.ts';
import { Discovery } from './discovery.ts';
import { type EventOffer, readEventOffer } from './events/event-offer.ts';
import type { ExpandingConnection } from './expanding.ts';
import type { Turns } from './lane.ts';
import type { PollingConnection } from './polling.ts';
import { readFirmware } from './read-firmware.ts';
import { readInventory } from './read-inventory.ts';
import { readPowerSupplies } from './read-power-supplies.ts';
import { readSample } from './read-sample.ts';
import { readStatus } from './read-status.ts';
import { readStorage } from './read-storage.ts';
import { identify, lastResetOf, powerOf, readSystem } from './read-system.ts';
import { readTask, readTasks } from './read-tasks.ts';
import { readUpkeep } from './read-upkeep.ts';
import { powerTarget, sendReset } from './reset.ts';
import { surveyErase } from './secure-erase.ts';
import { type Met, serverHealth, serverMakeup } from './server-facts.ts';
import type { Session } from './session.ts';
import { sendUpdate, sendWrite, traitsOf, updatePath, writePath } from './update.ts';
import { readMedia } from './virtual-media.ts';

export class RedfishBmc implements Bmc {
  readonly #connection: Connection;
  readonly #expanding: ExpandingConnection;
  /** For reads that no write depends on. */
  readonly #polling: PollingConnection;
  readonly #reads: Turns;
  readonly #session: Session;
  readonly #line: { readonly hearing: Hearing };
  readonly #discovery: Discovery;

  constructor(fields: {
    connection: Connection;
    expanding: ExpandingConnection;
    polling: PollingConnection;
    reads: Turns;
    session: Session;
    systemUri?: string;
    line: { readonly hearing: Hearing };
    now: () => number;
  }) {
    this.#connection = fields.connection;
    this.#expanding = fields.expanding;
    this.#polling = fields.polling;
    this.#reads = fields.reads;
    this.#session = fields.session;
    this.#line = fields.line;
    this.#discovery = new Discovery(fields);
  }

  get url(): string {
    return this.#connection.url;
  }

  get sessionsOpened(): number {
    return this.#session.opened;
  }

  async answers(): Promise<boolean> {
    return this.#connection.answers();
  }

  async identity(): Promise<ServerIdentity> {
    const topology = await this.#discovery.found();
    return identify(this.#connection, await readSystem(this.#connection, topology), topology);
  }

  /** Throws when the BMC or its system cannot be read at all; any other resource becomes an unknown reading. */
  async makeup(): Promise<ServerMakeup> {
    return this.#reads.run(0, async () => serverMakeup(await this.#met(this.#expanding)));
  }

  /** As {@link makeup}. */
  async health(): Promise<ServerHealth> {
    return this.#reads.run(0, async () => serverHealth(await this.#met(this.#connection)));
  }

  /** Throws when the BMC or its system cannot be read at all. */
  async inventory(): Promise<HardwareInventory> {
    const seen: Seen = new Map();
    return readInventory(this.#polling.look({ seen }), await this.#discovery.found(seen));
  }

  /** As {@link health}, behind everything else that is asked of the BMC, and with the fewest requests. */
  async sample({
    withinMs,
    known: knownEntries,
  }: {
    withinMs?: number | undefined;
    known?: KnownEntries | undefined;
  } = {}): Promise<HealthSample> {
    const seen: Seen = new Map();
    const deadline = withinMs === undefined ? undefined : new Deadline(withinMs);
    try {
      // What was discovered too late is there for the next look.
      const topology = this.#discovery.lately(seen);
      return await readSample(
        this.#polling.look({ seen, deadline }),
        await (deadline === undefined ? topology : deadline.within(topology)),
        knownEntries,
      );
    } finally {
      deadline?.end();
    }
  }

  async upkeep(): Promise<Upkeep> {
    const seen: Seen = new Map();
    return readUpkeep(this.#polling.look({ seen }), await this.#discovery.found(seen));
  }

  async firmware(): Promise<FirmwareMember[]> {
    return readFirmware(this.#connection, await this.#discovery.found());
  }

  async power(): Promise<Fact<PowerState>> {
    const topology = await this.#discovery.found();
    return powerOf(await readSystem(this.#connection, topology), topology);
  }

  async storage(): Promise<Storage> {
    return readStorage(this.#connection, await this.#discovery.found());
  }

  async powerSupplies(): Promise<Fact<PowerSupply[]>> {
    return readPowerSupplies(this.#connection, await this.#discovery.found());
  }

  async lastReset(): Promise<Fact<string>> {
    const topology = await this.#discovery.found();
    return lastResetOf(await readSystem(this.#connection, topology), topology);
  }

  async tasks(): Promise<UpdateTask[]> {
    return readTasks(this.#connection, await this.#discovery.found());
  }

  async task(uri: string): Promise<UpdateTask> {
    return readTask(this.#connection, await this.#discovery.found(), uri);
  }

  async updateTraits(component: Component): Promise<UpdateTraits> {
    return traitsOf(await this.#discovery.found(), component);
  }

  async updateTarget(component: Component): Promise<{ method: 'POST'; path: string }> {
    const topology = await this.#discovery.certain();
    return { method: 'POST', path: await updatePath(this.#connection, topology, component) };
  }

  async startUpdate(_grant: EffectGrant, request: UpdateRequest): Promise<UpdateOutcome> {
    const topology = await this.#discovery.certain();
    try {
      return await sendUpdate(this.#connection, topology, request);
    } finally {
      this.#forget();
    }
  }

  async writeTarget(): Promise<{ method: 'POST'; path: string }> {
    const topology = await this.#discovery.certain();
    return { method: 'POST', path: await writePath(this.#connection, topology) };
  }

  async startWriting(_grant: EffectGrant): Promise<UpdateOutcome> {
    const topology = await this.#discovery.certain();
    try {
      return await sendWrite(this.#connection, topology);
    } finally {
      this.#forget();
    }
  }

  async resetTarget(purpose: PowerPurpose = 'restart'): Promise<{ method: 'POST'; path: string; type: ResetType }> {
    const topology = await this.#discovery.certain();
    return { method: 'POST', ...(await powerTarget(this.#connection, topology, purpose)) };
  }

  async reset(_grant: EffectGrant, type: ResetType): Promise<void> {
    const topology = await this.#discovery.certain();
    try {
      await sendReset(this.#connection, topology, type);
    } finally {
      this.#forget();
    }
  }

  async status(): Promise<BmcStatus> {
    const told = await readStatus(this.#connection, await this.#discovery.found());
    return { ...told, hearing: this.#line.hearing };
  }

  /** Behind everything else, as {@link sample}. */
  async eventOffer(): Promise<EventOffer> {
    const seen: Seen = new Map();
    return readEventOffer(this.#polling.look({ seen }), await this.#discovery.found(seen));
  }

  async changeTarget(change: BmcChange): Promise<ChangeRequest> {
    return changeRequest(this.#connection, await this.#discovery.certain(), change);
  }

  async change(_grant: EffectGrant, change: BmcChange): Promise<BmcChangeOutcome> {
    const topology = await this.#discovery.certain();
    try {
      return await sendChange(this.#connection, await changeRequest(this.#connection, topology, change));
    } finally {
      this.#forget();
    }
  }

  async bios(): Promise<BiosReading> {
    return readBios(this.#connection, await this.#discovery.certain());
  }

  async biosRegistry(): Promise<BiosRegistry> {
    return readBiosRegistry(this.#connection, await this.#discovery.certain());
  }

  async media(): Promise<MediaSlot[]> {
    return readMedia(this.#connection, await this.#discovery.certain());
  }

  async erasableDrives(): Promise<ErasableDrive[]> {
    return surveyErase(this.#connection, await this.#discovery.certain());
  }

  async close(): Promise<void> {
    this.#forget();
    await this.#session.close();
  }

  /** The server, read now, and a connection that asks for nothing of it again. */
  async #met(through: Connection): Promise<Met> {
    const seen: Seen = new Map();
    const topology = await this.#discovery.found(seen);
    const connection = through.noting(seen);
    return { connection, topology, system: await readSystem(connection, topology) };
  }

  #forget(): void {
    this.#discovery.forget();
    this.#expanding.forget();
    this.#polling.forget();
  }
}
