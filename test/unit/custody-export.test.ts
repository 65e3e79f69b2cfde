/** What leaves in an export, and what is said of one that was meddled with; over rows in memory. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Records, Stores } from '../../src/core/records.ts';
import { type Bundle, exportBundle, verifyBundle } from '../../src/guard/custody/bundle.ts';
import { KeyFiles } from '../../src/guard/custody/key-ring.ts';
import { byService, CustodyLog } from '../../src/guard/custody/log.ts';
import { createKey, verifierKeyText } from '../../src/guard/custody/signing-key.ts';
import { storedRows } from '../../src/guard/custody/stored-rows.ts';
import { serviceEntry } from '../support/custody.ts';
import { refusal } from '../support/guard.ts';
import { memoryLog, newSigner, origin } from '../support/memory-custody.ts';

let scene: ReturnType<typeof memoryLog>;
let dir: string;
beforeEach(async () => {
  scene = memoryLog();
  dir = await mkdtemp(join(tmpdir(), 'gk-export-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const write = (...details: string[]) => scene.log.append(details.map(serviceEntry));
const transaction = (async (work: (tx: Stores) => Promise<unknown>) =>
  work({ custody: scene.store } as Stores)) as Records['transaction'];

describe('an export', () => {
  async function exported(change: Partial<Bundle> = {}): Promise<string> {
    const to = join(dir, 'out');
    const checkpoint = await scene.log.checkpoint();
    await exportBundle({
      dir: to,
      rows: storedRows(scene.store),
      checkpoint,
      verifierKey: scene.log.verifierKey,
      ...change,
    });
    return to;
  }
  const problems = async (of: string, check?: Parameters<typeof verifyBundle>[1]) => {
    const verdict = await verifyBundle(of, check);
    return verdict.ok ? [] : verdict.problems.map(({ problem }) => problem);
  };

  it('holds what the checkpoint signs and not what came after it, and shows each row that it verifies', async () => {
    await write('a', 'b');
    const checkpoint = await scene.log.checkpoint();
    await write('c');
    const to = join(dir, 'out');
    const written = { dir: to, rows: storedRows(scene.store), checkpoint, verifierKey: scene.log.verifierKey };
    expect(await exportBundle(written)).toBe(2);
    expect((await readdir(to)).sort()).toEqual(['README', 'checkpoint', 'entries.ndjson', 'leaves', 'verifier-key']);
    const seen: number[] = [];
    const verdict = await verifyBundle(to, { see: row => seen.push(row.seq), anchors: [{ note: checkpoint }] });
    expect(verdict).toMatchObject({ ok: true, size: 2, anchor: { size: 2 }, verifierKey: scene.log.verifierKey });
    expect(seen).toEqual([0, 1]);
    expect(await readFile(join(to, 'README'), 'utf8')).toMatch(
      new RegExp(`^Custody log of ${origin}\n={${15 + origin.length}}\n\n`),
    );
  });

  it('of nothing is one too', async () => {
    expect(await verifyBundle(await exported())).toMatchObject({ ok: true, size: 0 });
  });

  it('has its tiles where they were asked for, and only there', async () => {
    await write('a');
    const to = await exported({ tiles: true });
    expect(await readdir(join(to, 'tile'))).toEqual(['0', 'entries']);
    const hash = await readFile(join(to, 'tile/0/000.p/1'));
    expect(hash).toEqual(scene.kept[0]?.leaf);
    const bytes = Buffer.from(scene.kept[0]?.bytes ?? []);
    expect(await readFile(join(to, 'tile/entries/000.p/1'))).toEqual(
      Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 255), bytes]),
    );
  });

  it('is refused where a row is missing, at its end or before, and over another one', async () => {
    await write('a', 'b', 'c');
    const checkpoint = await scene.log.checkpoint();
    const { kept } = scene;
    for (const [name, gone] of [
      ['end', 2],
      ['middle', 1],
    ] as const) {
      const rows = (async function* () {
        yield* kept.filter(({ seq }) => seq !== gone);
      })();
      const short = { dir: join(dir, name), rows, checkpoint, verifierKey: scene.log.verifierKey };
      expect(await refusal(exportBundle(short))).toMatchObject({
        code: 'precondition_failed',
        message: `the checkpoint signs 3 entries, entry ${gone} is missing`,
      });
      expect((await readdir(join(dir, name))).sort()).toEqual(['entries.ndjson', 'leaves']);
    }
    await exported();
    expect(await refusal(exported())).toMatchObject({ code: 'conflict' });
    await mkdir(join(dir, 'blocked/entries.ndjson'), { recursive: true });
    expect(await refusal(exported({ dir: join(dir, 'blocked') }))).toMatchObject({ code: 'conflict' });
    await writeFile(join(dir, 'file'), '');
    await expect(exported({ dir: join(dir, 'file/below') })).rejects.toThrow(/ENOTDIR/);
    await expect(exported({ verifierKey: verifierKeyText(newSigner()) })).rejects.toMatchObject({
      code: 'invalid_input',
    });
  });

  it('says what was changed in it', async () => {
    await write('a', 'b');
    const to = await exported();
    const files = Object.fromEntries(
      await Promise.all(
        ['entries.ndjson', 'leaves', 'verifier-key'].map(async name => [name, await readFile(join(to, name), 'utf8')]),
      ),
    ) as Record<string, string>;
    const changed = async (name: string, change: (text: string) => string, check = {}) => {
      await writeFile(join(to, name), change(files[name] ?? ''));
      const found = await problems(to, check);
      await writeFile(join(to, name), files[name] ?? '');
      return found;
    };
    expect(await problems(to)).toEqual([]);
    expect(await changed('entries.ndjson', text => text.slice(0, -1))).toEqual([
      'entry 1 does not end with a line feed',
    ]);
    const [first = ''] = files.leaves?.split('\n') ?? [];
    expect(await changed('leaves', text => `${text}${first}\n`)).toEqual(['3 leaves are listed, 2 entries are there']);
    for (const odd of [first.toUpperCase(), `${first}0`, first.slice(2), ''])
      expect((await changed('leaves', text => text.replace(first, odd)))[0]).toMatch(
        /^entry 0 .* does not fit its leaf/,
      );
    expect((await changed('leaves', text => text.slice(0, 65)))[0]).toMatch(/^entry 1 .* does not fit its leaf/);
    const other = 'the export encloses another verifier key than the one that signs it';
    const key = { verifierKey: scene.log.verifierKey };
    expect(await changed('verifier-key', () => `${verifierKeyText(newSigner())}\n`, key)).toEqual([other]);
    expect(await changed('verifier-key', text => text.trim())).toEqual([other]);
    await write('c');
    const more = Buffer.from(scene.kept[2]?.bytes ?? []).toString();
    await writeFile(join(to, 'leaves'), `${files.leaves}${Buffer.from(scene.kept[2]?.leaf ?? []).toString('hex')}\n`);
    expect(await changed('entries.ndjson', text => `${text}${more}\n`)).toEqual([
      '1 entries follow that the checkpoint does not sign',
    ]);
  });

  it.each(['checkpoint', 'verifier-key', 'entries.ndjson', 'leaves'])('without its %s is none', async name => {
    const to = await exported();
    await rm(join(to, name));
    expect(await refusal(verifyBundle(to))).toMatchObject({
      code: 'invalid_input',
      message: `the export has no readable file "${name}"`,
    });
  });

  it('takes along a note of both keys for each rotation, the newest where no earlier one has both', async () => {
    const files = new KeyFiles(dir, origin);
    await createKey(join(dir, 'custody.key'));
    const log = new CustodyLog({ store: scene.store, keys: await files.current() });
    scene.log = log;
    const first = log.verifierKey;
    await log.append({ ...serviceEntry('a'), type: 'custody', action: 'anchored', detail: '"type":"key.rotated"' });
    await files.rotate(ring => log.follow(ring, byService, { transaction }));
    await write('b');
    await files.rotate(ring => log.follow(ring, byService, { transaction }));
    await write('c');
    const earlier = await scene.store.checkpoints();
    const to = await exported({ earlier });
    expect((await readdir(to)).filter(name => name.startsWith('rotation')).sort()).toEqual([
      'rotation-1',
      'rotation-2',
    ]);
    expect(await readFile(join(to, 'rotation-1'), 'utf8')).toBe(scene.notes.get(2));
    expect(await readFile(join(to, 'rotation-2'), 'utf8')).toBe(scene.notes.get(4));
    expect(await verifyBundle(to, { verifierKey: first })).toMatchObject({ ok: true, verifierKey: log.verifierKey });
    const later = { size: 99, note: 'of a larger tree' };
    await rm(to, { recursive: true });
    await exported({ earlier: [later] });
    expect(await readFile(join(to, 'rotation-1'), 'utf8')).toBe(scene.notes.get(5));
  });
});
