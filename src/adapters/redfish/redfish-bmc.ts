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
import { FleetError } from '../../core/errors.ts';
import type { HardwareInventory, HealthSample, PowerSupply, Upkeep } from '../../core/hardware.ts';
import { readBios } from './bios.ts';
import { readBiosRegistry } from './bios-registry.ts';
import type { ChangeRequest } from './change-request.ts';
import { changeRequest, sendChange } from './changes.ts';
import type { Connection, Seen } from './connection.ts';
import { Deadline } from './deadline.ts';
import { type EventOffer, readEventOffer } from './events/event-offer.ts';
import type { ExpandingConnection } from './expanding.ts';
import type { Turns } from './lane.ts';
import type { PollingConnection } from './polling.ts';
import { readFirmware } from './read-firmware.ts';
import { readInventory } from './read-inventory.ts';
import { readPowerSupplies } from './read-power-supplies.ts';
import { readSample } from './read-sample.ts';
import { readStatus } from './read-status.ts';
import { identify, lastResetOf, powerOf, readSystem } from './read-system.ts';
import { readTask, readTasks } from './read-tasks.ts';
import { readUpkeep } from './read-upkeep.ts';
import { powerTarget, sendReset } from './reset.ts';
import { surveyErase } from './secure-erase.ts';
import { type Met, serverHealth, serverMakeup } from './server-facts.ts';
import type { Session } from './session.ts';
import { discover, type Topology } from './topology.ts';
import { sendUpdate, sendWrite, traitsOf, updatePath, writePath } from './update.ts';
import { readMedia } from './virtual-media.ts';

/** How long discovered links are believed. Writes and closing forget them at once. */
const topologyMs = 10 * 60_000;

export class RedfishBmc implements Bmc {
  readonly #connection: Connection;
  readonly #expanding: ExpandingConnection;
  /** For reads that no write depends on. */
  readonly #polling: PollingConnection;
  readonly #reads: Turns;
  readonly #session: Session;
  readonly #declaredSystem: string | undefined;
  readonly #line: { readonly hearing: Hearing };
  readonly #now: () => number;
  #topology: { found: Promise<Topology>; at: number } | undefined;
  /** What was found last, however long ago. */
  #last: Topology | undefined;

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
    this.#declaredSystem = fields.systemUri;
    this.#line = fields.line;
    this.#now = fields.now;
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
    const topology = await this.#discovered();
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
    return readInventory(this.#polling.look({ seen }), await this.#discovered(seen));
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
      const topology = this.#lately(seen);
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
    return readUpkeep(this.#polling.look({ seen }), await this.#discovered(seen));
  }

  async firmware(): Promise<FirmwareMember[]> {
    return readFirmware(this.#connection, await this.#discovered());
  }

  async power(): Promise<Fact<PowerState>> {
    const topology = await this.#discovered();
    return powerOf(await readSystem(this.#connection, topology), topology);
  }

  async powerSupplies(): Promise<Fact<PowerSupply[]>> {
    return readPowerSupplies(this.#connection, await this.#discovered());
  }

  async lastReset(): Promise<Fact<string>> {
    const topology = await this.#discovered();
    return lastResetOf(await readSystem(this.#connection, topology), topology);
  }

  async tasks(): Promise<UpdateTask[]> {
    return readTasks(this.#connection, await this.#discovered());
  }

  async task(uri: string): Promise<UpdateTask> {
    return readTask(this.#connection, await this.#discovered(), uri);
  }

  async updateTraits(component: Component): Promise<UpdateTraits> {
    return traitsOf(await this.#discovered(), component);
  }

  async updateTarget(component: Component): Promise<{ method: 'POST'; path: string }> {
    const topology = certain(await this.#discovered());
    return { method: 'POST', path: await updatePath(this.#connection, topology, component) };
  }

  async startUpdate(_grant: EffectGrant, request: UpdateRequest): Promise<UpdateOutcome> {
    const topology = certain(await this.#discovered());
    try {
      return await sendUpdate(this.#connection, topology, request);
    } finally {
      this.#forget();
    }
  }

  async writeTarget(): Promise<{ method: 'POST'; path: string }> {
    const topology = certain(await this.#discovered());
    return { method: 'POST', path: await writePath(this.#connection, topology) };
  }

  async startWriting(_grant: EffectGrant): Promise<UpdateOutcome> {
    const topology = certain(await this.#discovered());
    try {
      return await sendWrite(this.#connection, topology);
    } finally {
      this.#forget();
    }
  }

  async resetTarget(purpose: PowerPurpose = 'restart'): Promise<{ method: 'POST'; path: string; type: ResetType }> {
    const topology = certain(await this.#discovered());
    return { method: 'POST', ...(await powerTarget(this.#connection, topology, purpose)) };
  }

  async reset(_grant: EffectGrant, type: ResetType): Promise<void> {
    const topology = certain(await this.#discovered());
    try {
      await sendReset(this.#connection, topology, type);
    } finally {
      this.#forget();
    }
  }

  async status(): Promise<BmcStatus> {
    const told = await readStatus(this.#connection, await this.#discovered());
    return { ...told, hearing: this.#line.hearing };
  }

  /** Behind everything else, as {@link sample}. */
  async eventOffer(): Promise<EventOffer> {
    const seen: Seen = new Map();
    return readEventOffer(this.#polling.look({ seen }), await this.#discovered(seen));
  }

  async changeTarget(change: BmcChange): Promise<ChangeRequest> {
    return changeRequest(this.#connection, certain(await this.#discovered()), change);
  }

  async change(_grant: EffectGrant, change: BmcChange): Promise<BmcChangeOutcome> {
    const topology = certain(await this.#discovered());
    try {
      return await sendChange(this.#connection, await changeRequest(this.#connection, topology, change));
    } finally {
      this.#forget();
    }
  }

  async bios(): Promise<BiosReading> {
    return readBios(this.#connection, certain(await this.#discovered()));
  }

  async biosRegistry(): Promise<BiosRegistry> {
    return readBiosRegistry(this.#connection, certain(await this.#discovered()));
  }

  async media(): Promise<MediaSlot[]> {
    return readMedia(this.#connection, certain(await this.#discovered()));
  }

  async erasableDrives(): Promise<ErasableDrive[]> {
    return surveyErase(this.#connection, certain(await this.#discovered()));
  }

  async close(): Promise<void> {
    this.#forget();
    await this.#session.close();
  }

  /** The server, read now, and a connection that asks for nothing of it again. */
  async #met(through: Connection): Promise<Met> {
    const seen: Seen = new Map();
    const topology = await this.#discovered(seen);
    const connection = through.noting(seen);
    return { connection, topology, system: await readSystem(connection, topology) };
  }

  async #discover(seen: Seen | undefined): Promise<Topology> {
    const connection = seen === undefined ? this.#connection : this.#connection.noting(seen);
    const topology = await discover(connection, this.#declaredSystem);
    this.#connection.bear(topology.profile.inFlight);
    return topology;
  }

  #forget(): void {
    this.#topology = undefined;
    this.#last = undefined;
    this.#expanding.forget();
    this.#polling.forget();
  }

  /**
   * For looks alone: on a slow BMC discovery takes as long as a look may, so what was found last will do while it is found anew.
   * That goes on after the look, and so shares nothing with it: what the look's deadline cuts off would be missing from the links.
   */
  async #lately(seen: Seen): Promise<Topology> {
    if (this.#last === undefined) return this.#discovered(seen);
    this.#discovered().catch(() => undefined);
    return this.#last;
  }

  /** What is read on the way is left in `seen`. */
  #discovered(seen?: Seen): Promise<Topology> {
    const held = this.#topology;
    if (held !== undefined && this.#now() - held.at < topologyMs) return held.found;
    const found = this.#discover(seen);
    const fresh = { found, at: this.#now() };
    this.#topology = fresh;
    found.then(
      topology => {
        if (this.#topology === fresh) this.#last = topology;
      },
      () => {
        if (this.#topology === fresh) this.#topology = undefined;
      },
    );
    return found;
  }
}

/** No write to a BMC while it is uncertain which of its systems is meant. */
function certain(topology: Topology): Topology {
  if (topology.uncertain === undefined) return topology;
  throw new FleetError({
    code: 'precondition_failed',
    message: `nothing is changed: ${topology.uncertain}`,
    hint: 'Declare the URI of the ComputerSystem for this node.',
  });
}
