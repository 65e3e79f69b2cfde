/** A service's database without the service: log, anchors and the standstill over them, as one life of it has them. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileAnchor } from '../../src/adapters/anchors/file-anchor.ts';
import { openDatabase } from '../../src/adapters/postgres/database.ts';
import type { Anchor } from '../../src/core/anchor.ts';
import { Anchoring } from '../../src/guard/custody/anchoring.ts';
import { CustodyLog } from '../../src/guard/custody/log.ts';
import { signer } from '../../src/guard/custody/signing-key.ts';
import { Standstill } from '../../src/guard/custody/standstill.ts';
import { serviceEntry } from './custody.ts';

export const key = signer('anchored.test/fleet', generateKeyPairSync('ed25519').privateKey);

export type Life = Awaited<ReturnType<typeof life>>;

type LifeOptions = { anchors: Anchor[]; clock?: { now: number }; entries?: number; signedBy?: typeof key };

/** Opens the database at `url` and compares it with its anchors; `write` appends entries. */
export async function life(url: string, { anchors, clock, entries = 3, signedBy = key }: LifeOptions) {
  const records = await openDatabase(url, { lock: false });
  const log = new CustodyLog({ store: records.custody, signer: signedBy });
  const anchoring = new Anchoring({
    anchors,
    log,
    custody: records.custody,
    store: records.anchors,
    every: { entries, ms: 300_000 },
    ...(clock && { now: () => clock.now }),
  });
  const standstill = new Standstill({ records, custody: log, anchoring, maxAnchorAgeMs: 3600_000 });
  await standstill.begin();
  return {
    records,
    log,
    anchoring,
    standstill,
    async write(...details: string[]) {
      for (const detail of details) await log.append(serviceEntry(detail));
    },
    async entries(): Promise<Record<string, unknown>[]> {
      return (await records.custody.rows(0, 1000)).map(row => JSON.parse(Buffer.from(row.bytes).toString()));
    },
    close: () => records.close(),
  };
}

export async function anchorFile(): Promise<{ file: string; anchor: Anchor }> {
  const file = join(await mkdtemp(join(tmpdir(), 'gk-anchor-')), 'checkpoint');
  return { file, anchor: fileAnchor(file) };
}
