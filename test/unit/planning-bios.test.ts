/** BIOS settings are judged by the server's own registry before anything is sent, and what is wrong says what was expected. */
import { describe, expect, it } from 'vitest';
import type { BiosAttribute, BiosDependency, BiosRegistry, BiosValue } from '../../src/core/bios.ts';
import { FleetError } from '../../src/core/errors.ts';
import { checkBios } from '../../src/planning/bios-settings.ts';

const free = { readOnly: false, grayedOut: false, hidden: false };
const onOff = { type: 'enumeration', values: ['Enabled', 'Disabled'], labels: ['On', 'Off'] } as const;
const attributes = [
  { name: 'LogicalProc', takes: { ...onOff }, ...free },
  { name: 'WatchDog', takes: { ...onOff }, ...free },
  { name: 'WatchDogTimeout', takes: { type: 'integer', lower: 5, upper: 30, step: 5 }, ...free },
  { name: 'AssetTag', takes: { type: 'string', maxLength: 4 }, ...free },
  { name: 'Sparing', takes: { type: 'boolean' }, ...free },
  { name: 'QuietBoot', takes: { type: 'enumeration', values: ['0', '1'], labels: ['Loud', 'Quiet'] }, ...free },
  { name: 'Numbered', takes: { type: 'enumeration', values: ['0', '1'], labels: [] }, ...free },
  { name: 'Version', takes: { type: 'string' }, ...free, readOnly: true },
  { name: 'SetupPassword', takes: { type: 'password' }, ...free },
  { name: 'HttpUri', takes: { type: 'string' }, ...free, fixed: 'it is part of an HTTP boot' },
  { name: 'Unshown', takes: { type: 'boolean' }, ...free },
  { name: 'Odd', takes: { type: 'unknown' }, ...free },
] as unknown as BiosAttribute[];
const active = {
  LogicalProc: 'Enabled',
  WatchDog: 'Disabled',
  WatchDogTimeout: 5,
  AssetTag: '',
  Sparing: false,
  QuietBoot: 'Loud',
  Numbered: 0,
  Version: '1.0',
  SetupPassword: '',
  HttpUri: '',
  Odd: 'x',
};
const while_ = (attribute: string, value: string) => ({ attribute, is: 'EQU', value, joined: 'or' }) as const;
const dependencies: BiosDependency[] = [
  { attribute: 'WatchDogTimeout', when: [while_('WatchDog', 'Disabled')], becomes: 'hidden', so: true },
  { attribute: 'AssetTag', when: [while_('LogicalProc', 'Disabled')], becomes: 'value', so: 'HT' },
];

function check(settings: string[], registry: BiosRegistry = { attributes, dependencies }) {
  return checkBios({ registry, active, settings });
}

function refusal(settings: string[], registry?: BiosRegistry): FleetError {
  try {
    check(settings, registry);
  } catch (thrown) {
    return FleetError.from(thrown);
  }
  throw new Error('was not refused');
}

describe('what is right', () => {
  it.each([
    ['LogicalProc=Disabled', 'Enabled', 'Disabled'],
    ['AssetTag=a=b', '', 'a=b'],
    ['Sparing=true', false, true],
    ['QuietBoot=Quiet', 'Loud', 'Quiet'],
    ['Numbered=1', 0, 1],
  ])('%s is planned in the type and the words that the server uses', (setting, from, to) => {
    expect(check([setting]).changes).toEqual([{ attribute: setting.split('=')[0], from, to }]);
  });

  it('is judged as it would be then: what frees a setting may be set together with it', () => {
    expect(check(['WatchDogTimeout=10', 'WatchDog=Enabled']).changes).toHaveLength(2);
  });

  it('leaves out what is so already, and refuses when nothing is left', () => {
    expect(check(['LogicalProc=Enabled', 'Sparing=true']).changes.map(each => each.attribute)).toEqual(['Sparing']);
    expect(refusal(['LogicalProc=Enabled'])).toMatchObject({ code: 'precondition_failed' });
  });

  it('tells what the firmware sets by itself then', () => {
    expect(check(['LogicalProc=Disabled']).follows).toEqual(['AssetTag = HT']);
    expect(check(['Sparing=true']).follows).toEqual([]);
  });
});

describe('what is wrong', () => {
  it.each([
    ['LogicalProcs=Disabled', 'did you mean LogicalProc?'],
    ['Nothing=1', 'there is no BIOS attribute "Nothing" on this server: it has 11 others'],
    ['LogicalProc=Off', 'LogicalProc takes Enabled, Disabled, not "Off"'],
    ['QuietBoot=1', 'QuietBoot takes Loud, Quiet, not "1"'],
    ['WatchDogTimeout=31', 'a whole number from 5 to 30 in steps of 5, not "31"'],
    ['WatchDogTimeout=7', 'in steps of 5, not "7"'],
    ['WatchDogTimeout=1e1', 'not "1e1"'],
    ['AssetTag=12345', 'AssetTag takes 0 to 4 characters, not "12345"'],
    ['Sparing=yes', 'Sparing takes true or false, not "yes"'],
    ['Version=2.0', 'Version is read-only'],
    ['SetupPassword=x', 'is a password'],
    ['HttpUri=http://x', 'it is part of an HTTP boot'],
    ['Unshown=true', 'its change could not be proved'],
    ['Odd=y', 'does not say what Odd takes'],
    ['WatchDogTimeout=10', 'WatchDogTimeout has no effect while WatchDog is Disabled'],
  ])('%s says what was expected', (setting, said) => {
    expect(refusal([setting])).toMatchObject({ code: 'invalid_input', message: expect.stringContaining(said) });
  });

  it('is told all at once, and one wrong setting keeps the others from being planned', () => {
    const { message } = refusal(['Sparing=true', 'LogicalProc=Off', 'Nothing=1', 'Sparing=false']);
    for (const said of ['LogicalProc takes', 'no BIOS attribute "Nothing"', 'Sparing is set twice'])
      expect(message).toContain(said);
  });

  it.each(['LogicalProc', '=Disabled'])('is a setting without a name or a value: %s', setting => {
    expect(refusal([setting])).toMatchObject({ code: 'invalid_input', hint: 'write each as Name=value' });
  });
});

describe('what an attribute takes', () => {
  /** Whether the one attribute takes this, where it shows `now`; else what was expected. */
  function taken(takes: BiosAttribute['takes'], now: BiosValue, text: string): string {
    const registry = { attributes: [{ name: 'A', takes, ...free }], dependencies: [] };
    try {
      return checkBios({ registry, active: { A: now }, settings: [`A=${text}`] })
        .changes.map(({ to }) => `takes ${to}`)
        .join();
    } catch (thrown) {
      return FleetError.from(thrown).message;
    }
  }

  it.each<[number, boolean]>([
    [2, false],
    [3, true],
    [8, true],
    [10, false],
    [13, true],
    [18, false],
  ])('is a whole number on a step between its limits, both included: %d is %s', (value, right) => {
    const told = taken({ type: 'integer', lower: 3, upper: 13, step: 5 }, 0, `${value}`);
    expect(told === `takes ${value}`).toBe(right);
  });

  it('is any whole number where the registry names no limit', () => {
    expect(taken({ type: 'integer' }, 0, '-7')).toBe('takes -7');
    expect(taken({ type: 'integer', step: 0 }, 0, '7')).toBe('takes 7');
    for (const takes of [{ type: 'integer' }, { type: 'integer', step: 1 }] as const)
      expect(taken(takes, 0, 'x')).toMatch(/A takes a whole number from any to any, not "x"$/);
    expect(taken({ type: 'integer', step: 2 }, 1, '4')).toBe('takes 4');
    expect(taken({ type: 'integer', step: 2 }, 1, '3')).toContain('in steps of 2');
  });

  it('is text of a length between its limits, both included', () => {
    const takes = { type: 'string', minLength: 2, maxLength: 4 } as const;
    expect(['a', 'ab', 'abcd', 'abcde'].map(text => taken(takes, '', text).startsWith('takes'))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  it('is a value, except where the server shows a label and no value', () => {
    const takes = { type: 'enumeration' as const, values: ['On', 'Off'], labels: ['On', 'Aus'] };
    expect(taken(takes, 'On', 'Off')).toBe('takes Off');
    expect(taken(takes, 'On', 'Aus')).toContain('A takes On, Off, not "Aus"');
    expect(taken(takes, 'Aus', 'On')).toBe('takes On');
    expect(taken(takes, 'Neither', 'Aus')).toContain('A takes On, Off, not "Aus"');
  });

  it('is told by its first twenty values', () => {
    const values = (count: number) => Array.from({ length: count }, (_, n) => `v${n}`);
    const told = (count: number) => taken({ type: 'enumeration', values: values(count), labels: [] }, 'v0', 'x');
    expect(told(20)).toMatch(/v18, v19, not "x"$/);
    expect(told(21)).toMatch(/v18, v19 …, not "x"$/);
  });
});

describe('what the firmware sets by itself', () => {
  const when = [while_('LogicalProc', 'Disabled')];
  const follows = (change: Partial<BiosDependency>, settings = ['LogicalProc=Disabled']) => {
    const rule = { attribute: 'AssetTag', when, becomes: 'value', so: 'HT', ...change } as BiosDependency;
    return check(settings, { attributes, dependencies: [rule] }).follows;
  };

  it('is told once, and only where a change brings it about', () => {
    expect(follows({})).toEqual(['AssetTag = HT']);
    const twice = { attribute: 'AssetTag', when, becomes: 'value', so: 'HT' } as const;
    expect(check(['LogicalProc=Disabled'], { attributes, dependencies: [twice, twice] }).follows).toHaveLength(1);
    expect(follows({ so: '' }), 'it is so already').toEqual([]);
    expect(follows({ attribute: 'Unshown' }), 'the server does not show it').toEqual([]);
    expect(follows({ becomes: 'hidden', so: true }), 'it is not set').toEqual([]);
    expect(follows({ when: [while_('LogicalProc', 'Enabled')] }), 'that does not hold then').toEqual([]);
    expect(follows({ when: [while_('WatchDog', 'Disabled')] }), 'that held before').toEqual([]);
  });
});

describe('conditions of the registry', () => {
  it('are told with their joints, and the last rule that holds wins over what the registry says by itself', () => {
    const both = [while_('WatchDog', 'Disabled'), { ...while_('LogicalProc', 'Enabled'), joined: 'and' as const }];
    const rule = (so: boolean) => ({ attribute: 'Sparing', when: both, becomes: 'grayedOut', so }) as const;
    expect(refusal(['Sparing=true'], { attributes, dependencies: [rule(true)] }).message).toMatch(
      /Sparing cannot be set while WatchDog is Disabled and LogicalProc is Enabled$/,
    );
    expect(check(['Sparing=true'], { attributes, dependencies: [rule(true), rule(false)] }).changes).toHaveLength(1);
    const open = { attribute: 'Version', when: both, becomes: 'readOnly', so: false } as const;
    expect(check(['Version=2.0'], { attributes, dependencies: [open] }).changes).toHaveLength(1);
    expect(refusal(['Version=2.0'], { attributes, dependencies: [] }).message).toMatch(/Version is read-only$/);
  });

  const ruled = (when: BiosDependency['when']): BiosRegistry => ({
    attributes,
    dependencies: [{ attribute: 'Sparing', when, becomes: 'readOnly', so: true }],
  });
  const number = (is: 'GTR' | 'GEQ' | 'LSS' | 'LEQ' | 'NEQ', value: number) =>
    ({ attribute: 'WatchDogTimeout', is, value, joined: 'or' }) as const;

  it.each([
    [[number('GTR', 4)], true],
    [[number('GTR', 5)], false],
    [[number('GEQ', 5)], true],
    [[number('LSS', 5)], false],
    [[number('LEQ', 5)], true],
    [[number('NEQ', 5)], false],
    [[while_('WatchDog', 'Disabled'), { ...while_('LogicalProc', 'Disabled'), joined: 'and' as const }], false],
    [[while_('WatchDog', 'Enabled'), while_('LogicalProc', 'Enabled')], true],
    [[while_('WatchDog', 'Disabled'), { ...while_('LogicalProc', 'Enabled'), joined: 'and' as const }], true],
    [[while_('WatchDog', 'Enabled'), { ...while_('LogicalProc', 'Enabled'), joined: 'and' as const }], false],
    [[while_('WatchDog', 'Enabled'), while_('LogicalProc', 'Disabled')], false],
    // The joint of the first is of no meaning.
    [[{ ...while_('WatchDog', 'Disabled'), joined: 'and' as const }], true],
    // What the server does not show fulfils nothing.
    [[{ ...while_('Elsewhere', 'x'), is: 'NEQ' as const }], false],
  ])('%j forbids: %s', (when, forbids) => {
    const registry = ruled(when);
    if (forbids) expect(refusal(['Sparing=true'], registry).message).toContain('Sparing is read-only while');
    else expect(check(['Sparing=true'], registry).changes).toHaveLength(1);
  });
});
