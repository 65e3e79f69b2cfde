/**
 * How an image becomes the running version on this vendor: pull, check, flash
 * inside POST or at once, active from the next boot. A reset at the wrong
 * moment damages the machine, as it does in the field.
 */
import type { LabClock } from '../clock.ts';
import type { FaultSet } from '../faults.ts';
import type { Host } from '../host.ts';
import { readImage } from '../images.ts';
import type { EventLog } from './event-log.ts';
import type { BmcProfile, FirmwareState } from './profiles/profile.ts';
import { pullImage } from './pull.ts';
import { isFragile, isOver, type UpdateTask } from './update-task.ts';

export type UpdatesOptions = {
  profile: BmcProfile;
  host: Host;
  clock: LabClock;
  faults: FaultSet;
  log: EventLog;
  /** Address of this BMC, which it pulls from. */
  address: string;
};

/** `now`: the BMC reboots the host by itself where the flash needs POST. */
export type ApplyTime = 'now' | 'on-reset';

export class Updates {
  readonly #options: UpdatesOptions;
  readonly #tasks: UpdateTask[] = [];
  readonly firmware: FirmwareState;
  #nextId: number;

  constructor(options: UpdatesOptions) {
    this.#options = options;
    const { firmware, update } = options.profile;
    this.firmware = {
      active: firmware.bios,
      previous: firmware.earlierBios,
      staged: undefined,
      bmc: firmware.bmc,
    };
    this.#nextId = update.firstTaskId;
  }

  /** Every task so far, also those whose Task resource is deleted by now. */
  all(): readonly UpdateTask[] {
    return this.#tasks;
  }

  /** The tasks that TaskService still shows. */
  listed(): UpdateTask[] {
    const { clock, profile } = this.#options;
    const kept = clock.scaled(profile.update.taskKeptMs ?? Number.POSITIVE_INFINITY);
    return this.#tasks.filter(task => task.ended === undefined || Date.now() - task.ended.getTime() < kept);
  }

  get current(): UpdateTask | undefined {
    return this.#tasks.find(task => !isOver(task));
  }

  /** Begins an update. The caller has made sure that none is going on. */
  start(imageUri: string, applyTime: ApplyTime): UpdateTask {
    const number = this.#nextId++;
    const task: UpdateTask = {
      id: this.#options.profile.vendor === 'dell' ? `JID_${number}` : String(number),
      imageUri,
      stage: 'download',
      message: 'The image is being downloaded.',
      started: new Date(),
      ended: undefined,
      flash: undefined,
    };
    this.#tasks.push(task);
    void this.#run(task, applyTime);
    return task;
  }

  /** To be called before the host is reset or switched off: damages it when a task transfers or flashes. */
  beforeReset(): void {
    const { current } = this;
    if (current !== undefined && isFragile(current)) {
      this.#options.host.brick(`reset during the ${current.stage} of update ${current.id}`);
    }
  }

  async #run(task: UpdateTask, applyTime: ApplyTime): Promise<void> {
    const { clock, profile, host, address } = this.#options;
    const { userAgent, flash } = profile.update;
    const pulled = await pullImage({ uri: task.imageUri, localAddress: address, userAgent, clock });
    if (!(await this.#endStage(task, 'download'))) return;
    if (pulled.outcome === 'failed') return this.#fail(task, `Unable to transfer the image. ${pulled.reason}`);
    const version = this.#checked(task, pulled.bytes);
    if (version === undefined) return;
    if (flash === 'at-once') {
      await this.#flash(task, version);
      return;
    }
    task.stage = 'staged';
    task.message = 'Task successfully scheduled. It is waiting for reboot.';
    this.firmware.staged = version;
    host.postWork = () => this.#flash(task, version);
    if (applyTime === 'now') host.restart();
  }

  /** The version of an image that fits this machine; anything else fails the task. */
  #checked(task: UpdateTask, bytes: Buffer): string | undefined {
    const { profile } = this.#options;
    const header = readImage(bytes);
    if (header === undefined) this.#fail(task, 'The image is not valid: its signature cannot be verified.');
    else if (header.vendor !== profile.vendor || !header.models.includes(profile.model)) {
      this.#fail(task, 'The image is not meant for this system.');
    } else if (header.component !== 'bios')
      this.#fail(task, 'The image is for a component that cannot be updated here.');
    else return header.version;
    return undefined;
  }

  async #flash(task: UpdateTask, version: string): Promise<void> {
    const { clock, profile, faults, host } = this.#options;
    const { flashMs, flash } = profile.update;
    task.stage = 'flash';
    task.message = 'The image is being written.';
    task.flash = { since: Date.now(), ms: clock.scaled(flashMs) };
    if (!(await clock.sleep(flashMs)) || !(await this.#endStage(task, 'flash'))) return;
    if (host.bricked !== undefined) return this.#fail(task, 'The update was interrupted.');
    const unchanged = faults.get('update-completes-unchanged') !== undefined;
    const activate = () => this.#activate(unchanged ? this.firmware.active : version);
    this.firmware.staged = flash === 'in-post' || unchanged ? undefined : version;
    if (flash === 'in-post') activate();
    else host.postWork = async () => activate();
    task.stage = 'completed';
    task.message =
      flash === 'in-post'
        ? 'Job completed successfully.'
        : 'The update was completed. It takes effect at the next system reset.';
    task.ended = new Date();
    this.#options.log.append({ severity: 'OK', messageId: 'SUP1905', message: 'A firmware update was completed.' });
  }

  #activate(version: string): void {
    const { firmware } = this;
    firmware.staged = undefined;
    if (version === firmware.active) return;
    firmware.previous = firmware.active;
    firmware.active = version;
  }

  /** Holds the task here while a stall is on; false when it must not go on. */
  async #endStage(task: UpdateTask, stage: 'download' | 'flash'): Promise<boolean> {
    const { clock, faults } = this.#options;
    const pauseMs = Math.max(5_000, 50 * clock.speed);
    while (faults.get('update-stalls')?.stage === stage) if (!(await clock.sleep(pauseMs))) return false;
    if (clock.stopped) return false;
    if (faults.get('update-fails')?.stage !== stage) return true;
    this.#fail(task, 'The update failed with an internal error.');
    return false;
  }

  #fail(task: UpdateTask, message: string): void {
    task.stage = 'failed';
    task.message = message;
    task.ended = new Date();
    this.firmware.staged = undefined;
    this.#options.log.append({ severity: 'Warning', messageId: 'SUP1906', message: 'A firmware update failed.' });
  }
}
