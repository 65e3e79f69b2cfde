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
  #keys: KeyRing;
  #last: { head: TreeHead; note: string } | undefined;

  constructor(parts: { store: CustodyStore; signer: Signer } | { store: CustodyStore; keys: KeyRing }) {
    this.#store = parts.store;
    this.#keys = 'keys' in parts ? parts.keys : { signers: [parts.signer], retired: [] };
  }

  /** The public key in C2SP text form: what a verifier needs, kept outside the database. */
  get verifierKey(): string {
    return verifierKeyText(this.#keys.signers[0]);
  }

  /** From the next checkpoint on, which is signed at once, these keys sign. The log has to name the first one already. */
  async signWith(keys: KeyRing): Promise<void> {
    this.#keys = keys;
    await this.checkpoint();
  }

  /**
   * Appends one entry, or several that become neighbours, and returns a receipt for each.
   * `store` joins a wider transaction: until that ends, every other append waits.
   * Throws `invalid_input` on what cannot be stored, `database` when the store fails.
   */
  async append(entries: CustodyEntry | CustodyEntry[], store: CustodyStore = this.#store): Promise<CustodyReceipt[]> {
    const list = Array.isArray(entries) ? entries : [entries];
    const now = new Date();
    return store.append(list.map(entry => encodeEntry(stamped(entry, now))));
  }

  /**
   * Signs the current head, saves the note unless one of that size exists, and returns it.
   * Throws `precondition_failed` when the log is not a continuation of its last checkpoint.
   */
  async checkpoint(): Promise<string> {
    const last = await this.#lastSigned();
    const head = await this.#store.head();
    if (last && (head.size < last.head.size || (head.size === last.head.size && !sameRoot(head, last.head)))) {
      throw new FleetError({
        code: 'precondition_failed',
        retry: 'ask',
        message: `the custody log (${head.size} entries) contradicts its checkpoint of ${last.head.size} entries`,
        hint: 'stop changes and verify the custody log',
      });
    }
    if (last && head.size === last.head.size) return last.note;
    const note = signCheckpoint(head, ...this.#keys.signers);
    await this.#store.saveCheckpoint(head.size, note);
    // Another call may have signed a larger tree meanwhile.
    if (!this.#last || this.#last.head.size < head.size) this.#last = { head, note };
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

  async #lastSigned(): Promise<{ head: TreeHead; note: string } | undefined> {
    if (!this.#last) {
      const stored = (await this.#store.checkpoints()).at(-1);
      if (stored) this.#last = { head: this.open(stored.note), note: stored.note };
    }
    return this.#last;
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
