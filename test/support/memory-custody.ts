/** A custody log's rows, and what was seen at its anchors, kept in memory: for rules about them that need no database. */
import { generateKeyPairSync } from 'node:crypto';
import type { Anchor, AnchorStore, Freeze, SeenAnchor } from '../../src/core/anchor.ts';
import type { CustodyRow, CustodyStore } from '../../src/core/custody.ts';
import { CustodyLog } from '../../src/guard/custody/log.ts';
import { appendLeaf, emptyFrontier, frontierRoot, leafHash } from '../../src/guard/custody/merkle.ts';
import { signer } from '../../src/guard/custody/signing-key.ts';

export const origin = 'custody.test/fleet';

export const newSigner = (name = origin) => signer(name, generateKeyPairSync('ed25519').privateKey);

/** `kept` and `notes` are there to be meddled with. */
export function memoryCustody(kept: CustodyRow[] = [], notes = new Map<number, string>()) {
  const store: CustodyStore = {
    async append(all) {
      return all.map(bytes => {
        const row = { seq: kept.length, bytes, leaf: leafHash(bytes) };
        kept.push(row);
        return { seq: row.seq, leaf: row.leaf.toString('hex') };
      });
    },
    async head() {
      const frontier = kept.reduce((tree, { leaf }) => appendLeaf(tree, leaf), emptyFrontier);
      return { size: frontier.size, root: frontierRoot(frontier), peaks: frontier.peaks };
    },
    rows: async (from, limit) => kept.filter(({ seq }) => seq >= from).slice(0, limit),
    saveCheckpoint: async (size, note) => void notes.set(size, notes.get(size) ?? note),
    checkpoints: async () => [...notes].map(([size, note]) => ({ size, note })).sort((a, b) => a.size - b.size),
    newestCheckpoint: async () => (await store.checkpoints()).at(-1),
  };
  return { store, kept, notes };
}

/** A log of its own key over rows in memory. */
export function memoryLog(key = newSigner()) {
  const memory = memoryCustody();
  return { ...memory, key, log: new CustodyLog({ store: memory.store, signer: key }) };
}

/** What was seen at anchors, and the freeze that stands; there is nobody else to exclude. */
export function memorySeen(rows = new Map<string, SeenAnchor>()) {
  const standing = { freeze: undefined as Freeze | undefined };
  const store: AnchorStore = {
    exclusively: work => work(),
    seen: async () => [...rows.values()],
    saw: async seen => void rows.set(seen.name, seen),
    forget: async name => void rows.delete(name),
    frozen: async () => standing.freeze,
    async freeze(reason) {
      if (standing.freeze) return false;
      standing.freeze = { since: '2026-11-26T11:00:00.000Z', reason };
      return true;
    },
    async lift() {
      const stood = standing.freeze !== undefined;
      standing.freeze = undefined;
      return stood;
    },
  };
  return { store, rows, standing };
}

/** A place that shows `note`, and fails with `broken` while that is set. */
export function memoryAnchor(name: string) {
  const place = { note: undefined as string | undefined, posts: 0, broken: undefined as Error | undefined };
  const anchor: Anchor = {
    name,
    async newest() {
      if (place.broken) throw place.broken;
      return place.note;
    },
    async post(note) {
      if (place.broken) throw place.broken;
      place.posts++;
      place.note = note;
    },
  };
  return { anchor, place };
}
