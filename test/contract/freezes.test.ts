/** To stop is easy, to go on is not; and neither happens without its record. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  approvedOperation,
  effectOf,
  type GuardScene,
  guardScene,
  present,
  refusal,
  storedPlan,
} from '../support/guard.ts';

const fleet = { site: '*', cluster: '*' };
const minute = 60_000;
const proof = { reason: 'the smoke is gone', presence: present };

let scene: GuardScene;
beforeEach(async () => {
  scene = await guardScene();
});
afterEach(() => scene.close());

const standing = async () => (await scene.records.freezes.standing()).map(({ id }) => id);
const froze = (where = fleet) => scene.freezes.freeze(where, 'smoke in hall 2', scene.caller('ask', 'mcp'));
const recorded = async () => (await scene.entries()).filter(({ type }) => type === 'freeze');

describe('a freeze', () => {
  it('stands with its reason and its record, and denies what starts', async () => {
    const { id } = await froze();
    const answer = await scene.approvals.requestStart(await storedPlan(scene), scene.caller('ask'));
    expect(answer).toMatchObject({ status: 'denied', reasons: [expect.stringContaining('frozen')] });
    expect(await recorded()).toMatchObject([
      { freeze: id, action: 'frozen', where: 'the fleet', reason: 'smoke in hall 2', actor: { sub: 'ask' } },
    ]);
  });

  it('lets nothing start by the last vote either', async () => {
    const { approval = '' } = await scene.approvals.requestStart(await storedPlan(scene), scene.caller('ask'));
    await froze({ site: 'boston', cluster: '*' });
    const ballot = { approval, vote: 'approve', reason: 'go', presence: present } as const;
    expect((await refusal(scene.approvals.vote(ballot, scene.caller('vote')))).message).toContain('frozen');
    expect(scene.launched).toEqual([]);
  });

  it('of another place stops nothing here', async () => {
    const operation = await approvedOperation(scene);
    await froze({ site: 'chicago', cluster: '*' });
    await froze({ site: 'boston', cluster: 'other' });
    const { spec, sent } = effectOf(operation);
    await scene.perform(spec);
    expect(sent).toHaveLength(1);
  });

  it('is not there where it could not be recorded', async () => {
    await scene.admin.query('alter table custody_entry rename to custody_gone');
    await refusal(froze()).catch(() => undefined);
    expect(await standing()).toEqual([]);
    await scene.admin.query('alter table custody_gone rename to custody_entry');
  });
});

describe('a maintenance window that is not open', () => {
  const start = async (change = {}) =>
    scene.approvals.requestStart(await storedPlan(scene, change), scene.caller('ask'));

  it('denies the start, and says when it fits', async () => {
    Object.assign(scene.window, { open: false, closesInMs: 0, opensAt: Date.UTC(2026, 11, 1, 3) });
    const { status, reasons } = await start();
    expect([status, reasons.join()]).toEqual(['denied', expect.stringMatching(/outside-window.*2026-12-01T03:00/)]);
    Object.assign(scene.window, { opensAt: undefined });
    expect((await start()).reasons.join()).toContain('no window in sight is long enough');
  });

  it('does not deny what may wait for it, but every effect until then', async () => {
    const operation = await approvedOperation(scene, { waitForWindow: true });
    Object.assign(scene.window, { open: false, closesInMs: 0, opensAt: Date.UTC(2126, 11, 1, 3) });
    expect((await start({ waitForWindow: true })).status).toBe('approval_required');
    const { spec, sent } = effectOf(operation);
    expect((await refusal(scene.perform(spec))).message).toContain('outside-window');
    expect(sent).toEqual([]);
  });

  it('denies also what may wait, where there is none in sight', async () => {
    Object.assign(scene.window, { open: false, closesInMs: 0 });
    const { status, reasons } = await start({ waitForWindow: true });
    expect([status, reasons.join()]).toEqual(['denied', expect.stringContaining('no window in sight is long enough')]);
  });

  it('begins the time in which an operation may act, where that may wait; nothing stretches the minutes after breaking glass, or begins them where none would be left', async () => {
    const opensAt = Date.now() + 86_400_000;
    Object.assign(scene.window, { open: false, closesInMs: 0, opensAt });
    const operation = await approvedOperation(scene, { waitForWindow: true });
    const { executeUntil } = await scene.records.operations.head(operation);
    expect(Date.parse(executeUntil)).toBe(opensAt + scene.limits.executeForMs);

    scene.people.set('vote', { name: 'vote', groups: ['operators', 'firefighters'] });
    const { approval = '' } = await start({ waitForWindow: true });
    const breaking = () =>
      scene.approvals.breakGlass({ approval, reason: 'fire', presence: present }, scene.caller('vote'));
    expect((await refusal(breaking())).message).toContain('no emergency changes that');
    Object.assign(scene.window, { open: true, closesInMs: 3_600_000 });
    const broken = await breaking();
    const { executeUntil: soon } = await scene.records.operations.head(broken.operation ?? '');
    expect(Date.parse(soon)).toBeLessThan(Date.now() + 16 * minute);
  });
});

describe('lifting it', () => {
  it('takes a person who is there, and lets what runs go on', async () => {
    const operation = await approvedOperation(scene);
    const { id } = await froze();
    const { spec, sent } = effectOf(operation);
    expect(await refusal(scene.perform(spec))).toMatchObject({ code: 'stopped' });
    await scene.freezes.lift(id, proof, scene.caller('vote'));
    await scene.perform(spec);
    expect([sent.length, await standing()]).toEqual([1, []]);
    expect((await recorded()).at(-1)).toMatchObject({ freeze: id, action: 'lifted', actor: { sub: 'vote' } });
  });

  it('leaves the others standing', async () => {
    const [first, second] = [await froze(), await froze({ site: 'boston', cluster: '*' })];
    await scene.freezes.lift(first.id, proof, scene.caller('vote'));
    expect(await standing()).toEqual([second.id]);
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ['over MCP', () => lifted('vote', 'mcp'), 'forbidden'],
    [
      'without the passphrase',
      () => lifted('vote', 'cli', { presence: { by: 'passphrase', passphrase: 'wrong' } }),
      'unauthenticated',
    ],
    ['by who may change nothing there', () => lifted('stranger'), 'forbidden'],
    ['of what does not stand', () => lifted('vote', 'cli', {}, 'frz-0000000000'), 'not_found'],
  ])('is refused %s', async (_, lifting, code) => {
    const { id } = await froze();
    frozen = id;
    expect((await refusal(lifting())).code).toBe(code);
    expect([await standing(), (await recorded()).length]).toEqual([[id], 1]);
  });

  let frozen: string;
  function lifted(who: string, channel: 'cli' | 'mcp' = 'cli', more = {}, id = frozen) {
    return scene.freezes.lift(id, { ...proof, ...more }, scene.caller(who, channel));
  }
});
