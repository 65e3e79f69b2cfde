/**
 * Places outside the database that keep the log's newest checkpoint. What was
 * shown there cannot be taken back: a log that was cut, restored or forked
 * contradicts it.
 */

export type Anchor = {
  /** Unique among the anchors and the same in every life: what was seen there is recorded under it. */
  name: string;
  /** The note that was posted last; undefined where none ever was. Throws when the place cannot be read. */
  newest(): Promise<string | undefined>;
  post(note: string): Promise<void>;
};

/**
 * What an anchor showed when it was last held against the log. `setAside`: a note that contradicted the log, and that a
 * person has looked into; the log may be posted over it.
 */
export type SeenAnchor = { name: string; note: string; setAside: boolean };

/** When and why everything was stopped. */
export type Freeze = { since: string; reason: string };

export type AnchorStore = {
  /** Runs it while no other process does the same: of two that post at once, the older note must not come last. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
  seen(): Promise<SeenAnchor[]>;
  saw(seen: SeenAnchor): Promise<void>;
  forget(name: string): Promise<void>;
  /** The freeze that nobody has lifted yet. */
  frozen(): Promise<Freeze | undefined>;
  /** False when it is frozen already. */
  freeze(reason: string): Promise<boolean>;
  /** False when it is not frozen. */
  lift(by: string, reason: string): Promise<boolean>;
};

export type AnchorStatus = {
  anchor: string;
  /** Entries of the checkpoint that it showed last. */
  size: number;
  /** When the log was last held against it, RFC 3339. */
  at?: string;
  failing?: { since: string; problem: string };
};

/** `waiting`: an anchor cannot be read; ends by itself once it can. `frozen`: a person has to look. */
export type Standstill = { state: 'none' } | { state: 'waiting' | 'frozen'; since: string; reason: string };

/** Whether this database is the one that history went on with. */
export type Continuity = { standstill(): Standstill; anchors(): AnchorStatus[] };
