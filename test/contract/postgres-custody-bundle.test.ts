import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { exportBundle, verifyBundle } from '../../src/guard/custody/bundle.ts';
import { signer, verifierKeyText } from '../../src/guard/custody/signing-key.ts';
import { storedRows } from '../../src/guard/custody/stored-rows.ts';
import { type CustodyScene, custodyScene, serviceEntry } from '../support/custody.ts';

let scene: CustodyScene;
let folder = '';
let dir = '';
let exports = 0;

beforeAll(async () => {
  scene = await custodyScene();
  folder = await mkdtemp(join(tmpdir(), 'gk-bundle-'));
  await scene.log.append([...'abcdefghijk'].map(letter => serviceEntry(`${letter} – Zürich \n "quoted"`)));
  await scene.log.checkpoint();
  await scene.log.append(serviceEntry('after the checkpoint'));
});
afterAll(async () => {
  await scene.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  dir = join(folder, String(exports++));
  const checkpoint = (await scene.store.checkpoints())[0]?.note ?? '';
  await exportBundle({ dir, rows: storedRows(scene.store), checkpoint, verifierKey: scene.log.verifierKey });
});

async function edit(name: string, change: (text: string) => string): Promise<void> {
  const text = await readFile(join(dir, name), 'latin1');
  const changed = change(text);
  expect(changed).not.toBe(text);
  await writeFile(join(dir, name), changed, 'latin1');
}

/** Runs the script that the bundle's README carries. */
async function runReadme(): Promise<{ status: number | null; output: string }> {
  const script = (await readFile(join(dir, 'README'), 'utf8')).split('---- verify.py\n')[1] ?? '';
  await writeFile(join(dir, 'verify.py'), script);
  const { status, stdout, stderr } = spawnSync('python3', ['verify.py'], { cwd: dir, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

const changes: [string, string, (text: string) => string][] = [
  ['a changed letter', 'entries.ndjson', text => text.replace('"started"', '"startet"')],
  ['a dropped line', 'entries.ndjson', text => text.slice(text.indexOf('\n') + 1)],
  ['a cut end', 'entries.ndjson', text => `${text.split('\n').slice(0, -2).join('\n')}\n`],
  [
    'two swapped lines',
    'entries.ndjson',
    text =>
      text
        .split('\n')
        .toSpliced(0, 2, ...text.split('\n').slice(0, 2).reverse())
        .join('\n'),
  ],
  ['a line more', 'entries.ndjson', text => text + text.slice(text.lastIndexOf('\n', text.length - 2) + 1)],
  ['the last leaf dropped', 'leaves', text => text.slice(0, -65)],
  ['a tail without a line feed', 'entries.ndjson', text => `${text}tail`],
  ['a leaf in capitals', 'leaves', text => text.replace(/[a-f]/, letter => letter.toUpperCase())],
  ['a changed leaf', 'leaves', text => text.replace(/^./, first => (first === '0' ? '1' : '0'))],
  ['a changed size', 'checkpoint', text => text.replace('\n11\n', '\n10\n')],
  [
    'another root',
    'checkpoint',
    text => text.replace(/\n11\n./, found => (found.endsWith('A') ? '\n11\nB' : '\n11\nA')),
  ],
];

describe('an exported bundle', () => {
  it('holds exactly what its checkpoint signs, and verifies', async () => {
    expect(await verifyBundle(dir, { verifierKey: scene.log.verifierKey })).toMatchObject({
      ok: true,
      size: 11,
      unsignedTail: 0,
    });
    expect(await verifyBundle(dir)).toMatchObject({ ok: true, size: 11 });
  });

  it.each(changes)('does not verify with %s in %s', async (_, name, change) => {
    await edit(name, change);
    expect(await verifyBundle(dir)).toMatchObject({ ok: false });
  });

  it('does not verify with a carriage return that no one would see', async () => {
    await edit('entries.ndjson', text => text.replace('\n', '\r\n'));
    const verdict = await verifyBundle(dir);
    expect(verdict).toMatchObject({
      ok: false,
      problems: expect.arrayContaining([expect.objectContaining({ seq: 0 })]),
    });
  });

  it('does not verify against another key than the one it came with', async () => {
    const other = verifierKeyText(signer('custody.test/fleet', generateKeyPairSync('ed25519').privateKey));
    expect(await verifyBundle(dir, { verifierKey: other })).toMatchObject({ ok: false });
  });

  it('is refused when a file is missing', async () => {
    await rm(join(dir, 'entries.ndjson'));
    await expect(verifyBundle(dir)).rejects.toMatchObject({ code: 'invalid_input' });
  });

  it('is never written over another one', async () => {
    const checkpoint = await scene.log.checkpoint();
    const again = exportBundle({ dir, rows: storedRows(scene.store), checkpoint, verifierKey: scene.log.verifierKey });
    await expect(again).rejects.toMatchObject({ code: 'conflict' });
  });

  it('is not written when rows are missing', async () => {
    const checkpoint = await scene.log.checkpoint();
    const short = {
      dir: `${dir}-short`,
      rows: storedRows(scene.store, 4),
      checkpoint,
      verifierKey: scene.log.verifierKey,
    };
    await expect(exportBundle(short)).rejects.toMatchObject({ code: 'precondition_failed' });
  });
});

// An independent reader: other language, other library, the steps of the README alone.
describe.skipIf(spawnSync('python3', ['--version']).status !== 0)('the script in the README', () => {
  it('verifies the bundle', async () => {
    expect(await runReadme()).toEqual({ status: 0, output: 'verified: 11 entries\n' });
  });

  it.each(changes)('refuses %s in %s', async (_, name, change) => {
    await edit(name, change);
    expect((await runReadme()).status).not.toBe(0);
  });
});
