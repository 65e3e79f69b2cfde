/**
 * How an image becomes the running version on this vendor: pull, check, flash
 * inside POST or at once, active from the next boot. A reset at the wrong
 * moment damages the machine, as it does in the field.
 */
import type { LabClock } from '../clock.ts';
import type { FaultSet } from '../faults.ts';
import type { Host } from '../host.ts';
import { type ImageHeader, readImage } from '../images.ts';
import type { DriveModel } from './drives.ts';
import type { EventLog } from './event-log.ts';
import type { Life } from './life.ts';
import type { BmcProfile, FirmwareState } from './profiles/profile.ts';
import { type Pulled, pullImage } from './pull.ts';
import { endTask, isFragile, isOver, type Task } from './task.ts';
import type { TaskList } from './task-list.ts';

export type UpdatesOptions = {
  profile: BmcProfile;
  host: Host;
  clock: LabClock;
  faults: FaultSet;
  log: EventLog;
  tasks: TaskList;
  drives: DriveModel;
  /** Address of this BMC, which it pulls from. */
  address: string;
  /** The BMC's own: it restarts, or ends. */
  life: Pick<Life, 'restart' | 'die'>;
};

/** What an image holds for this machine, and ids of the drives that it is given to. */
type Content = Pick<ImageHeader, 'component' | 'version'> & { drives?: string[] };

/** Real milliseconds from the end of its own update to a BMC's restart: long enough to tell that it ended. */
const lastWordsMs = 10_000;

/** `now`: the BMC reboots the host by itself where the flash needs POST. */
export type ApplyTime = 'now' | 'on-reset';

/** What the image is said to be for, where something is said. */
export type Purpose = ImageHeader['component'] | undefined;

/** What a request says of an image, and the ids of the drives that it names. */
export type Said = { applyTime: ApplyTime; purpose?: Purpose; drives?: string[] | undefined };

/** Where the bytes come from: an address that the BMC fetches, or the request itself. */
export type ImageSource = { uri: string } | { bytes: Buffer };

export class Updates {
  readonly #options: UpdatesOptions;
  readonly firmware: FirmwareState;
  /** An image that was checked and waits for StartUpdate: the BMC is in update mode. */
  #verified: Content | undefined;
  /** The power was away since the BMC's own image was written. */
  #lostPower = false;

  constructor(options: UpdatesOptions) {
    this.#options = options;
    const { firmware } = options.profile;
    this.firmware = {
      active: firmware.bios,
      previous: firmware.earlierBios,
      staged: undefined,
      bmc: firmware.bmc,
      nic: firmware.nic,
      stagedBmc: undefined,
    };
  }

  get current(): Task | undefined {
    return this.#options.tasks.current('firmware');
  }

  /** Takes no other image now: one is on its way, or was checked and waits for StartUpdate. */
  get busy(): boolean {
    return this.current !== undefined || this.#verified !== undefined;
  }

  /** Begins an update. The caller has made sure that none is going on. */
  start(source: ImageSource, said: Said): Task {
    const message = 'uri' in source ? 'The image is being downloaded.' : 'The image is being verified.';
    const task = this.#options.tasks.add({ kind: 'firmware', stage: 'download', message });
    void this.#run(task, { source, ...said });
    return task;
  }

  /** Begins to write the image that was checked; undefined when there is none, or it is being checked still. */
  startVerified(): Task | undefined {
    const content = this.#verified;
    if (content === undefined || this.current !== undefined) return undefined;
    this.#verified = undefined;
    const task = this.#options.tasks.add({ kind: 'firmware', stage: 'flash', message: 'The image is being written.' });
    void this.#write(task, content, 'now');
    return task;
  }

  /** To be called before the host is reset or switched off: damages it when a task transfers or flashes. */
  beforeReset(): void {
    const { current } = this;
    if (current !== undefined && isFragile(current)) {
      this.#options.host.brick(`reset during the ${current.stage} of update ${current.id}`);
    }
  }

  /** To be called when the BMC itself restarts: what it transfers or writes is lost where the profile says so. */
  interrupt(): void {
    this.#verified = undefined;
    const { current } = this;
    if (current === undefined || !isFragile(current)) return;
    if (this.#options.profile.acts.managerReset.runningUpdate === 'fails') {
      this.#fail(current, 'The update was interrupted: the management controller restarted.');
    }
  }

  /** To be called when everything loses its power, before the BMC starts again. */
  powerGoes(): void {
    this.#lostPower = true;
  }

  /** To be called when the BMC starts: its own new image is the one that runs, unless it waits for more than that. */
  bmcStarts(): void {
    const { firmware } = this;
    if (this.#options.profile.update.ownWaitsFor === 'power-cycle' && !this.#lostPower) return;
    firmware.bmc = firmware.stagedBmc ?? firmware.bmc;
    firmware.stagedBmc = undefined;
  }

  async #run(task: Task, { source, applyTime, ...said }: Said & { source: ImageSource }): Promise<void> {
    const { profile } = this.#options;
    const { push } = profile.update;
    const pulled = await this.#arrived(source);
    if (!(await this.#endStage(task, 'download'))) return;
    if (pulled.outcome === 'failed') return this.#fail(task, `Unable to transfer the image. ${pulled.reason}`);
    const content = this.#checked(task, pulled.bytes, said);
    if (content === undefined) return;
    if ('bytes' in source && push?.waitsForStart) {
      this.#verified = content;
      endTask(task, 'completed', 'The image was verified. It is written by StartUpdate.');
      return;
    }
    await this.#write(task, content, applyTime);
  }

  /** A BMC's own image is written at once; any other where this vendor does it. */
  async #write(task: Task, content: Content, applyTime: ApplyTime): Promise<void> {
    const { profile, host } = this.#options;
    const { component, version } = content;
    if (component === 'bmc') return this.#flashBmc(task, version, applyTime);
    if (profile.update.flash === 'at-once') return this.#flash(task, content);
    task.stage = 'staged';
    task.message = 'Task successfully scheduled. It is waiting for reboot.';
    if (component === 'bios') this.firmware.staged = version;
    host.postWork = () => this.#flash(task, content);
    if (applyTime === 'now') host.restart();
  }

  async #arrived(source: ImageSource): Promise<Pulled> {
    if ('bytes' in source) return { outcome: 'image', bytes: source.bytes };
    const { clock, profile, address } = this.#options;
    return pullImage({ uri: source.uri, localAddress: address, userAgent: profile.update.userAgent, clock });
  }

  /** What an image that fits this machine holds; anything else fails the task. */
  #checked(task: Task, bytes: Buffer, { purpose, drives: only }: Omit<Said, 'applyTime'>): Content | undefined {
    const { profile, drives } = this.#options;
    const header = readImage(bytes);
    if (header === undefined) this.#fail(task, 'The image is not valid: its signature cannot be verified.');
    else if (header.vendor !== profile.vendor || !header.models.includes(profile.model)) {
      this.#fail(task, 'The image is not meant for this system.');
    } else if (purpose !== undefined && header.component !== purpose) {
      this.#fail(task, 'The image is not meant for this component.');
    } else if (header.component === 'nic' && this.firmware.nic === undefined) {
      this.#fail(task, 'The image is not meant for a device of this system.');
    } else if (header.component === 'drive') {
      const fit = profile.update.drives === undefined ? [] : drives.fitting(header.drives ?? [], only);
      if (fit.length > 0) return { ...header, drives: fit };
      this.#fail(task, 'The image is not meant for a device of this system.');
    } else return { component: header.component, version: header.version };
    return undefined;
  }

  /** False when nothing was written. */
  async #written(task: Task): Promise<boolean> {
    const { clock, profile, host } = this.#options;
    const { flashMs } = profile.update;
    task.stage = 'flash';
    task.message = 'The image is being written.';
    task.flash = { since: Date.now(), ms: clock.scaled(flashMs) };
    if (!(await clock.sleep(flashMs)) || !(await this.#endStage(task, 'flash'))) return false;
    if (host.bricked === undefined) return true;
    this.#fail(task, 'The update was interrupted.');
    return false;
  }

  /** The BMC restarts by itself then, unless it was told to leave that for later. The host runs on. */
  async #flashBmc(task: Task, version: string, applyTime: ApplyTime): Promise<void> {
    const { clock, profile, faults, life } = this.#options;
    if (!(await this.#written(task))) return;
    if (faults.get('update-completes-unchanged') === undefined) this.firmware.stagedBmc = version;
    this.#lostPower = false;
    endTask(task, 'completed', 'The update was completed. It takes effect when the management controller restarts.');
    this.#options.log.append({ severity: 'OK', messageId: 'SUP1905', message: 'A firmware update was completed.' });
    const { push, ownWaitsFor, ownParameters } = profile.update;
    const leavesIt = push?.applyTime !== undefined || ownParameters !== undefined;
    if (ownWaitsFor !== undefined || (leavesIt && applyTime === 'on-reset')) return;
    do {
      if (!(await clock.sleep(lastWordsMs))) return;
    } while (faults.get('bmc-reset-ignored') !== undefined);
    if (faults.get('brick') === undefined) life.restart();
    else life.die();
  }

  async #flash(task: Task, content: Content): Promise<void> {
    const { component, version } = content;
    const { profile, faults, host } = this.#options;
    const { flash } = profile.update;
    if (!(await this.#written(task))) return;
    if (faults.get('brick') !== undefined) host.brick(`update ${task.id} wrote an image that does not start`);
    const unchanged = faults.get('update-completes-unchanged') !== undefined;
    const activate = () => (unchanged ? undefined : this.#activate(content));
    this.firmware.staged = flash === 'in-post' || unchanged || component !== 'bios' ? undefined : version;
    if (flash === 'in-post') activate();
    else host.postWork = async () => activate();
    const later = 'The update was completed. It takes effect at the next system reset.';
    endTask(task, 'completed', flash === 'in-post' ? 'Job completed successfully.' : later);
    this.#options.log.append({ severity: 'OK', messageId: 'SUP1905', message: 'A firmware update was completed.' });
  }

  #activate({ component, version, drives = [] }: Content): void {
    const { firmware } = this;
    firmware.staged = undefined;
    this.#options.drives.bringTo(version, drives);
    if (component === 'nic') firmware.nic = version;
    if (component !== 'bios') return;
    if (version === firmware.active) return;
    firmware.previous = firmware.active;
    firmware.active = version;
  }

  /** Holds the task here while a stall is on; false when it must not go on. */
  async #endStage(task: Task, stage: 'download' | 'flash'): Promise<boolean> {
    const { clock, faults } = this.#options;
    const pauseMs = Math.max(5_000, 50 * clock.speed);
    const stall = () => (isOver(task) ? undefined : faults.get('update-stalls'));
    const since = Date.now();
    while (stall()?.stage === stage) {
      if (!(await clock.sleep(pauseMs))) return false;
      const { giveUpMs } = stall() ?? {};
      if (giveUpMs === undefined || Date.now() - since < clock.scaled(giveUpMs)) continue;
      task.messageId = 'IDRAC.2.8.JCP052';
      this.#fail(task, 'The Job was in running state and made no progress for the allocated time.');
    }
    if (clock.stopped || isOver(task)) return false;
    if (faults.get('update-fails')?.stage !== stage) return true;
    this.#fail(task, 'The update failed with an internal error.');
    return false;
  }

  #fail(task: Task, message: string): void {
    endTask(task, 'failed', message);
    this.firmware.staged = undefined;
    this.#options.log.append({ severity: 'Warning', messageId: 'SUP1906', message: 'A firmware update failed.' });
  }
}
