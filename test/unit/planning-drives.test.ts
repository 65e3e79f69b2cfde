/** Which drives of a server an image is for, and when none of them may be touched. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { factValue, type HealthLevel, known, unknown } from '../../src/core/bmc.ts';
import type { FirmwareImage } from '../../src/core/fleet.ts';
import type { Drive, Storage } from '../../src/core/hardware.ts';
import { type FirmwareChange, type PlannedChange, sameParts, showChanges } from '../../src/core/planned-change.ts';
import { complianceOf } from '../../src/planning/compliance.ts';
import { driveTargets } from '../../src/planning/drive-changes.ts';
import { placesOf, runningOn, tellDrives, whyNotWritten } from '../../src/planning/drives-now.ts';
import { planCard } from '../../src/planning/plan-card.ts';
import { rolloutSteps } from '../../src/planning/plan-steps.ts';
import { reverseChanges } from '../../src/planning/reverse-changes.ts';
import { wantedChanges } from '../../src/planning/wanted-changes.ts';
import { examplePlan } from '../support/example-plan.ts';
import { serverHealth } from '../support/random-fleet.ts';

type Told = { serial?: string; model?: string; runs?: string; health?: HealthLevel; fails?: boolean };

function drive({ serial = 'S0', model = 'PM', runs = '2.1.0', health = 'ok', fails = false }: Told = {}): Drive {
  const why = unknown('not given');
  return {
    uri: `/drives/${serial}`,
    name: `Bay ${serial}`,
    model: known(model),
    serial: known(serial),
    firmware: known(runs),
    health: known(health),
    predictedFailure: known(fails),
    capacityBytes: why,
    media: why,
    protocol: why,
    lifeLeftPercent: why,
  };
}

function storage(drives: Drive[], more: Partial<Storage> = {}): Storage {
  return { drives: known(drives), volumes: known([]), selective: true, ...more };
}

function image(version: string, more: Partial<FirmwareImage> = {}): FirmwareImage {
  const id = `drives-${version}`;
  const about = { vendor: 'dell', models: ['R750'], component: 'drive', drives: ['PM'] } as const;
  return { ...about, models: ['R750'], drives: ['PM'], id, version, source: { file: id }, sha256: id, ...more };
}

const targets = (state: Storage, downgrade = false) => driveTargets(image('2.4.0'), state, downgrade);
const serials = (found: ReturnType<typeof targets>) =>
  'refused' in found ? found.refused : found.drives.map(({ serial }) => serial);

const old = (serial: string, more: Told = {}) => drive({ serial, ...more });
const pair = [old('A'), old('B')];

describe('an image for drives', () => {
  it('is for those of its models that are behind, and for no others', () => {
    const state = storage([
      old('A'),
      old('B', { runs: '2.4.0' }),
      old('C', { model: 'CM6' }),
      old('D', { runs: '2.2.0' }),
    ]);
    expect(serials(targets(state))).toEqual(['A', 'D']);
  });

  const whole = { uri: '/v', name: 'data', health: known<HealthLevel>('ok'), busy: undefined };
  it.each<[string, Storage, string]>([
    [
      'a drive fails',
      storage([...pair, old('C', { model: 'CM6', health: 'critical' })]),
      'Bay C is not well (critical)',
    ],
    ['a drive expects to', storage([old('A'), old('B', { fails: true })]), 'Bay B expects to fail'],
    ['nobody knows how one is', storage([old('A'), { ...old('B'), health: unknown('no answer') }]), 'no answer'],
    [
      'nobody knows what is to come',
      storage([{ ...old('A'), predictedFailure: unknown('silent') }]),
      'expects to fail',
    ],
    ['the drives are not read', storage([], { drives: unknown('no answer') }), 'cannot be read: no answer'],
    ['the volumes are not read', storage(pair, { volumes: unknown('no answer') }), 'cannot be read: no answer'],
    ['a volume is degraded', storage(pair, { volumes: known([{ ...whole, health: known('warning') }]) }), 'not whole'],
    [
      'a volume is rebuilt',
      storage(pair, { volumes: known([{ ...whole, busy: 'Rebuilding' }]) }),
      'is being worked on',
    ],
    ['a volume is not known', storage(pair, { volumes: known([{ ...whole, health: unknown('silent') }]) }), 'silent'],
    ['a model is not known', storage([old('A'), { ...old('B'), model: unknown('silent') }]), 'model of drive Bay B'],
    ['a serial is not known', storage([{ ...old('A'), serial: unknown('silent') }]), 'serial number of'],
  ])('is for none while %s', (_why, state, told) => {
    expect(serials(targets(storage(pair, { volumes: known([whole]) })))).toEqual(['A', 'B']);
    expect(serials(targets(state))).toContain(told);
  });

  it('is given to no drive where the BMC would give it to one that is not to have it', () => {
    const mixed = [old('A'), old('B', { runs: '2.5.0' })];
    expect(serials(targets(storage(mixed)))).toEqual(['A']);
    expect(serials(targets(storage(mixed, { selective: false })))).toContain('Bay B (2.5.0) is not to go to 2.4.0');
    expect(serials(targets(storage(mixed, { selective: false }), true))).toEqual(['A', 'B']);
    expect(serials(targets(storage([old('A'), old('B', { runs: '2.4.0' })], { selective: false })))).toEqual(['A']);
  });

  it('never names a drive of another model, of the wanted version, or on storage that is not well', () => {
    const one = fc.record({
      serial: fc.constantFrom('A', 'B', 'C', 'D', 'E'),
      model: fc.constantFrom('PM', 'CM6'),
      runs: fc.constantFrom('2.1.0', '2.4.0', '2.5.0', 'odd'),
      health: fc.constantFrom<HealthLevel>('ok', 'ok', 'ok', 'ok', 'warning'),
      fails: fc.constantFrom(false, false, false, false, true),
    });
    const all = fc.uniqueArray(one, { selector: ({ serial }) => serial, maxLength: 5 });
    fc.assert(
      fc.property(all, fc.boolean(), fc.boolean(), (told, selective, downgrade) => {
        const found = targets(storage(told.map(drive), { selective }), downgrade);
        if ('refused' in found) return;
        expect(told.every(({ health, fails }) => health === 'ok' && !fails)).toBe(true);
        const named = new Set(found.drives.map(({ serial }) => serial));
        for (const { serial, model, runs } of told) {
          const older = runs === '2.1.0';
          expect(named.has(serial)).toBe(model === 'PM' && (older || (downgrade && runs !== '2.4.0')));
          if (!selective && model === 'PM' && runs !== '2.4.0') expect(named.has(serial)).toBe(true);
        }
      }),
    );
  });
});

describe('a baseline with an image for drives', () => {
  const health = serverHealth({ name: 'n1', server: { bmcUrl: '', credential: '' } }, '1.0');
  const server = { ...health, activations: { ...health.activations, drive: known('reset-after' as const) } };
  const wanted = (state: Storage, images = [image('2.4.0')], stones: FirmwareImage[] = []) =>
    wantedChanges({ images, stones }, { name: 'n1', server, storage: known(state) });
  const told = (found: ReturnType<typeof wanted>) =>
    'excluded' in found ? found.excluded : showChanges(found.changes);

  it('is one change for drives of several versions, and tells each of them what it runs', () => {
    const found = wanted(storage([old('A'), old('B', { runs: '2.2.0' }), old('C', { runs: '2.4.0' })]));
    expect(told(found)).toBe('2 drives PM 2.1.0 and 2.2.0→2.4.0');
    const [change] = 'excluded' in found ? [] : found.changes;
    const from = (serial: string, runs: string) => ({ serial, name: `Bay ${serial}`, model: 'PM', from: runs });
    expect(change).toMatchObject({ kind: 'firmware', drives: [from('A', '2.1.0'), from('B', '2.2.0')], to: '2.4.0' });
  });

  it('shows approvers which drives, and that their storage has to be well', () => {
    const found = wanted(storage(pair));
    const changes = 'excluded' in found ? [] : found.changes;
    const precheck = (of: PlannedChange[]) =>
      rolloutSteps([{ changes: of }]).find(({ name }) => name === 'precheck')?.does;
    expect(precheck(changes)).toContain('every drive and volume is well');
    expect(precheck([])).not.toContain('drive');
    const { plan, digest } = examplePlan();
    const targets = plan.targets.map(target => ({ ...target, changes }));
    expect(JSON.stringify(planCard({ ...plan, targets }, digest))).toContain(
      'to 2.4.0: Bay A (A, 2.1.0), Bay B (B, 2.1.0)',
    );
    expect(JSON.stringify(planCard(plan, digest))).not.toContain('"Drives"');
  });

  it('is a change for each model, and not one way', () => {
    const state = storage([old('A'), old('B', { model: 'CM6' })]);
    const found = wanted(state, [image('2.4.0'), image('2.6.0', { drives: ['CM6'] })]);
    expect(told(found)).toBe('1 drive PM 2.1.0→2.4.0, 1 drive CM6 2.1.0→2.6.0');
    const [a, b] = ('excluded' in found ? [] : found.changes) as FirmwareChange[];
    expect(a && b && [sameParts(a, a), sameParts(a, b)]).toEqual([true, false]);
  });

  it('goes by stepping stones for drives of that model, and by one way for all', () => {
    const images = [image('2.4.0', { needs: '2.2.0' })];
    const stones = [image('2.2.0'), image('2.3.0', { drives: ['CM6'] }), ...images];
    expect(told(wanted(storage(pair), images, stones))).toBe('2 drives PM 2.1.0→2.2.0→2.4.0');
    const apart = storage([old('A'), old('B', { runs: '2.2.0' })]);
    expect(told(wanted(apart, images, stones))).toContain('do not go by the same images');
  });

  it('leaves a server alone that has no such drive, whose drives were not read, or whose vendor has no way', () => {
    expect(told(wanted(storage([old('A', { model: 'CM6' })])))).toContain('is for its model');
    const { server: bare, ...about } = { name: 'n1', server };
    expect(told(wantedChanges({ images: [image('2.4.0')], stones: [] }, { ...about, server: bare }))).toContain(
      'its drives: they were not read',
    );
    const activations = { ...server.activations, drive: unknown('there is no update profile for drive on lenovo yet') };
    const noWay = { name: 'n1', server: { ...server, activations }, storage: known(storage(pair)) };
    expect(told(wantedChanges({ images: [image('2.4.0')], stones: [] }, noWay))).toContain(
      'no update profile for drive',
    );
  });

  it('is not taken back by itself: the way back names an image', () => {
    const found = wanted(storage(pair));
    const made = 'excluded' in found ? [] : found.changes;
    const back = reverseChanges({ made, server, catalogue: [image('2.1.0'), image('2.4.0')] });
    expect(told(back)).toBe('drive stays: drives go back by a plan that names their image (flashFirmware)');
  });

  it('compares by the worst of the drives', () => {
    const { identity, firmware } = server;
    const status = (...drives: Drive[]) => {
      const node = { name: 'n1', model: identity.model, vendor: identity.vendor, firmware, drives: known(drives) };
      const [one] = complianceOf(node, [image('2.4.0')]);
      return `${one?.status} ${one && factValue(one.have)}`;
    };
    const current = old('A', { runs: '2.4.0' });
    expect(status(current)).toBe('compliant 2.4.0');
    expect(status(current, old('B'))).toBe('behind 2.1.0 and 2.4.0');
    expect(status(current, old('B'), old('C', { runs: 'odd' }))).toBe('unknown 2.1.0 and 2.4.0 and odd');
    expect(status(current, { ...old('B'), firmware: unknown('silent') })).toBe('unknown undefined');
  });
});

describe('drives that a plan names', () => {
  const planned = pair.map(({ name, serial }) => ({
    serial: factValue(serial) ?? '',
    name,
    model: 'PM',
    from: '2.1.0',
  }));
  const change = { drives: planned, to: '2.4.0' };

  it('are told one by one: part of them is not all of them', () => {
    const half = storage([old('A', { runs: '2.4.0' }), old('B')]);
    expect(tellDrives(change, half)).toBe('1 of 2 drives run 2.4.0: Bay B (B) runs 2.1.0');
    expect(factValue(runningOn(change, half))).toBe('2.1.0 and 2.4.0');
    const all = storage([old('B', { runs: '2.4.0' }), old('A', { runs: '2.4.0' })]);
    expect([tellDrives(change, all), factValue(runningOn(change, all))]).toEqual(['2 of 2 drives run 2.4.0', '2.4.0']);
    expect(runningOn(change, storage([old('A', { runs: '2.4.0' })]))).toEqual(unknown('Bay B (B) is not there'));
  });

  it('are their serial numbers, wherever they are now', () => {
    const moved = storage([{ ...old('B'), uri: '/drives/9' }, old('A')]);
    expect([whyNotWritten(change, moved), placesOf(change, moved)]).toEqual([undefined, ['/drives/A', '/drives/9']]);
    expect(whyNotWritten(change, storage([old('A'), old('X')]))).toBe('Bay B (B) is not there any more');
    expect(whyNotWritten(change, storage([old('A'), old('B'), old('B')]))).toContain('Bay B (B)');
  });

  it('are not written to where another would get the image too, or where one is not well by now', () => {
    const more = [...pair, old('X')];
    expect(whyNotWritten(change, storage(more))).toBeUndefined();
    expect(whyNotWritten(change, storage(more, { selective: false }))).toContain('to Bay X (X) too');
    const fine = [...pair, old('X', { runs: '2.4.0' }), old('Y', { model: 'CM6' })];
    expect(whyNotWritten(change, storage(fine, { selective: false }))).toBeUndefined();
    expect(whyNotWritten(change, storage([old('A'), old('B', { fails: true })]))).toContain('expects to fail');
  });
});
