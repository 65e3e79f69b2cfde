/** The key of the log is replaced: who kept the old one can follow, and nobody can lead them anywhere else. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { exportBundle, verifyBundle } from '../../src/guard/custody/bundle.ts';
import { KeyFiles, type KeyRing } from '../../src/guard/custody/key-ring.ts';
import { namesKey } from '../../src/guard/custody/key-succession.ts';
import { byService, CustodyLog } from '../../src/guard/custody/log.ts';
import { signCheckpoint } from '../../src/guard/custody/note.ts';
import { type Signer, signer, verifierKeyText } from '../../src/guard/custody/signing-key.ts';
import { storedRows } from '../../src/guard/custody/stored-rows.ts';
import { verifyLog } from '../../src/guard/custody/verify.ts';
import { type CustodyScene, custodyScene, serviceEntry } from '../support/custody.ts';
import { refusal } from '../support/guard.ts';

const origin = 'custody.test/fleet';
let scene: CustodyScene;
let dir: string;
let files: KeyFiles;
let log: CustodyLog;
let old: Signer;

beforeEach(async () => {
  scene = await custodyScene();
  dir = await mkdtemp(join(tmpdir(), 'gk-keys-'));
  files = new KeyFiles(dir, origin);
  await begin();
  [old] = (await files.load(introduced)).signers;
  await log.append(['a', 'b'].map(serviceEntry));
  await log.checkpoint();
});
afterEach(async () => {
  await scene.close();
  await rm(dir, { recursive: true, force: true });
});

const introduced = (key: string) => namesKey(scene.store, key);

/** The log as the next life of the service opens it. */
async function begin(): Promise<void> {
  log = new CustodyLog({ store: scene.store, keys: await files.load(introduced), reload: () => files.current() });
}

async function name(from: string, to: string): Promise<void> {
  await log.append({ ...serviceEntry(''), type: 'key.rotated', from, to });
}

const follow = (keys: KeyRing) => log.follow(keys, byService, scene);

async function rotate(): Promise<void> {
  await files.rotate(follow);
}

async function verdict(verifierKey: string) {
  const [head, checkpoints] = [await scene.store.head(), await scene.store.checkpoints()];
  return verifyLog({ rows: storedRows(scene.store), head, checkpoints, verifierKey });
}

const signatures = (note: string) => note.split('\n').filter(line => line.startsWith('— ')).length;

it('both keys sign at first, the new one alone after a month, and from either the log verifies', async () => {
  const before = log.verifierKey;
  await rotate();
  expect(log.verifierKey).not.toBe(before);
  expect(signatures(await log.checkpoint())).toBe(2);
  await log.append(serviceEntry('c'));
  await begin();
  expect(signatures(await log.checkpoint())).toBe(2);
  const monthAgo = Date.now() / 1000 - 31 * 24 * 3600;
  await utimes(join(dir, 'custody.key.previous'), monthAgo, monthAgo);
  await begin();
  await log.append(serviceEntry('d'));
  expect(signatures(await log.checkpoint())).toBe(1);
  expect(await readdir(dir)).not.toContain('custody.key.previous');
  for (const trusted of [before, log.verifierKey])
    expect(await verdict(trusted)).toMatchObject({ ok: true, verifierKey: log.verifierKey, unsignedTail: 0 });
});

it('a second rotation leads on from the first', async () => {
  const before = log.verifierKey;
  await rotate();
  const between = log.verifierKey;
  await rotate();
  await log.append(serviceEntry('later'));
  await log.checkpoint();
  for (const trusted of [before, between, log.verifierKey])
    expect(await verdict(trusted)).toMatchObject({ ok: true, verifierKey: log.verifierKey });
});

it('a key that the old one never vouched for is refused, whichever of the two is trusted', async () => {
  const before = log.verifierKey;
  const thief = signer(origin, generateKeyPairSync('ed25519').privateKey);
  await name(before, verifierKeyText(thief));
  const forged = new CustodyLog({ store: scene.store, keys: { signers: [thief], retired: [old] } });
  await forged.append(serviceEntry('whatever the thief likes'));
  await forged.checkpoint();
  const refused = { ok: false, problems: [{ problem: expect.stringMatching(/not signed by the expected key/) }] };
  expect(await verdict(before)).toMatchObject(refused);
  expect(await verdict(verifierKeyText(thief))).toMatchObject(refused);
});

it('the old key alone signs nothing any more', async () => {
  const before = log.verifierKey;
  await rotate();
  await log.append(serviceEntry('by who stole the old key'));
  const head = await scene.store.head();
  await scene.store.saveCheckpoint(head.size, signCheckpoint(head, old));
  expect(await verdict(before)).toMatchObject({ ok: false });
  expect(await verdict(log.verifierKey)).toMatchObject({ ok: false });
});

it('a rotation that was interrupted is decided by the log, and until then no other begins', async () => {
  const before = log.verifierKey;
  const gone = () => Promise.reject(new Error('the database is gone'));
  await expect(files.rotate(gone)).rejects.toThrow(/gone/);
  expect(await refusal(files.rotate(follow))).toMatchObject({ code: 'conflict' });
  await begin();
  expect(log.verifierKey).toBe(before);
  const thenGone = (keys: KeyRing) => follow(keys).then(gone);
  await expect(files.rotate(thenGone)).rejects.toThrow(/gone/);
  await begin();
  await log.checkpoint();
  expect(log.verifierKey).not.toBe(before);
  expect(await verdict(before)).toMatchObject({ ok: true, verifierKey: log.verifierKey });
});

it('another process signs with the new key from the moment that the log names it, or not at all', async () => {
  const beside = new CustodyLog({
    store: scene.store,
    keys: { signers: [old], retired: [] },
    reload: () => files.current(),
  });
  const elsewhere = new CustodyLog({ store: scene.store, keys: { signers: [old], retired: [] } });
  const before = log.verifierKey;
  await rotate();
  await log.append(serviceEntry('c'));
  expect(await refusal(elsewhere.checkpoint())).toMatchObject({ code: 'precondition_failed' });
  expect(signatures(await beside.checkpoint())).toBe(2);
  expect(await verdict(before)).toMatchObject({ ok: true, verifierKey: log.verifierKey, unsignedTail: 0 });
});

it('an export carries the rotations, so that an old key verifies it', async () => {
  const before = log.verifierKey;
  await rotate();
  await log.append(serviceEntry('c'));
  await rm(join(dir, 'custody.key.previous'));
  await begin();
  const checkpoint = await log.checkpoint();
  const bundle = join(dir, 'bundle');
  const earlier = await scene.store.checkpoints();
  const { verifierKey } = log;
  await exportBundle({ dir: bundle, rows: storedRows(scene.store), checkpoint, earlier, verifierKey });
  for (const trusted of [before, verifierKey, undefined])
    expect(await verifyBundle(bundle, { verifierKey: trusted })).toMatchObject({ ok: true, verifierKey });
  await rm(join(bundle, 'rotation-1'));
  expect(await verifyBundle(bundle, { verifierKey: before })).toMatchObject({ ok: false });
});
