/** BIOS settings are judged by the server's own registry before anything is sent, and what is wrong says what was expected. */
import { describe, expect, it } from 'vitest';
import type { BiosAttribute, BiosDependency, BiosRegistry } from '../../src/core/bios.ts';
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
    ['Nothing=1', 'there is no BIOS attribute "Nothing" on this server'],
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

  it('is a setting without a value', () => {
    expect(refusal(['LogicalProc'])).toMatchObject({ code: 'invalid_input', hint: 'write each as Name=value' });
  });
});

describe('conditions of the registry', () => {
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
    // What the server does not show fulfils nothing.
    [[{ ...while_('Elsewhere', 'x'), is: 'NEQ' as const }], false],
  ])('%j forbids: %s', (when, forbids) => {
    const registry = ruled(when);
    if (forbids) expect(refusal(['Sparing=true'], registry).message).toContain('Sparing is read-only while');
    else expect(check(['Sparing=true'], registry).changes).toHaveLength(1);
  });
});
