/**
 * The keys of the log over its life. A key that is replaced signs beside its
 * successor for a month, so that whoever kept only the old one can follow: a
 * successor counts because the key before it signed a tree that names it.
 */
import { copyFile, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FleetError } from '../../core/errors.ts';
import {
  createKey,
  loadKey,
  loadOrCreateKey,
  parseVerifierKey,
  type Signer,
  signer,
  type Verifier,
  verifierKeyText,
} from './signing-key.ts';

const overlapMs = 30 * 24 * 3600_000;

export type KeyRing = {
  /** The key in force, and while both sign the one before it. */
  signers: [Signer, ...Signer[]];
  /** Keys that signed earlier. */
  retired: Verifier[];
};

export class KeyFiles {
  readonly #dir: string;
  readonly #origin: string;

  constructor(dir: string, origin: string) {
    this.#dir = dir;
    this.#origin = origin;
  }

  /**
   * The keys at a start. `introduced` says whether the log names a key as a successor: it decides about a rotation that was
   * interrupted. Throws `invalid_config` on files that are not right.
   */
  async load(introduced: (verifierKey: string) => Promise<boolean>): Promise<KeyRing> {
    const next = await this.#optional('next');
    if (next) {
      if (await introduced(verifierKeyText(next))) await this.#swap();
      else await rm(this.#file('next'));
    }
    return this.current();
  }

  /** The keys as they stand; the first one is made on first use. */
  async current(): Promise<KeyRing> {
    const current = signer(this.#origin, await loadOrCreateKey(this.#file('key')));
    const previous = await this.#previous();
    const signers: KeyRing['signers'] =
      previous && !previous.keyId.equals(current.keyId) ? [current, previous] : [current];
    return { signers, retired: await this.#retired() };
  }

  /**
   * Makes the next key, has `introduce` name it in the log, and puts it in force. Where that is interrupted, the next start
   * finds out which of the two holds. Throws `conflict` while an earlier rotation is undecided.
   */
  async rotate(introduce: (keys: KeyRing) => Promise<void>): Promise<void> {
    if (await stat(this.#file('next')).catch(() => undefined))
      throw new FleetError({
        code: 'conflict',
        message: 'an earlier rotation of the key is undecided',
        hint: 'restart the service, which decides it by the log, then look again',
      });
    const current = signer(this.#origin, await loadKey(this.#file('key')));
    await createKey(this.#file('next'));
    const next = signer(this.#origin, await loadKey(this.#file('next')));
    await writeFile(this.#file('retired'), `${verifierKeyText(current)}\n`, { flag: 'a', mode: 0o600 });
    await introduce({ signers: [next, current], retired: await this.#retired() });
    await this.#swap();
  }

  async #swap(): Promise<void> {
    await copyFile(this.#file('key'), this.#file('previous'));
    await rename(this.#file('next'), this.#file('key'));
  }

  async #previous(): Promise<Signer | undefined> {
    const previous = await this.#optional('previous');
    if (!previous) return undefined;
    const { mtimeMs } = await stat(this.#file('previous'));
    if (Date.now() - mtimeMs < overlapMs) return previous;
    await rm(this.#file('previous'));
    return undefined;
  }

  async #optional(which: 'next' | 'previous'): Promise<Signer | undefined> {
    const there = await stat(this.#file(which)).catch(() => undefined);
    return there && signer(this.#origin, await loadKey(this.#file(which)));
  }

  async #retired(): Promise<Verifier[]> {
    const text = await readFile(this.#file('retired'), 'utf8').catch(() => '');
    return text.split('\n').filter(Boolean).map(parseVerifierKey);
  }

  #file(which: 'key' | 'next' | 'previous' | 'retired'): string {
    return join(this.#dir, which === 'key' ? 'custody.key' : `custody.key.${which}`);
  }
}
