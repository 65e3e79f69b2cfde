/**
 * The machine between its BMC and its kubelet: power, POST, the running
 * operating system. The BMC switches it, the node agent follows it, and both
 * see the same boot ID and UUID because both read them here.
 */
import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { LabClock } from './clock.ts';

export type HostPhase = 'off' | 'post' | 'os';

/** What the firmware started once POST was over. */
export type BootRecord = {
  /** Redfish name of the source that was asked for; `None` where nobody asked. */
  asked: string;
  /** `disk`: the installed OS. `image`: something fetched from outside. `setup`: the firmware's own menu, where it stays. `nothing`: there is none. */
  runs: 'disk' | 'image' | 'setup' | 'nothing';
  /** URI of the image. */
  image?: string;
};

export type HostOptions = {
  name: string;
  /** Upper-case UUID as Redfish shows it; the kubelet reports the same in lower case. */
  uuid: string;
  serial: string;
  clock: LabClock;
  /** Real milliseconds from power-on to a running OS without firmware work. Default 150,000. */
  bootMs?: number;
};

type HostEvents = {
  /** The installed OS runs, with a new boot ID. */
  up: [];
  /** The OS stopped: power cut or restart. */
  down: [];
  phase: [HostPhase];
  /** Broken memory hit something that runs. */
  'memory-error': [];
};

export class Host extends EventEmitter<HostEvents> {
  readonly name: string;
  readonly uuid: string;
  readonly serial: string;
  readonly #clock: LabClock;
  readonly #bootMs: number;
  #generation = 0;
  phase: HostPhase = 'os';
  /** Why the machine can never boot again: its firmware was damaged. */
  bricked: string | undefined;
  bootId: string = randomUUID();
  /** How far the machine's own clock is ahead of the lab's, in wall-clock milliseconds. */
  clockSkewMs = 0;
  lastReset = new Date();
  lastBoot: BootRecord = { asked: 'None', runs: 'disk' };
  /** Ends POST and says what starts; the BMC sets it. Without it the disk does. */
  endPost: (() => Promise<BootRecord>) | undefined;
  /** Work that firmware does inside POST before the OS may start, in real milliseconds; the BMC sets it, a boot awaits it. */
  postWork: (() => Promise<void>) | undefined;

  constructor(options: HostOptions) {
    super();
    this.setMaxListeners(0);
    this.name = options.name;
    this.uuid = options.uuid;
    this.serial = options.serial;
    this.#clock = options.clock;
    this.#bootMs = options.bootMs ?? 150_000;
  }

  get poweredOn(): boolean {
    return this.phase !== 'off';
  }

  /** What the machine takes for the current time. */
  now(): Date {
    return new Date(Date.now() + this.clockSkewMs);
  }

  powerOff(): void {
    this.#generation++;
    if (this.phase === 'os') this.emit('down');
    this.#enter('off');
  }

  powerOn(): void {
    if (this.phase === 'off') void this.#boot();
  }

  restart(): void {
    if (this.phase === 'os') this.emit('down');
    void this.#boot();
  }

  /** Damages the firmware for good: power can still be switched, but POST never ends. */
  brick(reason: string): void {
    this.bricked ??= reason;
  }

  async #boot(): Promise<void> {
    const generation = ++this.#generation;
    this.lastReset = new Date();
    this.#enter('post');
    const work = this.postWork;
    this.postWork = undefined;
    await work?.();
    const finished = await this.#clock.sleep(this.#bootMs);
    if (!finished || generation !== this.#generation || this.bricked !== undefined) return;
    const boot = (await this.endPost?.()) ?? { asked: 'None', runs: 'disk' };
    if (generation !== this.#generation) return;
    this.lastBoot = boot;
    if (boot.runs === 'setup' || boot.runs === 'nothing') return;
    this.bootId = randomUUID();
    this.#enter('os');
    if (boot.runs === 'disk') this.emit('up');
  }

  #enter(phase: HostPhase): void {
    this.phase = phase;
    this.emit('phase', phase);
  }
}
