/** Images that the BMC holds before its host as drives. Each is fetched when it is put in, and again when the host starts from it. */
import { createHash } from 'node:crypto';
import type { LabClock } from '../clock.ts';
import type { MediaSlot, VirtualMediaSpec } from './profiles/acts.ts';
import { pullOnce } from './pull.ts';

export type Medium = { image: string; sha256: string; writeProtected: boolean };
export type Slot = MediaSlot & { medium: Medium | undefined };

export type VirtualMediaOptions = {
  spec: VirtualMediaSpec | undefined;
  clock: LabClock;
  /** Address of this BMC, which it fetches from. */
  address: string;
  userAgent: string;
};

export class VirtualMedia {
  readonly #options: VirtualMediaOptions;
  readonly #media = new Map<string, Medium>();

  constructor(options: VirtualMediaOptions) {
    this.#options = options;
  }

  slots(): Slot[] {
    const slots = this.#options.spec?.slots ?? [];
    return slots.map(slot => ({ ...slot, medium: this.#media.get(slot.id) }));
  }

  /** Fetches an image and puts it in. Refused when it cannot be fetched or the slot was taken meanwhile. */
  async insert(id: string, image: string, writeProtected: boolean): Promise<'inserted' | 'unreachable' | 'taken'> {
    const fetched = await this.#fetch(image);
    if (fetched === undefined) return 'unreachable';
    if (this.#media.has(id)) return 'taken';
    this.#media.set(id, { image, writeProtected, sha256: createHash('sha256').update(fetched).digest('hex') });
    return 'inserted';
  }

  /** False when nothing was in. */
  eject(id: string): boolean {
    return this.#media.delete(id);
  }

  ejectAll(): void {
    this.#media.clear();
  }

  /** URI of the first image that still is what it was when it was put in. */
  async bootable(): Promise<string | undefined> {
    for (const { image, sha256 } of this.#media.values()) {
      const fetched = await this.#fetch(image);
      if (fetched !== undefined && createHash('sha256').update(fetched).digest('hex') === sha256) return image;
    }
    return undefined;
  }

  async #fetch(uri: string): Promise<Buffer | undefined> {
    const { clock, address, userAgent } = this.#options;
    const pulled = await pullOnce({ uri, localAddress: address, userAgent, clock });
    return pulled.outcome === 'image' ? pulled.bytes : undefined;
  }
}
