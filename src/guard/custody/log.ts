/**
 * The writing side of the custody log. An append that returns has been stored,
 * or will be when the caller's transaction commits; an append that throws must
 * stop whatever it was going to record.
 */
import { randomBytes } from 'node:crypto';
import type {
  Actor,
  CustodyEntry,
  CustodyReceipt,
  CustodyStore,
  StoredEntry,
  TreeHead,
  Via,
} from '../../core/custody.ts';
import { FleetError } from '../../core/errors.ts';
import type { Records } from '../../core/records.ts';
import { storableCopy } from '../../core/storable.ts';
import { encodeEntry } from './entry-bytes.ts';
import type { KeyRing } from './key-ring.ts';
import { parseNote, requireSignature, signCheckpoint, signedBy } from './note.ts';
import { type Signer, verifierKeyText } from './signing-key.ts';

/** Whose act an entry is that nobody asked for. */
export const byService: { actor: Actor; via: Via } = {
  actor: { sub: 'service', groups: [] },
  via: { channel: 'service' },
};

export class CustodyLog {
  readonly #store: CustodyStore;
  readonly #reload: (() => Promise<KeyRing>) | undefined;
  #keys: KeyRing;

  /** `reload` reads the keys again, which another process may have replaced. */
  constructor(
    parts: { store: CustodyStore } & ({ signer: Signer } | { keys: KeyRing; reload?: () => Promise<KeyRing> }),
  ) {
    this.#store = parts.store;
    this.#keys = 'keys' in parts ? parts.keys : { signers: [parts.signer], retired: [] };
    this.#reload = 'keys' in parts ? parts.reload : undefined;
  }

  /** The public key in C2SP text form: what a verifier needs, kept outside the database. */
  get verifierKey(): string {
    return verifierKeyText(this.#keys.signers[0]);
  }

  /**
   * Names the key that follows, and signs with both: in one transaction, so that no other process signs a tree that holds
   * the word of a new key with the old one alone.
   */
  async follow(
    keys: KeyRing,
    by: { actor: Actor; via: Via },
    { transaction }: Pick<Records, 'transaction'>,
  ): Promise<void> {
    await transaction(async ({ custody }) => {
      await this.append(
        { type: 'key.rotated', from: this.verifierKey, to: verifierKeyText(keys.signers[0]), ...by },
        custody,
      );
      const head = await custody.head();
      await custody.saveCheckpoint(head.size, signCheckpoint(head, ...keys.signers));
    });
    this.#keys = keys;
  }

  /**
   * Appends one entry, or several that become neighbours, and returns a receipt for each.
   * `store` joins a wider transaction: until that ends, every other append waits.
   * Throws `invalid_input` on what cannot be stored, `database` when the store fails.
   */
  async append(entries: CustodyEntry | CustodyEntry[], store: CustodyStore = this.#store): Promise<CustodyReceipt[]> {
    const list = Array.isArray(entries) ? entries : [entries];
    const now = new Date();
    // What a machine said is never a reason to record nothing.
    return store.append(list.map(entry => encodeEntry(storableCopy(stamped(entry, now)))));
  }

  /**
   * Signs the current head, saves the note unless one of that size exists, and returns it.
   * Throws `precondition_failed` when the log is not a continuation of its last checkpoint.
   */
  async checkpoint(): Promise<string> {
    // In this order: a head that holds the word of a new key comes after a checkpoint that shows that key.
    const head = await this.#store.head();
    const last = await this.#lastSigned();
    if (last && head.size <= last.head.size && !(await this.#continues(last.head))) {
      throw new FleetError({
        code: 'precondition_failed',
        retry: 'ask',
        message: `the custody log (${head.size} entries) contradicts its checkpoint of ${last.head.size} entries`,
        hint: 'stop changes and verify the custody log',
      });
    }
    if (last && head.size <= last.head.size) return last.note;
    const note = signCheckpoint(head, ...this.#keys.signers);
    await this.#store.saveCheckpoint(head.size, note);
    return note;
  }

  /** What a note of this log says. Throws `invalid_input` when no key that it has or had signed it. */
  open(note: string): TreeHead {
    const { signers, retired } = this.#keys;
    const parsed = parseNote(note);
    requireSignature(
      parsed,
      [...signers, ...retired].find(key => signedBy(parsed, key)),
    );
    return parsed.checkpoint;
  }

  /** Another process may have signed a larger tree since the head was read; so it is read again. */
  async #continues(signed: TreeHead): Promise<boolean> {
    const head = await this.#store.head();
    return head.size > signed.size || (head.size === signed.size && sameRoot(head, signed));
  }

  async #lastSigned(): Promise<{ head: TreeHead; note: string } | undefined> {
    const stored = await this.#store.newestCheckpoint();
    if (!stored) return undefined;
    if (this.#hasStranger(stored.note) && this.#reload) this.#keys = await this.#reload();
    if (this.#hasStranger(stored.note))
      throw new FleetError({
        code: 'precondition_failed',
        retry: 'ask',
        message: 'the key of the custody log was replaced, and this process has not got the new one',
        hint: "copy custody.key* from the service's dataDir, then start this process again",
      });
    return { head: this.open(stored.note), note: stored.note };
  }

  /** Whether a key signed for this log that is not among ours. */
  #hasStranger(note: string): boolean {
    const { signers, retired } = this.#keys;
    const known = [...signers, ...retired];
    const ours = parseNote(note).signatures.filter(({ name }) => name === signers[0].name);
    return ours.some(line => !known.some(key => key.keyId.equals(line.keyId)));
  }
}

function sameRoot(a: TreeHead, b: TreeHead): boolean {
  return Buffer.compare(a.root, b.root) === 0;
}

function stamped(entry: CustodyEntry, now: Date): StoredEntry {
  return { ...entry, v: 1, id: uuidV7(now), time: now.toISOString() };
}

/** RFC 9562 version 7: 48 bits of Unix milliseconds, the rest random. */
function uuidV7(now: Date): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now.getTime(), 0, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
