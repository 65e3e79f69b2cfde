/**
 * What is too large or too personal for an entry of the custody log, kept
 * beside it. The entry names it by a keyed digest, so the log shows that it was
 * not changed, and goes on to verify once the key of its subject is erased.
 */

/** What it shows; readers take kinds that they do not know as they come. */
export type EvidenceKind = 'request' | 'before' | 'after' | 'task-end' | 'gate' | 'failure';

/** Whom it is about: `person:<name>`, or `server:<system UUID>`, as a serial alone is no key. */
export type EvidenceSubject = `person:${string}` | `server:${string}`;

export type EvidenceItem = {
  subject: EvidenceSubject;
  kind: EvidenceKind;
  /** JSON. */
  content: unknown;
};

/** A subject's key, itself encrypted under the key of the service. */
export type SealedKey = { id: string; sealed: Uint8Array };

export type EvidenceRow = {
  id: string;
  subject: string;
  kind: string;
  name: string | null;
  /** Id of the subject's key at that time. */
  key: string;
  sealed: Uint8Array;
};

export type EvidenceStore = {
  /** The key in force for the subject; `fresh` where it has none. Nobody erases it before the transaction ends. */
  keyFor(subject: string, fresh: () => SealedKey): Promise<SealedKey>;
  /** False when evidence of that name is kept already. */
  insert(row: EvidenceRow): Promise<boolean>;
  get(id: string): Promise<EvidenceRow | undefined>;
  /** Undefined once it is erased. */
  key(id: string): Promise<SealedKey | undefined>;
  /** Deletes the subject's key. Answers how much evidence nobody can read any more; undefined when there was no key. */
  erase(subject: string): Promise<number | undefined>;
};

/** Evidence as it is handed out, with the key of its own digest: whoever has the entry can check that the two belong together. */
export type ReadEvidence = {
  id: string;
  subject: string;
  kind: string;
  /** The bytes that were digested: JSON, RFC 8785. */
  text: string;
  /** Base64, 32 bytes. */
  digestKey: string;
};
