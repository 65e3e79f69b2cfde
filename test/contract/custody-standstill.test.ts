/** Once the log may not be the only one, nothing has an effect until a person has looked, and nothing of before counts then. */
import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Anchor } from '../../src/core/anchor.ts';
import { Anchoring } from '../../src/guard/custody/anchoring.ts';
import { openCheckpoint } from '../../src/guard/custody/note.ts';
import { parseVerifierKey } from '../../src/guard/custody/signing-key.ts';
import { Standstill } from '../../src/guard/custody/standstill.ts';
import { effectPerformer } from '../../src/guard/effects.ts';
import { anchorFile } from '../support/anchored.ts';
import {
  approvedOperation,
  effectOf,
  type GuardScene,
  guardScene,
  leases,
  refusal,
  storedPlan,
} from '../support/guard.ts';

let scene: GuardScene;
let anchor: Anchor;
let file: string;

beforeEach(async () => {
  scene = await guardScene();
  ({ anchor, file } = await anchorFile());
});
afterEach(() => scene.close());

/** The guard of one life of the service; `clock` is what its anchors are aged by. */
async function begun(clock = { now: Date.now() }) {
  const { records, custody } = scene;
  const every = { entries: 100, ms: 300_000 };
  const now = () => clock.now;
  const anchoring = new Anchoring({
    anchors: [anchor],
    log: custody,
    custody: records.custody,
    store: records.anchors,
    every,
    now,
  });
  const standstill = new Standstill({ records, custody, anchoring, maxAnchorAgeMs: 3_600_000 });
  await standstill.begin();
  const authority = standstill.guard(scene.authority);
  const perform = effectPerformer({ records, custody, authority, announce: () => standstill.announce() });
  return { standstill, authority, perform };
}

/** A life that finds its anchor gone: one operation at work with an effect left open, and a request that waits. */
async function frozen() {
  const before = await begun();
  const operation = await approvedOperation(scene);
  const interrupted = effectOf(operation, { send: () => Promise.reject(new Error('the connection broke')) });
  await refusal(before.perform(interrupted.spec));
  await scene.admin.query("update effect set state = 'open', detail = ''");
  const waiting = await storedPlan(scene);
  const { approval = '' } = await scene.approvals.requestStart(waiting, scene.caller('ask'));
  await rm(file);
  return { ...(await begun()), earlier: before.standstill, operation, approval };
}

it('freezing voids what waits and what runs, on record, and refuses even what settles', async () => {
  const { standstill, authority, perform, operation, approval } = await frozen();
  expect(standstill.status()).toMatchObject({ state: 'frozen' });
  const voided = (await scene.entries()).flatMap(entry =>
    entry.type === 'approval' && entry.state === 'expired' ? [entry.approval] : [],
  );
  const running = await scene.records.approvals.forOperation(operation);
  expect(voided.sort()).toEqual([approval, running?.id].sort());
  expect([running?.state, (await scene.records.approvals.get(approval)).state]).toEqual(['expired', 'expired']);
  const request = {
    target: 'cluster:boston',
    method: 'PATCH',
    path: '/api/v1/nodes/w-1',
    bodyDigest: 'sha256:0',
  } as const;
  for (const toBmc of [false, true]) {
    for (const settling of [false, true]) {
      const step = `w-1/later ${toBmc} ${settling}`;
      const { spec, sent } = effectOf(operation, {
        step,
        settling,
        ...(!toBmc && { prepare: async () => ({ request }) }),
      });
      const refused = { code: 'forbidden', message: expect.stringMatching(/shows nothing/) };
      expect(await refusal(perform(spec))).toMatchObject(refused);
      expect([sent, await scene.records.effects.latest(operation, step)]).toEqual([[], undefined]);
    }
  }
  const { plan } = await storedPlan(scene);
  const conditions = await authority.conditions(plan);
  expect(authority.decide({ plan, requester: scene.caller('ask').person, via: 'cli', conditions }).verdict).toBe(
    'deny',
  );
});

it('stays so in the next life and in every other worker, though the anchor is back, until a person reconciles', async () => {
  const { earlier } = await frozen();
  const note = await scene.custody.checkpoint();
  await anchor.post(note);
  const next = await begun();
  expect(next.standstill.status()).toMatchObject({ state: 'frozen' });
  await next.standstill.look();
  expect(() => next.standstill.check()).toThrow();
  await earlier.look();
  expect(earlier.status()).toMatchObject({ state: 'frozen' });
  await next.standstill.reconcile(scene.caller('vote'), 'the share was not mounted');
  await earlier.look();
  expect(earlier.status()).toEqual({ state: 'none' });
  expect((await begun()).standstill.status()).toEqual({ state: 'none' });
});

it('reconciling ends what was open as ambiguous and says who and why; new plans work then', async () => {
  const { standstill, perform, operation, approval } = await frozen();
  expect(await scene.records.leases.holds(leases, operation)).toBe(true);
  const done = await standstill.reconcile(scene.caller('vote'), 'restored after the disk died');
  expect(done).toMatchObject({ halted: [operation], ambiguous: 1, found: [expect.stringMatching(/shows nothing/)] });
  expect(await scene.records.operations.get(operation)).toMatchObject({ state: 'halted' });
  expect(await scene.records.effects.latest(operation, 'w-1/flash')).toMatchObject({ state: 'ambiguous' });
  expect(await scene.entries()).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        type: 'custody',
        action: 'reconciled',
        actor: expect.objectContaining({ sub: 'vote' }),
      }),
      expect.objectContaining({ type: 'effect.reconciled', operation, finding: 'ambiguous' }),
    ]),
  );
  const late = {
    approval,
    vote: 'approve',
    reason: 'late',
    presence: { by: 'passphrase', passphrase: 'right' },
  } as const;
  expect((await refusal(scene.approvals.vote(late, scene.caller('vote')))).message).toMatch(/expired/);
  const next = effectOf(await approvedOperation(scene));
  expect(await perform(next.spec)).toBe('done');
  expect(next.sent).toHaveLength(1);
});

it('is not lifted by anyone where nothing is frozen', async () => {
  const { standstill } = await begun();
  expect(await refusal(standstill.reconcile(scene.caller('vote'), 'just so'))).toMatchObject({ code: 'conflict' });
});

it('shows an intent outside before the BMC is told', async () => {
  const { perform } = await begun();
  const shown: number[] = [];
  const { spec, sent } = effectOf(await approvedOperation(scene), {
    async send() {
      const note = (await anchor.newest()) ?? '';
      shown.push(openCheckpoint(note, parseVerifierKey(scene.custody.verifierKey)).size);
      return 'done';
    },
  });
  await perform(spec);
  expect(shown[0]).toBeGreaterThan(sent[0] ?? Number.POSITIVE_INFINITY);
});

it('begins nothing new where no anchor could be read for longer than the configuration allows; what settles goes on', async () => {
  const clock = { now: Date.now() };
  const { perform } = await begun(clock);
  const operation = await approvedOperation(scene);
  clock.now += 3_600_001;
  const late = effectOf(operation);
  expect((await refusal(perform(late.spec))).message).toMatch(/maxAnchorAge/);
  expect(late.sent).toEqual([]);
  const settling = effectOf(operation, { step: 'w-1/uncordon', settling: true });
  await perform(settling.spec);
  expect(settling.sent).toHaveLength(1);
});
