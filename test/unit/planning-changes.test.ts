/** What is changed on one server, in which order, and what of it can be taken back. */
import { describe, expect, it } from 'vitest';
import type { BiosAttribute } from '../../src/core/bios.ts';
import { type Component, type FirmwareMember, known, type ServerHealth, unknown } from '../../src/core/bmc.ts';
import type { FirmwareImage } from '../../src/core/fleet.ts';
import { changeName, type PlannedChange, showChanges } from '../../src/core/planned-change.ts';
import { rolloutSteps } from '../../src/planning/plan-steps.ts';
import { type ReverseRequest, reverseChanges } from '../../src/planning/reverse-changes.ts';
import { type Wanted, type WantedRequest, wantedChanges } from '../../src/planning/wanted-changes.ts';
import { serverHealth } from '../support/random-fleet.ts';

type Versions = { bmc: string; bios: string };

function server({ bmc, bios }: Versions): ServerHealth {
  const member = (component: Component, version: string): FirmwareMember => ({
    uri: `/${component}`,
    id: component,
    name: component,
    version: known(version),
    state: 'active',
    component,
  });
  return {
    ...serverHealth({ name: 'n1', server: { bmcUrl: '', credential: '' } }, bios),
    firmware: known([member('bios', bios), member('bmc', bmc)]),
    activations: {
      bios: known('reset-while-pending'),
      bmc: known('bmc-restarts'),
      nic: known('reset-while-pending'),
      drive: known('reset-while-pending'),
    },
  };
}

function image(component: Component, version: string, more: Partial<FirmwareImage> = {}): FirmwareImage {
  const id = `${component}-${version}`;
  return { id, vendor: 'dell', models: ['R750'], component, version, source: { file: id }, sha256: id, ...more };
}

function attribute(name: string): BiosAttribute {
  const takes = { type: 'enumeration' as const, values: ['On', 'Off'], labels: [] };
  return { name, takes, readOnly: false, grayedOut: false, hidden: false };
}

const registry = { attributes: ['Turbo', 'Threads'].map(attribute), dependencies: [] };
const settingsOf = (active: Record<string, string>) => known({ active, registry });

const told = (wanted: Wanted) => ('excluded' in wanted ? wanted.excluded : showChanges(wanted.changes));
const changesOf = (wanted: Wanted): PlannedChange[] => ('excluded' in wanted ? [] : wanted.changes);
const warningsOf = (wanted: Wanted) => ('excluded' in wanted ? [] : wanted.warnings);

const baseline: WantedRequest = {
  images: [image('bios', '2.8.0', { needs: '2.4.0' }), image('bmc', '7.20.0')],
  stones: [image('bios', '2.4.0'), image('bios', '2.8.0', { needs: '2.4.0' })],
  settings: [{ models: ['R750'], attributes: { Turbo: 'Off', Threads: 'On' } }],
};
const bios = settingsOf({ Turbo: 'On', Threads: 'On' });
const behind = { name: 'n1', server: server({ bmc: '7.10.0', bios: '2.1.0' }), bios };

describe('what a baseline wants', () => {
  it('is the BMC first, then the BIOS by its stones, then the settings that are not so', () => {
    const wanted = wantedChanges(baseline, behind);
    expect(told(wanted)).toBe('BMC 7.10.0→7.20.0, BIOS 2.1.0→2.4.0→2.8.0, Turbo On → Off');
    expect(changesOf(wanted).map(changeName)).toEqual(['1-bmc', '2-bios', '3-bios', '4-bios-settings']);
    expect(changesOf(wanted).map(change => change.activation)).toEqual([
      'bmc-restarts',
      'reset-while-pending',
      'reset-while-pending',
      'next-start',
    ]);
  });

  it('is told without what cannot be done, which is told too', () => {
    const wanted = wantedChanges({ ...baseline, stones: [] }, { ...behind, bios: unknown('no answer') });
    expect(told(wanted)).toBe('BMC 7.10.0→7.20.0');
    expect(warningsOf(wanted)).toEqual([
      expect.stringMatching(/^left out: bios 2.8.0 needs at least 2.4.0/),
      'left out: BIOS settings: no answer',
    ]);
  });

  it('is nothing where the reason is all that is left, and settings of another model are none', () => {
    const current = { ...behind, server: server({ bmc: '7.20.0', bios: '2.8.0' }) };
    const others = { ...baseline, settings: [{ models: ['R640'], attributes: { Turbo: 'Off' } }] };
    expect(told(wantedChanges(others, current))).toContain('bmc is compliant');
    expect(told(wantedChanges(baseline, current))).toBe('Turbo On → Off');
    const wrong = { ...baseline, settings: [{ models: ['R750'], attributes: { Turbo: 'Fast' } }] };
    expect(told(wantedChanges(wrong, current))).toContain('Turbo takes On, Off, not "Fast"');
  });
});

describe('what does not go back by itself', () => {
  const ahead = { name: 'n1', server: server({ bmc: '7.20.0', bios: '2.9.0' }) };

  it('goes back where somebody asked for it, marked and with a warning', () => {
    expect(told(wantedChanges(baseline, ahead))).toContain('bios is ahead: has 2.9.0, wanted 2.8.0');
    const back = wantedChanges({ ...baseline, downgrade: true }, ahead);
    expect(changesOf(back)).toMatchObject([{ to: '2.8.0', downgrade: true }]);
    expect(warningsOf(back)).toEqual([expect.stringMatching(/^goes back: bios 2.9.0 → 2.8.0/)]);
    expect(changesOf(wantedChanges(baseline, behind))[0]).not.toHaveProperty('downgrade');
  });

  it('stays where nobody knows what runs, or how a new image takes effect', () => {
    const dark = { ...ahead.server, firmware: unknown('no answer') };
    expect(told(wantedChanges({ ...baseline, downgrade: true }, { name: 'n1', server: dark }))).toBe(
      'bios is unknown: has unknown (no answer), wanted 2.8.0 (no answer); bmc is unknown: has unknown (no answer), wanted 7.20.0 (no answer)',
    );
    const activations = { ...behind.server.activations, bmc: unknown('it does not say') };
    const silent = { ...behind, server: { ...behind.server, activations } };
    expect(warningsOf(wantedChanges(baseline, silent))).toEqual(['left out: it does not say']);
  });

  it('is told of servers that the baseline says nothing about', () => {
    const images = [image('bios', '2.8.0', { models: ['R640'] })];
    const none = 'none of the wanted images (bios-2.8.0) is for its model';
    expect(told(wantedChanges({ images, stones: [] }, behind))).toBe(none);
    expect(told(wantedChanges({ images: [], stones: [] }, behind))).toContain('(no baseline)');
    expect(told(wantedChanges({ ...baseline, images: [...images, ...baseline.images] }, ahead))).not.toContain('R640');
  });
});

it('approvers read the steps of all changes, and where a cancel stops between two of them', () => {
  const names = (changes: PlannedChange[]) => rolloutSteps([{ changes }]).map(({ name }) => name);
  const [bmc, stone, , settings] = changesOf(wantedChanges(baseline, behind));
  if (!bmc || !stone || !settings) throw new Error('four changes were expected');
  expect(names([bmc])).not.toContain('reset');
  expect(names([stone])).not.toContain('set');
  expect(names([settings])).not.toContain('flash');
  expect(names([bmc])).not.toContain('next change');
  expect(names([bmc, settings])).toEqual(expect.arrayContaining(['flash', 'set', 'reset', 'next change']));
  const between = (activation: PlannedChange['activation']) => {
    const all = names([{ ...stone, activation } as PlannedChange]);
    return all.slice(all.indexOf('transfer') + 1, all.indexOf('uncordon')).join(', ');
  };
  expect(between('reset-while-pending')).toBe('reset, verify, rejoin');
  expect(between('reset-after')).toBe('reset, verify, rejoin');
  expect(between('bmc-restarts')).toBe('verify, ran on');
  expect(between('restart-bmc')).toBe('restart of the BMC, verify, ran on');
  expect(between('power-cycle')).toBe('off, power cycle, verify, on, rejoin');
});

describe('the way back', () => {
  const made = changesOf(wantedChanges(baseline, behind));
  const catalogue = [...baseline.stones, image('bios', '2.1.0'), image('bmc', '7.10.0'), image('bmc', '7.20.0')];
  const after = server({ bmc: '7.20.0', bios: '2.8.0' });
  const request: ReverseRequest = { made, server: after, catalogue, bios: settingsOf({ Turbo: 'Off', Threads: 'On' }) };

  it('is every change the other way round, the last one first, each marked as going back', () => {
    const back = reverseChanges(request);
    expect(told(back)).toBe('Turbo Off → On, BIOS 2.8.0→2.4.0→2.1.0, BMC 7.20.0→7.10.0');
    const firmware = changesOf(back).flatMap(change => ('image' in change ? [`${change.from} ${change.to}`] : []));
    expect(firmware).toEqual(['2.8.0 2.4.0', '2.4.0 2.1.0', '7.20.0 7.10.0']);
    const marks = changesOf(back).flatMap(change => ('downgrade' in change ? [change.downgrade] : []));
    expect(marks).toEqual([true, true, true]);
    expect(warningsOf(back)).toContainEqual(expect.stringMatching(/^goes back: bmc 7.20.0 → 7.10.0/));
  });

  it('takes images of its own vendor, model and component alone', () => {
    const strange = [
      image('bmc', '7.10.0', { id: 'vendor', vendor: 'hpe' }),
      image('bmc', '7.10.0', { id: 'model', models: ['R640'] }),
      image('bios', '7.10.0', { id: 'component' }),
    ];
    const back = changesOf(reverseChanges({ ...request, catalogue: [...strange, ...catalogue] }));
    expect(back.at(-1)).toMatchObject({ image: 'bmc-7.10.0' });
  });

  it('is not taken where what it needs is not known', () => {
    const only = (change: Partial<ServerHealth>) => reverseChanges({ ...request, server: { ...after, ...change } });
    const activations = { ...after.activations, bmc: unknown('it does not say') };
    expect(warningsOf(only({ activations }))).toContain('bmc stays: it does not say');
    expect(warningsOf(only({ identity: { ...after.identity, model: unknown('not told') } }))).toContainEqual(
      expect.stringMatching(/^bios stays: .*not told/),
    );
    expect(warningsOf(only({ firmware: unknown('no answer') }))).toContain(
      'bios stays: it runs an unknown version, not 2.8.0',
    );
    const { bios: _, ...unread } = request;
    expect(warningsOf(reverseChanges(unread))).toContain('BIOS settings stay: they were not read');
    expect(warningsOf(reverseChanges({ ...request, bios: unknown('no answer') }))).toContain(
      'BIOS settings stay: no answer',
    );
    const imagesAlone = warningsOf(reverseChanges({ ...unread, made: made.filter(change => 'image' in change) }));
    expect(imagesAlone.join()).not.toContain('BIOS settings');
  });

  it('leaves what the catalogue does not have, or the vendor does not let go back, and says so', () => {
    const poor = catalogue.filter(({ id }) => id !== 'bmc-7.10.0');
    const back = reverseChanges({
      ...request,
      catalogue: poor.map(each => (each.id === 'bios-2.8.0' ? { ...each, backTo: '2.8.0' } : each)),
    });
    expect(told(back)).toBe('Turbo Off → On');
    expect(warningsOf(back)).toEqual([
      expect.stringMatching(/^bios stays: .* goes back to 2.8.0 at most, says its vendor/),
      'bmc stays: the catalogue has no image of 7.10.0',
    ]);
  });

  it('is only of what is still as the operation left it', () => {
    const moved = { ...request, server: server({ bmc: '7.20.0', bios: '2.9.0' }), bios: settingsOf({ Turbo: 'On' }) };
    const back = reverseChanges(moved);
    expect(told(back)).toBe('BMC 7.20.0→7.10.0');
    expect(warningsOf(back)).toEqual(
      expect.arrayContaining([
        'BIOS setting Turbo stays: it is not what the operation left',
        'bios stays: it runs 2.9.0, not 2.8.0',
      ]),
    );
    expect(told(reverseChanges({ ...request, made: [] }))).toContain('changed nothing on it');
  });

  it('is of the stones alone that were proved', () => {
    const half = { ...request, made: made.slice(0, 2), server: server({ bmc: '7.20.0', bios: '2.4.0' }) };
    expect(told(reverseChanges(half))).toBe('BIOS 2.4.0→2.1.0, BMC 7.20.0→7.10.0');
  });
});
