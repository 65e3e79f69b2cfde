/** The writing side of the log: what is signed and by whom, and its keys over their life. */
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Records, Stores } from '../../src/core/records.ts';
import { KeyFiles, type KeyRing } from '../../src/guard/custody/key-ring.ts';
import { namesKey } from '../../src/guard/custody/key-succession.ts';
import { byService, CustodyLog } from '../../src/guard/custody/log.ts';
import { leafHash } from '../../src/guard/custody/merkle.ts';
import { parseNote, signCheckpoint } from '../../src/guard/custody/note.ts';
import { verifierKeyText } from '../../src/guard/custody/signing-key.ts';
import { serviceEntry } from '../support/custody.ts';
import { refusal } from '../support/guard.ts';
import { memoryLog, newSigner, origin } from '../support/memory-custody.ts';

let scene: ReturnType<typeof memoryLog>;
let dir: string;
beforeEach(async () => {
  scene = memoryLog();
  dir = await mkdtemp(join(tmpdir(), 'gk-log-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const write = (...details: string[]) => scene.log.append(details.map(serviceEntry));
const transaction = (async (work: (tx: Stores) => Promise<unknown>) =>
  work({ custody: scene.store } as Stores)) as Records['transaction'];
const signers = (note: string) => parseNote(note).signatures.map(({ keyId }) => keyId.toString('hex'));
const idOf = ({ keyId }: { keyId: Buffer }) => keyId.toString('hex');

describe('a checkpoint', () => {
  it('signs what is there, once for each size, the empty log too', async () => {
    const empty = await scene.log.checkpoint();
    expect(scene.log.open(empty)).toMatchObject({ size: 0 });
    await write('a', 'b');
    const note = await scene.log.checkpoint();
    expect(scene.log.open(note)).toMatchObject({ size: 2, root: (await scene.store.head()).root });
    scene.store.saveCheckpoint = () => Promise.reject(new Error('signed again'));
    expect(await scene.log.checkpoint()).toBe(note);
    expect([...scene.notes.values()]).toEqual([empty, note]);
  });

  it('is none over a log that is less, or another one, than was signed', async () => {
    await write('a', 'b');
    await scene.log.checkpoint();
    const last = scene.kept.pop();
    const refused = { code: 'precondition_failed', retry: 'ask' };
    expect(await refusal(scene.log.checkpoint())).toMatchObject({
      ...refused,
      message: 'the custody log (1 entries) contradicts its checkpoint of 2 entries',
    });
    await write('another b');
    expect(last).toBeDefined();
    expect(await refusal(scene.log.checkpoint())).toMatchObject(refused);
    expect(scene.notes.size).toBe(1);
  });

  it('of another process, larger than the head that was read, is answered as it is', async () => {
    await write('a');
    await scene.log.checkpoint();
    const { head } = scene.store;
    const [before] = [await head()];
    await write('b');
    const theirs = await scene.log.checkpoint();
    let reads = 0;
    scene.store.head = async () => (reads++ === 0 ? before : head());
    expect(await scene.log.checkpoint()).toBe(theirs);
    await write('c');
    reads = 0;
    expect(await scene.log.checkpoint(), 'also where more came meanwhile').toBe(theirs);
  });

  it('is opened with any key that the log has or had, and with no other', async () => {
    const [old, older, stranger] = [newSigner(), newSigner(), newSigner()];
    const log = new CustodyLog({ store: scene.store, keys: { signers: [scene.key, old], retired: [older] } });
    const head = await scene.store.head();
    for (const key of [scene.key, old, older]) expect(log.open(signCheckpoint(head, key)).size).toBe(0);
    expect(() => log.open(signCheckpoint(head, stranger))).toThrow('not signed by the expected key');
    expect(log.verifierKey).toBe(verifierKeyText(scene.key));
    expect(signers(await log.checkpoint())).toEqual([idOf(scene.key), idOf(old)]);
  });

  it('is not made by a process that has not got the key that signs now; a witness is no such key', async () => {
    const [next, witness] = [newSigner(), newSigner('witness.test')];
    await write('a');
    const head = await scene.store.head();
    const seenByWitness =
      signCheckpoint(head, scene.key) + signCheckpoint(head, witness).split('\n').slice(-2).join('\n');
    scene.notes.set(1, seenByWitness);
    await write('b');
    await scene.log.checkpoint();
    await write('c');
    scene.notes.set(3, signCheckpoint(await scene.store.head(), next, scene.key));
    expect(await refusal(scene.log.checkpoint())).toMatchObject({ code: 'precondition_failed', retry: 'ask' });
    let reloads = 0;
    const reload = async (): Promise<KeyRing> => {
      reloads++;
      return { signers: [next, scene.key], retired: [] };
    };
    const log = new CustodyLog({ store: scene.store, keys: { signers: [scene.key], retired: [] }, reload });
    expect(await log.checkpoint()).toBe(scene.notes.get(3));
    await write('d');
    expect(signers(await log.checkpoint())).toEqual([idOf(next), idOf(scene.key)]);
    expect(reloads).toBe(1);
  });

  it('carries the word of a new key under both keys', async () => {
    await write('a');
    const next = newSigner();
    const ring: KeyRing = { signers: [next, scene.key], retired: [] };
    const before = scene.log.verifierKey;
    await scene.log.follow(ring, byService, { transaction });
    expect(signers(scene.notes.get(2) ?? '')).toEqual([idOf(next), idOf(scene.key)]);
    const said = JSON.parse(Buffer.from(scene.kept[1]?.bytes ?? []).toString());
    expect(said).toMatchObject({
      type: 'key.rotated',
      from: before,
      to: verifierKeyText(next),
      actor: { sub: 'service' },
    });
    expect(scene.log.verifierKey).toBe(verifierKeyText(next));
    expect(await namesKey(scene.store, verifierKeyText(next))).toBe(true);
    for (const other of [before, verifierKeyText(newSigner())]) expect(await namesKey(scene.store, other)).toBe(false);
  });

  it('stays with the old key where the word of the new one cannot be kept', async () => {
    const before = scene.log.verifierKey;
    const gone = (() => Promise.reject(new Error('gone'))) as Records['transaction'];
    const ring: KeyRing = { signers: [newSigner(), scene.key], retired: [] };
    await expect(scene.log.follow(ring, byService, { transaction: gone })).rejects.toThrow('gone');
    expect(scene.log.verifierKey).toBe(before);
  });
});

it('an entry gets a time and an identifier of version 7, and one alone is as good as a list', async () => {
  const [receipt] = await scene.log.append(serviceEntry('alone'));
  expect(receipt).toEqual({ seq: 0, leaf: leafHash(scene.kept[0]?.bytes ?? Buffer.of()).toString('hex') });
  await write('one', 'two');
  const entries = scene.kept.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()));
  expect(entries.map(({ detail, v }) => [detail, v])).toEqual([
    ['alone', 1],
    ['one', 1],
    ['two', 1],
  ]);
  for (const { id, time } of entries) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(Date.parse(time));
  }
  expect(new Set(entries.map(({ id }) => id)).size).toBe(3);
  expect([await scene.log.append([]), scene.kept.length]).toEqual([[], 3]);
});

describe('the key files', () => {
  const never = async () => false;
  const month = 30 * 24 * 3600_000;
  const names = async () => (await readdir(dir)).sort();
  const texts = ({ signers: all }: KeyRing) => all.map(verifierKeyText);
  const aged = async (ms: number) => {
    const at = (Date.now() - ms) / 1000;
    await utimes(join(dir, 'custody.key.previous'), at, at);
  };

  it('begin with one key, which stays', async () => {
    const files = new KeyFiles(dir, origin);
    const ring = await files.load(() => Promise.reject(new Error('there is nothing to ask about')));
    expect([ring.signers.length, ring.retired, await names()]).toEqual([1, [], ['custody.key']]);
    expect(texts(await new KeyFiles(dir, origin).load(never))).toEqual(texts(ring));
  });

  it('after a rotation hold the new key, the one before for a month, and the word of all that signed', async () => {
    const files = new KeyFiles(dir, origin);
    const before = texts(await files.current());
    let shown: KeyRing | undefined;
    await files.rotate(async ring => {
      shown = ring;
      expect(texts(await files.current()), 'not in force yet').toEqual(before);
    });
    const after = await files.current();
    expect(texts(after)).toEqual(texts(shown as KeyRing));
    expect(texts(after).slice(1)).toEqual(before);
    expect(after.retired.map(verifierKeyText)).toEqual(before);
    expect(await names()).toEqual(['custody.key', 'custody.key.previous', 'custody.key.retired']);
    expect((await stat(join(dir, 'custody.key.retired'))).mode & 0o777).toBe(0o600);
    await aged(month - 60_000);
    expect(texts(await files.current())).toHaveLength(2);
    await aged(month + 1000);
    expect(texts(await files.current())).toEqual(texts(after).slice(0, 1));
    expect([await names(), (await files.current()).retired.map(verifierKeyText)]).toEqual([
      ['custody.key', 'custody.key.retired'],
      before,
    ]);
    await files.rotate(async () => {});
    await files.rotate(async () => {});
    expect((await files.current()).retired).toHaveLength(3);
  });

  it('decide a rotation that was interrupted by what the log says', async () => {
    const files = new KeyFiles(dir, origin);
    const [before] = texts(await files.current());
    const stop = () => Promise.reject(new Error('stopped'));
    await expect(files.rotate(stop)).rejects.toThrow('stopped');
    expect(await refusal(files.rotate(async () => {}))).toMatchObject({ code: 'conflict' });
    expect(texts(await files.load(never))).toEqual([before]);
    expect(await names()).not.toContain('custody.key.next');
    await expect(files.rotate(stop)).rejects.toThrow('stopped');
    const asked: string[] = [];
    const ring = await files.load(async key => asked.push(key) > 0);
    expect(texts(ring)).toEqual([asked[0], before]);
    expect(asked[0]).not.toBe(before);
  });

  it('name no key twice where the one before is still the one in force', async () => {
    const files = new KeyFiles(dir, origin);
    const ring = await files.current();
    await writeFile(join(dir, 'custody.key.previous'), await readFile(join(dir, 'custody.key')), { mode: 0o600 });
    expect(texts(await files.current())).toEqual(texts(ring));
  });
});
