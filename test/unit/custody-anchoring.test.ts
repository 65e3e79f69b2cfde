/** When the log is shown outside, when it is not, and what an anchor may show without a contradiction. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { AnchorStatus } from '../../src/core/anchor.ts';
import { FleetError } from '../../src/core/errors.ts';
import { Anchoring } from '../../src/guard/custody/anchoring.ts';
import { leafHash } from '../../src/guard/custody/merkle.ts';
import { signCheckpoint } from '../../src/guard/custody/note.ts';
import { serviceEntry } from '../support/custody.ts';
import { refusal } from '../support/guard.ts';
import { memoryAnchor, memoryLog, memorySeen, newSigner } from '../support/memory-custody.ts';

const start = Date.parse('2026-11-26T12:00:00Z');
const every = { entries: 3, ms: 300_000 };
let clock = start;
let told: AnchorStatus[];
let scene: ReturnType<typeof memoryLog>;
let seen: ReturnType<typeof memorySeen>;
let one: ReturnType<typeof memoryAnchor>;
let two: ReturnType<typeof memoryAnchor>;

beforeEach(() => {
  clock = start;
  told = [];
  scene = memoryLog();
  seen = memorySeen();
  [one, two] = [memoryAnchor('one'), memoryAnchor('two')];
});

/** Of one life of the service. */
function anchoring(anchors = [one.anchor], of: Partial<typeof scene> = {}) {
  const { log, store } = { ...scene, ...of };
  const onChange = (status: AnchorStatus) => void told.push(status);
  return new Anchoring({ anchors, log, custody: store, store: seen.store, every, onChange, now: () => clock });
}

const write = (count: number) => scene.log.append(Array.from({ length: count }, (_, n) => serviceEntry(`entry ${n}`)));
const sizeAt = ({ place }: typeof one) => place.note && scene.log.open(place.note).size;
const iso = (ms: number) => new Date(ms).toISOString();
const findings = (found: { anchor: string; finding: string }[]) => found.map(each => `${each.anchor} ${each.finding}`);

describe('the log is shown', () => {
  it('at every anchor that shows less, and the first time at each is on record', async () => {
    await write(2);
    const life = anchoring([one.anchor, two.anchor]);
    expect(life.status()).toEqual([
      { anchor: 'one', size: 0 },
      { anchor: 'two', size: 0 },
    ]);
    expect(await life.post()).toEqual([]);
    expect([sizeAt(one), sizeAt(two)]).toEqual([2, 2]);
    const details = scene.kept.slice(2).map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()));
    expect(details).toMatchObject([
      {
        type: 'custody',
        action: 'anchored',
        detail: 'one shows this log from 2 entries on',
        actor: { sub: 'service' },
      },
      { type: 'custody', action: 'anchored', detail: 'two shows this log from 2 entries on' },
    ]);
    expect(life.status()).toEqual([
      { anchor: 'one', size: 2, at: iso(start) },
      { anchor: 'two', size: 2, at: iso(start) },
    ]);
    expect(seen.rows.get('one')).toEqual({ name: 'one', note: one.place.note, setAside: false });
    await life.post();
    expect([sizeAt(one), scene.kept.length]).toEqual([4, 4]);
  });

  it('not again where nothing came to it, whoever posted what stands there', async () => {
    await write(2);
    await anchoring().post();
    await anchoring().post();
    const other = anchoring();
    await other.post();
    expect([one.place.posts, sizeAt(one)]).toEqual([2, 3]);
    expect(other.status()).toEqual([{ anchor: 'one', size: 3, at: iso(start) }]);
  });

  it('after so many entries, or so long after the last time, and not a moment earlier', async () => {
    const life = anchoring();
    await write(1);
    await life.postWhenDue();
    expect(sizeAt(one)).toBe(1); // and the second entry says so
    await write(1);
    clock += 299_999;
    await life.postWhenDue();
    expect(sizeAt(one)).toBe(1);
    await write(1);
    await life.postWhenDue();
    expect(sizeAt(one)).toBe(4);
    await write(1);
    clock += 299_999;
    await life.postWhenDue();
    expect(sizeAt(one)).toBe(4);
    clock += 1;
    await life.postWhenDue();
    expect(sizeAt(one)).toBe(5);
  });

  it('to an anchor that fails every half minute, and whoever listens hears once that it fails and once that it no longer does', async () => {
    const life = anchoring([one.anchor, two.anchor]);
    two.place.broken = new FleetError({ code: 'service_unreachable', message: 'no route' });
    await write(1);
    expect(await life.postWhenDue()).toEqual([]);
    expect([sizeAt(one), sizeAt(two)]).toEqual([1, undefined]);
    expect(life.status()[1]).toEqual({ anchor: 'two', size: 0, failing: { since: iso(start), problem: 'no route' } });
    clock += 29_999;
    two.place.broken = new FleetError({ code: 'service_unreachable', message: 'still none' });
    await life.post();
    expect(life.status()[1]?.failing).toEqual({ since: iso(start), problem: 'still none' });
    two.place.broken = undefined;
    await life.postWhenDue();
    expect(sizeAt(two)).toBeUndefined();
    clock += 30_000;
    await life.postWhenDue();
    expect(sizeAt(two)).toBe(2);
    expect(told.map(({ anchor, failing }) => [anchor, failing === undefined])).toEqual([
      ['two', false],
      ['two', true],
    ]);
  });

  it('nowhere where posting fails, and that is told and tried again', async () => {
    const life = anchoring();
    await write(1);
    const post = one.anchor.post;
    one.anchor.post = () => Promise.reject(new Error('the disk is full'));
    expect(await life.post()).toEqual([]);
    expect([seen.rows.size, life.status()[0]?.failing !== undefined, scene.kept.length]).toEqual([0, true, 1]);
    one.anchor.post = post;
    await life.post();
    expect([sizeAt(one), life.status()[0]?.failing]).toEqual([1, undefined]);
  });

  it('nowhere, and compared with nothing, where there is no anchor', async () => {
    await write(9);
    const life = anchoring([]);
    expect([await life.compare(), await life.post(), await life.postWhenDue()]).toEqual([[], [], []]);
    expect([life.ageMs(), scene.notes.size]).toEqual([0, 0]);
  });
});

it('its age is that of the newest comparison with any anchor, or of the life where there was none', async () => {
  const life = anchoring([one.anchor, two.anchor]);
  clock += 7000;
  expect(life.ageMs()).toBe(7000);
  two.place.broken = new Error('gone');
  await write(1);
  await life.post();
  clock += 500;
  expect(life.ageMs()).toBe(500);
  one.place.broken = new Error('gone too');
  await life.post();
  clock += 500;
  expect(life.ageMs()).toBe(1000);
});

describe('what an anchor shows', () => {
  beforeEach(async () => {
    await write(4);
    await anchoring().post();
  });

  it('agrees where the log continues it, in this life and in the next ones', async () => {
    const life = anchoring();
    for (let round = 0; round < 2; round++) {
      clock += 1000;
      expect(await life.compare()).toEqual([]);
      expect(life.status()).toEqual([{ anchor: 'one', size: 4, at: iso(clock) }]);
      await write(1);
    }
  });

  it('that another worker posted is taken up', async () => {
    const [mine, theirs] = [anchoring(), anchoring()];
    expect(await mine.compare()).toEqual([]);
    await write(2);
    await theirs.post();
    expect(await mine.compare()).toEqual([]);
    expect(mine.status()).toMatchObject([{ size: 7 }]);
    await write(1);
    expect(await mine.post()).toEqual([]);
    expect(sizeAt(one)).toBe(8);
  });

  it('contradicts where it is gone, though entries were shown there', async () => {
    one.place.note = undefined;
    const found = await anchoring().compare();
    expect(found).toEqual([
      { anchor: 'one', finding: 'missing', text: 'one shows nothing, where 4 entries were shown before' },
    ]);
  });

  it('contradicts where it is less than before, until somebody set that aside', async () => {
    const less = one.place.note;
    await anchoring().post();
    one.place.note = less;
    const [found] = await anchoring().compare();
    expect(found).toMatchObject({
      finding: 'missing',
      text: 'one shows 4 entries, where 5 were shown before',
      note: less,
    });
    seen.rows.set('one', { name: 'one', note: less ?? '', setAside: true });
    const life = anchoring();
    expect(await life.compare()).toEqual([]);
    expect(await life.post()).toEqual([]);
    expect([sizeAt(one), seen.rows.get('one')?.setAside]).toEqual([5, false]);
  });

  it('contradicts where the database holds less', async () => {
    scene.kept.length = 3;
    expect(await anchoring().compare()).toMatchObject([
      { finding: 'older', text: 'one shows 4 entries, and this database holds 3: it is an earlier state' },
    ]);
  });

  it('contradicts where the database holds as much, and other entries', async () => {
    const [first] = scene.kept;
    if (first) scene.kept[0] = { ...first, bytes: Buffer.from('{}') };
    expect(await anchoring().compare()).toMatchObject([
      { finding: 'forked', text: 'one shows 4 other entries than this database holds' },
    ]);
  });

  it('contradicts where a row is gone from the middle', async () => {
    scene.kept.splice(1, 1);
    expect(findings(await anchoring().compare())).toEqual(['one older']);
  });

  it('contradicts where no key of the log signed it, however large a tree it names', async () => {
    const root = leafHash(Buffer.of());
    for (const note of [signCheckpoint({ size: 9, root }, newSigner()), 'no note at all']) {
      one.place.note = note;
      expect(await anchoring().compare()).toMatchObject([{ finding: 'foreign', note }]);
    }
  });

  it('that was set aside may be posted over, though it is larger than the log', async () => {
    const note = signCheckpoint({ size: 99, root: leafHash(Buffer.of()) }, scene.key);
    one.place.note = note;
    expect(findings(await anchoring().compare())).toEqual(['one older']);
    seen.rows.set('one', { name: 'one', note, setAside: true });
    const life = anchoring();
    expect(await life.compare()).toEqual([]);
    expect(await life.post()).toEqual([]);
    expect(sizeAt(one)).toBe(5);
    one.place.note = note;
    expect(findings(await life.compare()), 'shown again after that').toEqual(['one older']);
  });

  it('keeps the log from being shown at any of them, where it contradicts at one', async () => {
    const life = anchoring([one.anchor, two.anchor]);
    one.place.note = signCheckpoint({ size: 4, root: leafHash(Buffer.of()) }, scene.key);
    await write(1);
    expect(findings(await life.post())).toEqual(['one forked']);
    expect([two.place.posts, one.place.posts]).toEqual([0, 1]);
  });

  it('that cannot be read may be the newest: nothing is known then', async () => {
    one.place.broken = new FleetError({ code: 'service_unreachable', message: 'no route' });
    const life = anchoring([one.anchor, two.anchor]);
    expect(await refusal(life.compare())).toMatchObject({ code: 'service_unreachable' });
    expect(life.status()[0]?.failing?.problem).toBe('no route');
    one.place.broken = undefined;
    expect(await life.compare()).toEqual([]);
    expect(life.status()[0]?.failing).toBeUndefined();
  });
});

it('a log that was changed after it was compared is shown nowhere', async () => {
  await write(4);
  const life = anchoring();
  await life.post();
  const fork = memoryLog(scene.key);
  await fork.log.append(['other', 'entries', 'than', 'before', 'and more'].map(serviceEntry));
  scene.kept.splice(0, 5, ...fork.kept);
  scene.notes.clear();
  await write(1);
  expect(await life.post()).toEqual([
    {
      anchor: 'this database',
      finding: 'forked',
      text: 'the checkpoint of 6 entries does not continue what was shown outside before',
    },
  ]);
  expect(one.place.posts).toBe(1);
});

it('one at a time holds the log against its anchors, also where the one before failed', async () => {
  await write(1);
  const life = anchoring();
  const order: string[] = [];
  const gate = Promise.withResolvers<undefined>();
  one.anchor.newest = async () => {
    order.push('read');
    await gate.promise;
    order.push('done');
    throw new Error('broken');
  };
  const both = Promise.allSettled([life.compare(), life.compare()]);
  gate.resolve(undefined);
  expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(order).toEqual(['read', 'done', 'read', 'done']);
});
