/** Groups out of a file that changes: what it takes away is gone at the next effect, and what is wrong in it changes nothing. */
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Config } from '../../src/config.ts';
import { directoryOf } from '../../src/config.ts';
import { configuredLogIns } from '../../src/configured-log-ins.ts';
import { createAuthority } from '../../src/guard/authority.ts';
import { DirectoryGroups } from '../../src/guard/directory-groups.ts';
import { effectPerformer } from '../../src/guard/effects.ts';
import { loadPolicy } from '../../src/guard/policy/load-policy.ts';
import { approvedOperation, effectOf, guardScene, refusal, shippedPolicies } from '../support/guard.ts';
import { eventually } from '../support/stack.ts';

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'directory-'));
  file = join(dir, 'directory.yaml');
  write('people: { ask: [operators], vote: [operators, sre] }');
});
afterEach(() => rmSync(dir, { recursive: true }));

const write = (text: string) => writeFileSync(file, text);
const open = () => new DirectoryGroups({ file, people: ['ask', 'vote'], accept: ['operators', 'sre'] });

describe('a directory', () => {
  it('gives what it says, and what it says later', async () => {
    const directory = open();
    expect([directory.of('vote'), directory.of('nobody')]).toEqual([['operators', 'sre'], []]);
    const before = directory.status.digest;
    write('people: { vote: [sre] }');
    await directory.read();
    expect([directory.of('ask'), directory.of('vote'), directory.status.digest === before]).toEqual([
      [],
      ['sre'],
      false,
    ]);
  });

  it.each([
    ['is no YAML', 'people: {'],
    ['has another form', 'people: { vote: sre }'],
    ['knows more than people', 'people: {}\ngroups: {}'],
    ['names a stranger', 'people: { eve: [sre] }'],
    ['gives a group that is not accepted', 'people: { vote: [root] }'],
    ['is too large', `people: {}\n#${'x'.repeat(1024 * 1024)}`],
  ])('that %s is not usable: the one before stays, and the next good one is taken', async (_, text) => {
    const directory = open();
    const { digest } = directory.status;
    write(text);
    await directory.read();
    expect(directory.status).toMatchObject({ state: 'kept', digest, error: { code: 'invalid_config' } });
    expect(directory.of('vote')).toEqual(['operators', 'sre']);
    expect(open).toThrow(/not usable/);
    write('people: { vote: [] }');
    await directory.read();
    expect([directory.status.state, directory.of('vote')]).toEqual(['current', []]);
  });

  it('that is gone gives what it gave, and says so to who watches it, once', async () => {
    const directory = open();
    const told: string[] = [];
    const stop = directory.watch(5, status => void told.push(status.state));
    unlinkSync(file);
    await eventually('to be told', async () => told[0]);
    write('people: { ask: [sre] }');
    await eventually('to be told that it is well again', async () => told[1]);
    await stop();
    expect(told).toEqual(['kept', 'current']);
    expect(directory.of('ask')).toEqual(['sre']);
  });
});

it('a right that the directory takes away is gone at the next effect', async () => {
  const scene = await guardScene();
  try {
    const people = ['ask', 'vote'].map(name => ({ name, groups: [] }));
    const parts = { people, directory: { file, accept: ['operators', 'sre'] }, mcp: { scope: 'read' } };
    const config = { ...parts, fleet: { sites: [] } } as unknown as Config;
    expect(directoryOf(config).groups).toEqual(['operators', 'sre']);
    const known = await configuredLogIns(config, scene.records);
    const { records, custody } = scene;
    const windowOf = async () => ({ ...scene.window });
    const policy = loadPolicy(shippedPolicies);
    const authority = createAuthority({
      records,
      policy,
      people: known.people,
      windowOf,
      budgetOf: () => scene.budget,
    });
    const perform = effectPerformer({ records, custody, authority });
    const operation = await approvedOperation(scene);
    const allowed = effectOf(operation);
    await perform(allowed.spec);
    expect(allowed.sent).toHaveLength(1);
    write('people: { ask: [operators], vote: [sre] }');
    const { spec, sent } = effectOf(operation, { step: 'w-1/again' });
    expect(await refusal(perform(spec))).toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('approval'),
    });
    expect(sent).toEqual([]);
  } finally {
    await scene.close();
  }
});
