import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadPolicy } from '../../src/guard/policy/load-policy.ts';
import { nestedTooDeepAt } from '../../src/guard/policy/policy-files.ts';

const schema = readFileSync(new URL('../../policies/schema.cedarschema', import.meta.url), 'utf8');
const permit = '@id("look") permit (principal, action in Fleet::Action::"Read", resource);';
const directory = { groups: ['operators', 'boston:operators'], sites: ['boston'] };

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'policy-'));
  writeFileSync(join(dir, 'schema.cedarschema'), schema);
  writeFileSync(join(dir, 'a.cedar'), permit);
});
afterEach(() => rmSync(dir, { recursive: true }));

function load(text: string) {
  writeFileSync(join(dir, 'b.cedar'), text);
  return loadPolicy(dir, directory);
}

function approval(change: { id?: string; annotations?: string; effect?: string; body?: string }): string {
  const { id = 'vote', annotations = '@approvals("1") @from("operators") @ttl("PT1H")', effect = 'forbid' } = change;
  const { body = `unless { context.cleared.contains("${id}") }` } = change;
  return `@id("${id}") @reason("why") ${annotations} ${effect} (principal, action in Fleet::Action::"Disruptive", resource) ${body};`;
}

function twoOf(from: string): string {
  return approval({ annotations: `@approvals("2") @from("${from}") @ttl("PT1H") @distinct_groups("2")` });
}

/** Two votes of two groups, which is sound, and one annotation more. */
function voting(annotation: string): string {
  return approval({ annotations: `@approvals("2") @from("operators, site:operators") @ttl("PT1H") ${annotation}` });
}

describe('loading a policy', () => {
  it('accepts a sound one', () => {
    expect(() => load(approval({}))).not.toThrow();
    expect(() =>
      load(approval({ annotations: '@approvals("5") @from("site:operators, operators") @ttl("P1DT2H")' })),
    ).not.toThrow();
  });

  it('takes votes from different groups, and a tier', () => {
    const { statements } = load(voting('@distinct_groups("2") @tier("critical")'));
    expect(statements.find(({ id }) => id === 'vote')?.approval).toMatchObject({ distinctGroups: 2, tier: 'critical' });
    const plain = load(voting('')).statements.find(({ id }) => id === 'vote');
    expect(plain?.approval).toMatchObject({ distinctGroups: 1, tier: 'ordinary' });
  });

  it('notices where too few could vote, which denies more and not less', () => {
    const noticed = (from: string, more = '') =>
      load(approval({ annotations: `@approvals("2") @from("${from}") @ttl("PT1H") ${more}` })).notices;
    expect(noticed('site:ghosts')).toEqual([
      'b.cedar:1: vote: too few could vote at boston: nobody is in boston:ghosts',
    ]);
    expect(noticed('operators, site:ghosts', '@distinct_groups("2")')).toHaveLength(1);
    expect(noticed('operators, site:ghosts')).toEqual([]);
  });

  it('knows the group of the program itself, in which nobody is', () => {
    expect(() =>
      load('@id("own") permit (principal in Fleet::Group::"groundskeeper", action, resource);'),
    ).not.toThrow();
  });

  const twice = `${approval({})}\n${approval({})}`;
  const forbid = '@id("no") @reason("why") forbid (principal, action in Fleet::Action::"Disruptive", resource)';
  it.each([
    ['an @id that is used twice', twice, 'another policy has the same @id'],
    ['an @id of another file', permit, 'another policy has the same @id'],
    ['no @id', 'permit (principal, action in Fleet::Action::"Read", resource);', '@id must be'],
    ['a forbid without @reason', '@id("no") forbid (principal, action, resource);', 'needs a @reason'],
    ['@approvals on a permit', approval({ effect: 'permit' }), 'belongs on a forbid'],
    ['no approvals', approval({ annotations: '@approvals("0") @from("operators") @ttl("PT1H")' }), '1 to 5'],
    ['six approvals', approval({ annotations: '@approvals("6") @from("operators") @ttl("PT1H")' }), '1 to 5'],
    ['no @from', approval({ annotations: '@approvals("1") @ttl("PT1H")' }), '@from must name'],
    ['no @ttl', approval({ annotations: '@approvals("1") @from("operators")' }), '@ttl must be'],
    ['a @ttl of nothing', approval({ annotations: '@approvals("1") @from("operators") @ttl("PT0S")' }), '@ttl must be'],
    [
      'a @ttl without end',
      approval({ annotations: '@approvals("1") @from("operators") @ttl("P999D")' }),
      '@ttl must be',
    ],
    ['@from without @approvals', `@from("operators") ${forbid};`, '@from means nothing without @approvals'],
    ['an annotation that nobody reads', `@distinct_group("2") ${approval({})}`, '@distinct_group is not known'],
    ['@tier without @approvals', `@tier("critical") ${forbid};`, '@tier means nothing without @approvals'],
    ['no distinct groups', voting('@distinct_groups("0")'), '@distinct_groups must be 1 to 5'],
    ['six distinct groups', voting('@distinct_groups("6")'), '@distinct_groups must be 1 to 5'],
    ['more distinct groups than voters have', voting('@distinct_groups("3")'), '@distinct_groups wants 3, and @from'],
    [
      'more distinct groups than votes',
      approval({
        annotations: '@approvals("1") @from("operators, site:operators") @ttl("PT1H") @distinct_groups("2")',
      }),
      '@distinct_groups wants 2, and @approvals 1',
    ],
    ['a group named twice as two', twoOf('operators, operators'), '@from names 1'],
    ['a tier that nobody knows', voting('@tier("high")'), '@tier must be ordinary or critical'],
    ['an empty tier', voting('@tier("")'), '@tier must be ordinary or critical'],
    [
      'voters that do not exist',
      approval({ annotations: '@approvals("1") @from("ghosts") @ttl("PT1H")' }),
      'nobody is in the group ghosts',
    ],
    [
      'the program itself as a voter',
      approval({ annotations: '@approvals("1") @from("operators, groundskeeper") @ttl("PT1H")' }),
      'it never votes',
    ],
    [
      'a scope with a group that does not exist',
      '@id("x") permit (principal in Fleet::Group::"ghosts", action, resource);',
      'group ghosts',
    ],
    [
      'a clause with a group that does not exist',
      '@id("x") permit (principal, action, resource) when { principal in Fleet::Group::"ghosts" };',
      'group ghosts',
    ],
    ['an approval without its clause', approval({ body: '' }), 'its last clause must be'],
    [
      "another policy's clearance",
      approval({ body: 'unless { context.cleared.contains("other") }' }),
      'its last clause must be',
    ],
    [
      'a clearance with when',
      approval({ body: 'when { context.cleared.contains("vote") }' }),
      'its last clause must be',
    ],
    [
      'a clearance that is more than itself',
      approval({ body: 'unless { context.cleared.contains("vote") || true }' }),
      'its last clause must be',
    ],
    [
      'a clearance that is not last',
      approval({ body: 'unless { context.cleared.contains("vote") } when { context.via == "cli" }' }),
      'its last clause must be',
    ],
    [
      'a permit that reads votes',
      '@id("x") permit (principal, action, resource) when { context.cleared.contains("vote") };',
      'only that last clause',
    ],
    ['a hard denial that reads votes', `${forbid} unless { context.cleared.contains("no") };`, 'only that last clause'],
    [
      'votes read by another spelling',
      `${forbid} unless { context["cleared"].contains("no") };`,
      'only that last clause',
    ],
    ['votes asked for with has', `${forbid} when { context has cleared };`, 'only that last clause'],
    [
      'votes read through the whole context',
      `${forbid} unless { {it: context}.it.via == "x" };`,
      'only that last clause',
    ],
    [
      'an unknown action group',
      '@id("x") permit (principal, action in Fleet::Action::"Nope", resource);',
      'unrecognized action',
    ],
    [
      'a context that some action lacks',
      '@id("x") permit (principal, action, resource) when { context.blast.targets > 0 };',
      'blast',
    ],
    [
      'a policy that can never match',
      '@id("x") permit (principal, action, resource) when { principal is Fleet::Site };',
      'impossible',
    ],
    ['a template', '@id("x") permit (principal == ?principal, action, resource);', 'templates'],
    ['no Cedar at all', 'allow everyone;', 'b.cedar'],
    [
      'deep nesting',
      `@id("x") permit (principal, action, resource) when { ${'('.repeat(150)}true${')'.repeat(150)} };`,
      'nested more than 32',
    ],
    [
      'deep nesting without brackets',
      `@id("x") permit (principal, action, resource) when { ${'if true then true else '.repeat(1000)}true };`,
      'nested more than 32',
    ],
    [
      'an expression that traps the evaluator',
      `@id("x") permit (principal, action, resource) when { ${'true && '.repeat(15_000)}true };`,
      'cannot take this text',
    ],
    ['a huge file', `// ${'x'.repeat(256 * 1024)}`, 'larger than 256 KiB'],
  ])('refuses %s', (_, text, message) => {
    expect(() => load(text)).toThrow(message);
    expect(() => load(approval({})), 'the evaluator still works afterwards').not.toThrow();
  });

  it('reports the problems of all files together', () => {
    writeFileSync(join(dir, 'a.cedar'), 'permit (principal, action in Fleet::Action::"Read", resource);');
    expect(() => load('@id("x") forbid (principal, action, resource);')).toThrow(/a\.cedar.*b\.cedar/s);
  });

  it('refuses a folder without policies, without a schema, or that is missing', () => {
    expect(() => loadPolicy(join(dir, 'missing'))).toThrow('cannot be read');
    rmSync(join(dir, 'a.cedar'));
    expect(() => loadPolicy(dir)).toThrow('no .cedar file');
    rmSync(join(dir, 'schema.cedarschema'));
    expect(() => loadPolicy(dir)).toThrow('schema.cedarschema is missing');
  });

  it.each([
    ['an action outside of the risk groups', /in \["Control"\]/, '', 'the action startPlan must be in exactly one'],
    [
      'an action in two of them',
      /in \["Control"\]/,
      'in ["Read", "Control"]',
      'the action startPlan must be in exactly one',
    ],
    ['a risk group too few', /"Destructive"/g, '"Ruinous"', 'the action group Fleet::Action::"Destructive" is missing'],
  ])('refuses a schema with %s', (_, from, to, message) => {
    writeFileSync(join(dir, 'schema.cedarschema'), schema.replace(from, to));
    expect(() => loadPolicy(dir)).toThrow(message);
  });

  it('names the place of the policy that has the same @id', () => {
    expect(() => load(`// first\n${permit}`)).toThrow('b.cedar:2: look: another policy has the same @id: a.cedar:1');
  });

  it('refuses what is no UTF-8, where a word could be read in two ways', () => {
    writeFileSync(join(dir, 'b.cedar'), Buffer.concat([Buffer.from('// '), Buffer.from([0xff])]));
    expect(() => loadPolicy(dir)).toThrow('b.cedar: cannot be read as UTF-8 text');
  });

  it('refuses more files than anybody reads', () => {
    for (let n = 0; n < 64; n++) writeFileSync(join(dir, `f${n}.cedar`), permit.replace('look', `look-${n}`));
    expect(() => loadPolicy(dir)).toThrow('more than 64 .cedar files');
    rmSync(join(dir, 'f0.cedar'));
    expect(() => loadPolicy(dir)).not.toThrow();
  });
});

describe('nesting', () => {
  it('counts brackets, and not those in strings and comments', () => {
    expect(nestedTooDeepAt('('.repeat(32))).toBeUndefined();
    expect(nestedTooDeepAt('('.repeat(33))).toBeDefined();
    expect(nestedTooDeepAt(`"${'('.repeat(99)}\\"${'('.repeat(99)}" // ${'('.repeat(99)}`)).toBeUndefined();
  });

  it('is not hidden by closing brackets in strings and comments', () => {
    expect(nestedTooDeepAt('( // )\n'.repeat(33))).toBeDefined();
    expect(nestedTooDeepAt('( ")" '.repeat(33))).toBeDefined();
  });
});

describe('the policy digest', () => {
  it('follows file names and contents, and nothing else', () => {
    const { digest } = loadPolicy(dir);
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    writeFileSync(join(dir, 'cases.yaml'), 'cases: []');
    expect(loadPolicy(dir).digest).toBe(digest);
    writeFileSync(join(dir, 'a.cedar'), `${permit}\n`);
    const changed = loadPolicy(dir).digest;
    expect(changed).not.toBe(digest);
    rmSync(join(dir, 'a.cedar'));
    writeFileSync(join(dir, 'c.cedar'), permit);
    expect([digest, changed]).not.toContain(loadPolicy(dir).digest);
  });
});
