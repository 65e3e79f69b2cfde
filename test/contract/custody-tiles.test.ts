/** The export in the form that readers of transparency logs know, read by a program in another language that shares no code with ours. */
import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FleetError } from '../../src/core/errors.ts';
import { exportBundle } from '../../src/guard/custody/bundle.ts';
import { KeyFiles } from '../../src/guard/custody/key-ring.ts';
import { byService, CustodyLog } from '../../src/guard/custody/log.ts';
import { openProof, proveContinuation, proveInclusion } from '../../src/guard/custody/proof.ts';
import { storedRows } from '../../src/guard/custody/stored-rows.ts';
import { tilePath } from '../../src/guard/custody/tiles.ts';
import { type CustodyScene, custodyScene, serviceEntry } from '../support/custody.ts';

const verifier = new URL('../support/verify_tiles.py', import.meta.url).pathname;

let scene: CustodyScene;
let folder: string;
let dir: string;
let keys: { before: string; after: string };

/** 600 entries, the 301st a rotation of the key: two full tiles, a partial one, and one above them. */
beforeAll(async () => {
  scene = await custodyScene();
  folder = await mkdtemp(join(tmpdir(), 'gk-tiles-'));
  dir = join(folder, 'whole');
  const files = new KeyFiles(join(folder, 'keys'), 'custody.test/fleet');
  const log = new CustodyLog({ store: scene.store, keys: await files.load(async () => false) });
  const before = log.verifierKey;
  const some = (count: number) => Array.from({ length: count }, (_, i) => serviceEntry(`${i} – Zürich`));
  await log.append(some(300));
  await files.rotate(ring => log.follow(ring, byService, scene));
  await log.append(some(299));
  const checkpoint = await log.checkpoint();
  const earlier = await scene.store.checkpoints();
  keys = { before, after: log.verifierKey };
  await exportBundle({ dir, rows: storedRows(scene.store), checkpoint, earlier, verifierKey: keys.after, tiles: true });
});
afterAll(async () => {
  await scene.close();
  await rm(folder, { recursive: true, force: true });
});

describe('paths of tiles', () => {
  it.each([
    ['0', 0, 256, 'tile/0/000'],
    ['0', 1_234_067, 256, 'tile/0/x001/x234/067'],
    ['entries', 1000, 7, 'tile/entries/x001/000.p/7'],
    ['2', 999, 255, 'tile/2/999.p/255'],
  ] as const)('level %s, tile %i, filled with %i: %s after %s', (level, number, filled, path) => {
    expect(tilePath(level, number, filled)).toBe(path);
  });
});

it('has full tiles, partial ones and the level above, and nothing else', async () => {
  const all = await readdir(join(dir, 'tile'), { recursive: true, withFileTypes: true });
  const files = all.filter(each => each.isFile()).map(each => join(each.parentPath, each.name).slice(dir.length + 1));
  const level = (name: string) => [`tile/${name}/000`, `tile/${name}/001`, `tile/${name}/002.p/88`];
  expect(files.sort()).toEqual([...level('0'), 'tile/1/000.p/2', ...level('entries')].sort());
});

describe.skipIf(spawnSync('python3', ['--version']).status !== 0)('an independent verifier in Python', () => {
  function run(at: string, key: string): { status: number | null; output: string } {
    const { status, stdout, stderr } = spawnSync('python3', [verifier, at, key], { encoding: 'utf8' });
    return { status, output: stdout + stderr };
  }

  it('verifies from the old key and from the new one', () => {
    for (const key of [keys.before, keys.after])
      expect(run(dir, key)).toEqual({ status: 0, output: 'verified: 600 entries\n' });
  });

  it.each([
    ['tile/entries/001', 5000, /tile 1 of level 0/],
    ['tile/0/002.p/88', 70, /tile 2 of level 0/],
    ['tile/1/000.p/2', 40, /tile 0 of level 1/],
    ['checkpoint', 30, /NOT VERIFIED|Error/],
    ['rotation-1', 30, /NOT VERIFIED|Error/],
  ])('refuses one changed bit in %s', async (name, at, why) => {
    const copy = join(folder, `changed-${name.replaceAll('/', '-')}`);
    await cp(dir, copy, { recursive: true });
    const bytes = await readFile(join(copy, name));
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    await writeFile(join(copy, name), bytes);
    const { status, output } = run(copy, keys.before);
    expect([status, output]).toEqual([1, expect.stringMatching(why)]);
  });

  it('refuses the new key where nothing carries the old one to it', async () => {
    const copy = join(folder, 'no-rotation');
    await cp(dir, copy, { recursive: true });
    await rm(join(copy, 'rotation-1'));
    // The newest checkpoint is still signed by both; alone it would do.
    const note = await readFile(join(copy, 'checkpoint'), 'utf8');
    await writeFile(join(copy, 'checkpoint'), note.split('\n').toSpliced(-2, 1).join('\n'));
    expect(run(copy, keys.before).output).toMatch(/approved/);
  });
});

describe('a proof', () => {
  const python = spawnSync('python3', ['--version']).status === 0;
  const leaves: Uint8Array[] = [];
  let checkpoint: string;
  let older: string;
  beforeAll(async () => {
    for await (const { leaf } of storedRows(scene.store)) leaves.push(leaf);
    checkpoint = await readFile(join(dir, 'checkpoint'), 'utf8');
    older = await readFile(join(dir, 'rotation-1'), 'utf8');
  });

  /** What both verifiers make of it: ours, and the one that shares no code with it. */
  async function judged(text: string, key: string, from?: string) {
    const [file, first] = [join(folder, 'proof'), join(folder, 'older')];
    await writeFile(file, text);
    if (from !== undefined) await writeFile(first, from);
    const ours = () => openProof(text, { verifierKey: key, older: from });
    if (!python) return { ours, theirs: undefined };
    const args = [verifier, file, key, ...(from === undefined ? [] : [first])];
    return { ours, theirs: spawnSync('python3', args, { encoding: 'utf8' }).status };
  }

  async function proofOf(seq: number): Promise<string> {
    const [row] = await scene.store.rows(seq, 1);
    return proveInclusion({ leaves, checkpoint }, { seq, bytes: row?.bytes ?? new Uint8Array() });
  }

  it.each([0, 300, 599])('of entry %i holds, by the old key and the new', async seq => {
    const text = await proofOf(seq);
    const { ours, theirs } = await judged(text, keys.before);
    expect(ours()).toMatchObject({ proves: 'inclusion', seq, size: 600 });
    expect(theirs ?? 0).toBe(0);
    expect(openProof(text, { verifierKey: keys.after })).toEqual(ours());
  });

  it('of the tree since the rotation holds, of no other beginning', async () => {
    const text = proveContinuation({ leaves, checkpoint }, older);
    const { ours, theirs } = await judged(text, keys.before, older);
    expect(ours()).toEqual({ proves: 'continuation', from: 301, size: 600 });
    expect(theirs ?? 0).toBe(0);
    const same = await judged(proveContinuation({ leaves, checkpoint }, checkpoint), keys.before, checkpoint);
    expect(same.ours()).toEqual({ proves: 'continuation', from: 600, size: 600 });
    expect(same.theirs ?? 0).toBe(0);
    expect((await judged(text, keys.before, checkpoint)).ours).toThrow(/not one for the older checkpoint/);
    expect((await judged(text, keys.before)).ours).toThrow(/needs the older checkpoint/);
  });

  it.each([
    ['another entry', (text: string) => text.replace(/^extra .*$/m, `extra ${Buffer.from('{}').toString('base64')}`)],
    ['another place', (text: string) => text.replace('index 300', 'index 301')],
    ['a hash less', (text: string) => text.split('\n').toSpliced(5, 1).join('\n')],
    ['two hashes exchanged', (text: string) => text.replace(/^(.{44})\n(.{44})$/m, '$2\n$1')],
    ['another size', (text: string) => text.replace('\n600\n', '\n601\n')],
  ])('with %s proves nothing', async (_, change) => {
    const text = change(await proofOf(300));
    expect(text).not.toBe(await proofOf(300));
    const { ours, theirs } = await judged(text, keys.after);
    expect(ours).toThrow(FleetError);
    expect(theirs ?? 1).toBe(1);
  });

  it('with a hash changed does not show that one tree begins the other', async () => {
    const text = proveContinuation({ leaves, checkpoint }, older).replace(
      /^([A-Za-z0-9+/]{43}=)$/m,
      `${'A'.repeat(43)}=`,
    );
    const { ours, theirs } = await judged(text, keys.after, older);
    expect(ours).toThrow(/does not begin/);
    expect(theirs ?? 1).toBe(1);
  });

  it('is not made from other leaves than those that are signed, or of an entry that is not signed yet', () => {
    const swapped = leaves.toSpliced(7, 1, leaves[8] as Uint8Array);
    expect(() => proveContinuation({ leaves: swapped, checkpoint }, older)).toThrow(/not those/);
    expect(() => proveInclusion({ leaves, checkpoint: older }, { seq: 301, bytes: new Uint8Array() })).toThrow(
      /not entry 301 yet/,
    );
  });
});
