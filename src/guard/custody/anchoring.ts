/**
 * Holds the log against what was shown of it outside, and shows more of it.
 * What an anchor shows is read each time before anything is posted there, and
 * the tree is computed on from that point: so nothing is ever posted that does
 * not continue what stands there, whoever posted it.
 */
import type { Anchor, AnchorStatus, AnchorStore, SeenAnchor } from '../../core/anchor.ts';
import type { CustodyStore, TreeHead } from '../../core/custody.ts';
import { FleetError } from '../../core/errors.ts';
import { byService, type CustodyLog } from './log.ts';
import { appendLeaf, emptyFrontier, type Frontier, frontierRoot, leafHash } from './merkle.ts';
import { storedRows } from './stored-rows.ts';

/** How an anchor and the log contradict each other; `note` is what the anchor shows. */
export type Contradiction = {
  anchor: string;
  finding: 'missing' | 'older' | 'forked' | 'foreign';
  text: string;
  note?: string;
};

export type AnchoringParts = {
  anchors: Anchor[];
  log: Pick<CustodyLog, 'append' | 'checkpoint' | 'open'>;
  custody: Pick<CustodyStore, 'head' | 'rows'>;
  store: Pick<AnchorStore, 'exclusively' | 'seen' | 'saw'>;
  /** Post after so many entries, or after so many milliseconds. */
  every: { entries: number; ms: number };
  /** Hears when an anchor begins to fail, and when it no longer does. */
  onChange?(status: AnchorStatus): void;
  now?: () => number;
};

const retryMs = 30_000;

export class Anchoring {
  readonly #parts: AnchoringParts;
  readonly #now: () => number;
  readonly #status: Map<string, AnchorStatus>;
  /** Up to where the stored entries were followed: all that was compared so far lies on this tree. */
  #followed: Frontier = emptyFrontier;
  readonly #agreed = new Map<string, string>();
  #posted = { size: 0, at: 0 };
  #turn: Promise<unknown> = Promise.resolve();
  readonly #began: number;

  constructor(parts: AnchoringParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
    this.#began = this.#now();
    this.#status = new Map(parts.anchors.map(({ name }) => [name, { anchor: name, size: 0 }]));
  }

  status(): AnchorStatus[] {
    return [...this.#status.values()];
  }

  /** Milliseconds since the log was last held against any anchor; 0 where there is none. */
  ageMs(): number {
    if (this.#parts.anchors.length === 0) return 0;
    const times = this.status().map(({ at }) => (at === undefined ? this.#began : Date.parse(at)));
    return this.#now() - Math.max(...times);
  }

  /** Reads every anchor and holds the log against it. Throws when one cannot be read: what it shows may be the newest. */
  async compare(): Promise<Contradiction[]> {
    if (this.#parts.anchors.length === 0) return [];
    return this.#inTurn(async () => {
      const found = [];
      for (const { anchor, shown } of await this.#readAll()) {
        if (shown instanceof FleetError) throw shown;
        found.push(...(await this.#contradiction(anchor, shown)));
      }
      return found;
    });
  }

  /** Posts when it is time to. */
  async postWhenDue(): Promise<Contradiction[]> {
    if (this.#parts.anchors.length === 0) return [];
    const { size } = await this.#parts.custody.head();
    const { entries, ms } = this.#parts.every;
    const patience = this.status().some(each => each.failing) ? Math.min(ms, retryMs) : ms;
    const due = size - this.#posted.size >= entries || this.#now() - this.#posted.at >= patience;
    return due ? this.post() : [];
  }

  /**
   * Shows the newest checkpoint at every anchor that it continues. Answers where it does not; nothing is posted anywhere
   * then. An anchor that fails is told by `status`. Throws what the log throws.
   */
  async post(): Promise<Contradiction[]> {
    if (this.#parts.anchors.length === 0) return [];
    return this.#inTurn(async () => {
      // Before the head: what another worker posts meanwhile holds no entries that the log will lack.
      const read = await this.#readAll();
      const note = await this.#parts.log.checkpoint();
      const head = this.#parts.log.open(note);
      const found = [];
      const open: Anchor[] = [];
      for (const { anchor, shown } of read) {
        if (shown instanceof FleetError) continue;
        found.push(...(await this.#contradiction(anchor, shown)));
        if (this.#sizeOf(shown) < head.size || (await this.#isSetAside(anchor, shown))) open.push(anchor);
      }
      if (found.length === 0) found.push(...(await this.#discontinuity(head)));
      if (found.length > 0) return found;
      await Promise.all(open.map(anchor => this.#show(anchor, note)));
      this.#posted = { size: head.size, at: this.#now() };
      return [];
    });
  }

  async #show(anchor: Anchor, note: string): Promise<void> {
    try {
      await anchor.post(note);
    } catch (thrown) {
      return this.#failed(anchor, thrown);
    }
    const first = (await this.#seenAt(anchor)) === undefined;
    await this.#parts.store.saw({ name: anchor.name, note, setAside: false });
    this.#agrees(anchor, note);
    if (!first) return;
    const detail = `${anchor.name} shows this log from ${this.#sizeOf(note)} entries on`;
    await this.#parts.log.append({ type: 'custody', action: 'anchored', detail, ...byService });
  }

  async #readAll(): Promise<{ anchor: Anchor; shown: string | undefined | FleetError }[]> {
    return Promise.all(
      this.#parts.anchors.map(async anchor => ({
        anchor,
        shown: await anchor.newest().catch((thrown: unknown) => {
          this.#failed(anchor, thrown);
          return FleetError.from(thrown);
        }),
      })),
    );
  }

  async #contradiction(anchor: Anchor, note: string | undefined): Promise<Contradiction[]> {
    if (note !== undefined && this.#agreed.get(anchor.name) === note) {
      this.#agrees(anchor, note);
      return [];
    }
    const seen = await this.#seenAt(anchor);
    const found = (finding: Contradiction['finding'], text: string): Contradiction[] => [
      { anchor: anchor.name, finding, text: `${anchor.name} ${text}`, ...(note !== undefined && { note }) },
    ];
    if (note === undefined)
      return seen ? found('missing', `shows nothing, where ${this.#sizeOf(seen.note)} entries were shown before`) : [];
    if (seen?.setAside && seen.note === note) return [];
    const shown = this.#opened(note);
    if (!shown) return found('foreign', 'shows a checkpoint that no key of this log signed');
    if (seen && !seen.setAside && shown.size < this.#sizeOf(seen.note))
      return found('missing', `shows ${shown.size} entries, where ${this.#sizeOf(seen.note)} were shown before`);
    const root = await this.#rootAt(shown.size);
    if (!root) {
      const { size } = await this.#parts.custody.head();
      return found('older', `shows ${shown.size} entries, and this database holds ${size}: it is an earlier state`);
    }
    if (!root.equals(shown.root)) return found('forked', `shows ${shown.size} other entries than this database holds`);
    this.#agrees(anchor, note);
    if (seen?.note !== note) await this.#parts.store.saw({ name: anchor.name, note, setAside: false });
    return [];
  }

  /** The head has to be what the entries since the last comparison lead to. */
  async #discontinuity({ size, root }: TreeHead): Promise<Contradiction[]> {
    if ((await this.#rootAt(size))?.equals(root)) return [];
    const text = `the checkpoint of ${size} entries does not continue what was shown outside before`;
    return [{ anchor: 'this database', finding: 'forked', text }];
  }

  /** Root over the first `size` stored entries, computed from their bytes; undefined where there are fewer. */
  async #rootAt(size: number): Promise<Buffer | undefined> {
    let frontier = size < this.#followed.size ? emptyFrontier : this.#followed;
    for await (const row of storedRows(this.#parts.custody, size, frontier.size)) {
      if (row.seq !== frontier.size) return undefined;
      frontier = appendLeaf(frontier, leafHash(row.bytes));
    }
    if (frontier.size < size) return undefined;
    if (size > this.#followed.size) this.#followed = frontier;
    return frontierRoot(frontier);
  }

  async #seenAt(anchor: Anchor): Promise<SeenAnchor | undefined> {
    return (await this.#parts.store.seen()).find(each => each.name === anchor.name);
  }

  async #isSetAside(anchor: Anchor, note: string | undefined): Promise<boolean> {
    const seen = await this.#seenAt(anchor);
    return note !== undefined && seen?.setAside === true && seen.note === note;
  }

  #agrees({ name }: Anchor, note: string): void {
    this.#agreed.set(name, note);
    this.#put({ anchor: name, size: this.#sizeOf(note), at: new Date(this.#now()).toISOString() });
  }

  #failed({ name }: Anchor, thrown: unknown): void {
    const status = this.#status.get(name) ?? { anchor: name, size: 0 };
    const since = status.failing?.since ?? new Date(this.#now()).toISOString();
    this.#put({ ...status, failing: { since, problem: FleetError.from(thrown).message } });
  }

  #put(status: AnchorStatus): void {
    const before = this.#status.get(status.anchor);
    this.#status.set(status.anchor, status);
    if ((before?.failing === undefined) !== (status.failing === undefined)) this.#parts.onChange?.(status);
  }

  #sizeOf(note: string | undefined): number {
    return (note !== undefined && this.#opened(note)?.size) || 0;
  }

  #opened(note: string): TreeHead | undefined {
    try {
      return this.#parts.log.open(note);
    } catch {
      return undefined;
    }
  }

  /** One at a time: the followed tree is one, and a note must not be posted over a newer one of ours. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(() => this.#parts.store.exclusively(work));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}
