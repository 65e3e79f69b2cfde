/** Evidence beside the custody log: kept in the transaction of its entry, read while its subject's key is there. */
import { canonicalBytes } from '../../core/canonical.ts';
import type { Actor, CustodyResource, Via } from '../../core/custody.ts';
import { FleetError } from '../../core/errors.ts';
import type { EvidenceItem, EvidenceStore, ReadEvidence, SealedKey } from '../../core/evidence.ts';
import { newId } from '../../core/ids.ts';
import type { Stores } from '../../core/records.ts';
import { keyedDigest, keysOf, newKey, seal, unseal } from './evidence-seal.ts';
import type { CustodyLog } from './log.ts';

/** Of one piece, as large as a request may be. */
const maxBytes = 1024 * 1024;

export type EvidenceStamp = {
  actor: Actor;
  via: Via;
  resource?: CustodyResource;
  operation?: string;
  /** As the records name the step that it comes from. */
  step?: string;
};

export class Evidence {
  readonly #serviceKey: Uint8Array;
  readonly #custody: Pick<CustodyLog, 'append'>;

  /** `serviceKey`: 32 bytes, which never enter the database. */
  constructor({ serviceKey, custody }: { serviceKey: Uint8Array; custody: Pick<CustodyLog, 'append'> }) {
    this.#serviceKey = serviceKey;
    this.#custody = custody;
  }

  /**
   * Keeps a piece and appends its entry, both with the transaction. Call it before anything else of the transaction is
   * appended: who holds the log's head waits for no key. Answers the digest that the entry carries.
   */
  async keep(tx: Pick<Stores, 'evidence' | 'custody'>, item: EvidenceItem, stamp: EvidenceStamp): Promise<string> {
    const digest = await this.#put(tx, item, { ...stamp, name: null });
    if (digest === undefined)
      throw new FleetError({ code: 'internal', message: 'evidence without a name was there before' });
    return digest;
  }

  /** The same, of what happens once: a second piece of that name is not kept. */
  async keepOnce(
    tx: Pick<Stores, 'evidence' | 'custody'>,
    item: EvidenceItem,
    stamp: EvidenceStamp & { name: string },
  ): Promise<void> {
    await this.#put(tx, item, stamp);
  }

  /** Throws `not_found` where there is none, or its subject was erased. */
  async read(store: EvidenceStore, id: string): Promise<ReadEvidence> {
    const row = await store.get(id);
    if (!row)
      throw new FleetError({ code: 'not_found', message: `there is no evidence ${JSON.stringify(id.slice(0, 60))}` });
    const { subject, kind, sealed } = row;
    const key = await store.key(row.key);
    if (!key)
      throw new FleetError({
        code: 'not_found',
        message: `evidence ${id} cannot be read any more: the key of ${subject} was erased`,
        hint: 'the entry subject.erased in the log says by whom, and why',
      });
    const keys = keysOf(this.#open(key), id);
    const text = unseal(keys.content, id, sealed).toString('utf8');
    return { id, subject, kind, text, digestKey: keys.digest.toString('base64') };
  }

  /**
   * Deletes a subject's key and says so in the log, both with the transaction. What is kept of the subject later has a new
   * key. Answers how much cannot be read any more. Throws `not_found` where nothing is kept.
   */
  async erase(
    tx: Pick<Stores, 'evidence' | 'custody'>,
    { subject, reason, ...by }: { subject: string; reason: string; actor: Actor; via: Via },
  ): Promise<number> {
    const pieces = await tx.evidence.erase(subject);
    if (pieces === undefined)
      throw new FleetError({
        code: 'not_found',
        message: `nothing is kept of ${JSON.stringify(subject.slice(0, 100))}`,
        hint: 'subjects are written person:<name> and server:<system UUID>, as entries of evidence name them',
      });
    await this.#custody.append({ type: 'subject.erased', subject, pieces, reason, ...by }, tx.custody);
    return pieces;
  }

  async #put(
    tx: Pick<Stores, 'evidence' | 'custody'>,
    { subject, kind, content }: EvidenceItem,
    { name, ...stamp }: EvidenceStamp & { name: string | null },
  ): Promise<string | undefined> {
    const text = canonicalBytes(content);
    if (text.length > maxBytes)
      throw new FleetError({
        code: 'invalid_input',
        message: `evidence has ${text.length} bytes; ${maxBytes} is the limit`,
      });
    const id = newId('evd');
    const key = await tx.evidence.keyFor(subject, () => this.#freshKey());
    const keys = keysOf(this.#open(key), id);
    const sealed = seal(keys.content, id, text);
    if (!(await tx.evidence.insert({ id, subject, kind, name, key: key.id, sealed }))) return undefined;
    const contentDigest = keyedDigest(keys.digest, text);
    const entry = {
      type: 'evidence',
      evidence: id,
      kind,
      subject,
      contentDigest,
      bytes: text.length,
      ...stamp,
    } as const;
    await this.#custody.append(entry, tx.custody);
    return contentDigest;
  }

  #freshKey(): SealedKey {
    const id = newId('key');
    return { id, sealed: seal(this.#serviceKey, id, newKey()) };
  }

  #open({ id, sealed }: SealedKey): Buffer {
    return unseal(this.#serviceKey, id, sealed);
  }
}
