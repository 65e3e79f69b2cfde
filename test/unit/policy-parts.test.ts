/** The parts of which policies are read: annotations, clauses, groups, places in files, and what a request has to hold. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PolicyRequest } from '../../src/core/policy.ts';
import {
  approvalIn,
  groupsAt,
  groupsForSite,
  sitesWithoutVoters,
} from '../../src/guard/policy/approval-annotations.ts';
import { sharedCedar } from '../../src/guard/policy/cedar.ts';
import { explainDecision } from '../../src/guard/policy/explain-decision.ts';
import { loadPolicy } from '../../src/guard/policy/load-policy.ts';
import { groupsNamed, isOwnClearance, readsClearance } from '../../src/guard/policy/policy-expression.ts';
import { nestedTooDeepAt, readPolicyFolder } from '../../src/guard/policy/policy-files.ts';
import { policyRequestSchema } from '../../src/guard/policy/policy-request.ts';
import { lineOf, placed } from '../../src/guard/policy/source-lines.ts';
import { policyRequest } from '../support/policy-request.ts';

function jsonOf(text: string): PolicyJson {
  const answer = sharedCedar.call(api => api.policyToJson(text));
  if (answer.type === 'failure') throw new Error(answer.errors[0]?.message);
  return answer.json;
}

/** The last clause of a forbid with this condition. */
function clause(condition: string) {
  const last = jsonOf(`forbid (principal, action, resource) ${condition};`).conditions.at(-1);
  if (!last) throw new Error('no clause');
  return last;
}

describe('annotations that ask for votes', () => {
  const faults = (change: Record<string, string | undefined>, effect = 'forbid') => {
    const wanted: Record<string, string | undefined> = { approvals: '1', from: 'operators', ttl: 'PT1H', ...change };
    const annotations = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
    return approvalIn({ ...jsonOf('forbid (principal, action, resource);'), effect, annotations } as PolicyJson);
  };
  const ttl = (text: string) => {
    const { approval, faults: found } = faults({ ttl: text });
    return found.length > 0 ? found.join() : approval?.ttlMs;
  };

  it('are read as what they say, and nothing else', () => {
    const said = { approvals: '5', from: ' a, b,a,site:c ', distinct_groups: '3', tier: 'critical', ttl: 'P1DT2H3M4S' };
    expect(faults(said)).toEqual({
      approval: { approvals: 5, from: ['a', 'b', 'site:c'], distinctGroups: 3, tier: 'critical', ttlMs: 93_784_000 },
      faults: [],
    });
    expect(faults({}).approval).toMatchObject({ approvals: 1, distinctGroups: 1, tier: 'ordinary' });
    expect(faults({ approvals: undefined, from: undefined, ttl: undefined })).toEqual({ faults: [] });
    expect(faults({ approvals: undefined }).faults).toEqual([
      '@from means nothing without @approvals',
      '@ttl means nothing without @approvals',
    ]);
  });

  it.each(['0', '6', '1.5', '-1', '01', '', 'two', '11'])('are refused with %j votes or groups', number => {
    expect(faults({ approvals: number }).faults).toContain('@approvals must be 1 to 5');
    expect(faults({ distinct_groups: number }).faults).toContain('@distinct_groups must be 1 to 5');
  });

  it('are refused where no votes could meet them', () => {
    expect(faults({ approvals: '2', from: 'a,b', distinct_groups: '2' }).faults).toEqual([]);
    expect(faults({ approvals: '3', from: 'a,a', distinct_groups: '2' }).faults).toHaveLength(1);
    expect(faults({ approvals: '1', from: 'a,b', distinct_groups: '2' }).faults).toHaveLength(1);
    expect(faults({ from: 'a,,b' }).faults).toEqual(['@from must name at least one group']);
    expect(faults({ from: 'a,GroundsKeeper' }).faults).toEqual([
      '@from cannot name the program itself: it never votes',
    ]);
    expect(faults({}, 'permit').faults).toEqual(['@approvals belongs on a forbid: a permit cannot ask for votes']);
    const directory = { groups: ['a'], sites: [] };
    const json = {
      ...jsonOf('forbid (principal, action, resource);'),
      annotations: { approvals: '1', from: 'a,b,site:x', ttl: 'PT1H' },
    };
    expect(approvalIn(json, directory).faults).toEqual(['nobody is in the group b']);
  });

  it('give votes a life of more than nothing and at most a week', () => {
    const second = 1000;
    expect([ttl('PT1S'), ttl('PT1M'), ttl('PT1H'), ttl('P1D')]).toEqual(
      [1, 60, 3600, 86_400].map(each => each * second),
    );
    expect([ttl('P7D'), ttl('PT168H'), ttl('PT604800S')]).toEqual([7, 7, 7].map(days => days * 86_400 * second));
    for (const odd of ['P7DT1S', 'PT604801S', 'PT0S', 'P0D', 'P', 'PT', 'P1DT', 'P1W', '1H', 'PT1.5H', 'PT-1H', ''])
      expect(ttl(odd), odd).toMatch('@ttl must be');
  });
});

describe('groups of sites', () => {
  it('are those of the place that is asked about, and no group that somebody claims by that name', () => {
    expect(groupsForSite(['leads', 'site:operators'], 'boston')).toEqual(['leads', 'boston:operators']);
    expect(groupsAt(['boston:operators', 'york:leads', 'sre'], 'boston')).toEqual([
      'boston:operators',
      'york:leads',
      'sre',
      'site:operators',
    ]);
    expect(groupsAt(['site:operators', 'bostonians:x'], 'boston')).toEqual(['bostonians:x']);
  });

  it('may leave a site with too few voters', () => {
    const approval = {
      approvals: 1,
      distinctGroups: 1,
      tier: 'ordinary' as const,
      ttlMs: 1,
      from: ['leads', 'site:operators'],
    };
    const directory = { groups: ['leads', 'boston:operators'], sites: ['boston', 'york'] };
    expect(sitesWithoutVoters(approval, directory)).toBeUndefined();
    const two = { ...approval, distinctGroups: 2 };
    expect(sitesWithoutVoters(two, directory)).toBe('too few could vote at york: nobody is in york:operators');
    expect(sitesWithoutVoters(two, { ...directory, groups: [] })).toBe(
      'too few could vote at boston, york: nobody is in leads, boston:operators, york:operators',
    );
    expect(sitesWithoutVoters(two, { ...directory, sites: [] })).toBeUndefined();
  });
});

describe('a clause', () => {
  it('is its own clearance in exactly one form', () => {
    expect(isOwnClearance(clause('unless { context.cleared.contains("a") }'), 'a')).toBe(true);
    for (const other of [
      'when { context.cleared.contains("a") }',
      'unless { context.cleared.contains("b") }',
      'unless { context.cleared.containsAny(["a"]) }',
      'unless { context.via.contains("a") }',
      'unless { principal.cleared.contains("a") }',
      'unless { context.cleared.contains("a") || false }',
      'unless { !context.cleared.contains("a") }',
      'unless { true }',
    ])
      expect(isOwnClearance(clause(other), 'a'), other).toBe(false);
  });

  it.each([
    'context.cleared.contains("a")',
    'context["cleared"].isEmpty()',
    'context has cleared',
    'context has cleared.x',
    '[context.cleared] == []',
    'context == {}',
    '{ a: context }.a has via',
    'if context.cleared.contains("a") then true else false',
    'principal.x.cleared == 1',
    'context.blast.cleared == 1',
  ])('learns of votes by %s', condition => {
    expect(readsClearance(clause(`when { ${condition} }`))).toBe(true);
  });

  it.each([
    'context.via == "cleared"',
    'context has blast',
    'context.blast.targets > 0',
    'principal has name',
    'true',
    '["cleared"].isEmpty()',
  ])('learns nothing of votes by %s', condition => {
    expect(readsClearance(clause(`when { ${condition} }`))).toBe(false);
  });

  it('and the scope before it name groups', () => {
    const named = (text: string) => groupsNamed(jsonOf(text));
    expect(
      named(
        'permit (principal in Fleet::Group::"a", action, resource) when { principal in [Fleet::Group::"b", Fleet::Group::"a"] };',
      ),
    ).toEqual(['a', 'b']);
    expect(
      named('permit (principal == Fleet::Person::"a", action == Fleet::Action::"b", resource in Fleet::Site::"c");'),
    ).toEqual([]);
  });
});

describe('the text of a policy', () => {
  it('is nested as deep as brackets and chains of `if` make it, up to 32, on the line that is told', () => {
    const open = '('.repeat(32);
    expect(nestedTooDeepAt(`${open}${')'.repeat(32)}${open}`)).toBeUndefined();
    expect(nestedTooDeepAt(`a\nb\n${open}\n[`)).toBe(4);
    for (const bracket of ['(', '[', '{']) expect(nestedTooDeepAt(bracket.repeat(33))).toBe(1);
    const chain = 'if a then b else '.repeat(32);
    expect(nestedTooDeepAt(`${chain};${chain};`)).toBeUndefined();
    expect(nestedTooDeepAt(`${chain}if`)).toBe(1);
    expect(nestedTooDeepAt(`${'('.repeat(16)}${'if '.repeat(17)}`)).toBe(1);
    expect(nestedTooDeepAt(`${'iffy elif '.repeat(40)}`)).toBeUndefined();
  });

  it('has its faults where editors count them', () => {
    expect([lineOf('a\nb', 0), lineOf('a\nb', 1), lineOf('a\nb', 2)]).toEqual([1, 1, 2]);
    const text = 'é\né\nx';
    const at = (start: number, first?: number) =>
      placed({ message: 'm', sourceLocations: [{ start }] }, { name: 'f', text, ...(first && { first }) });
    expect([at(0), at(3), at(6), at(6, 10)]).toEqual(['f:1: m', 'f:2: m', 'f:3: m', 'f:12: m']);
    for (const sourceLocations of [undefined, []])
      expect(placed({ message: 'm', ...(sourceLocations && { sourceLocations }) }, { name: 'f', text })).toBe('f: m');
  });
});

describe('a policy folder', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'policy-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('is read as far as it is fit for the evaluator, in the order of names', () => {
    const schema = readFileSync(new URL('../../policies/schema.cedarschema', import.meta.url), 'utf8');
    writeFileSync(join(dir, 'schema.cedarschema'), schema);
    writeFileSync(join(dir, 'b.cedar'), 'b');
    writeFileSync(join(dir, 'a.cedar'), 'a');
    writeFileSync(join(dir, 'notes.txt'), 'x');
    const { schema: read, policies, problems, digest } = readPolicyFolder(dir);
    expect([read?.text, policies, problems]).toEqual([
      schema,
      [
        { name: 'a.cedar', text: 'a' },
        { name: 'b.cedar', text: 'b' },
      ],
      [],
    ]);
    writeFileSync(join(dir, 'schema.cedarschema'), `${schema}\n`);
    expect(readPolicyFolder(dir).digest, 'the schema counts').not.toBe(digest);
    const largest = `//${'x'.repeat(256 * 1024 - 2)}`;
    writeFileSync(join(dir, 'b.cedar'), largest);
    expect(readPolicyFolder(dir).problems).toEqual([]);
    writeFileSync(join(dir, 'b.cedar'), `${largest}x`);
    writeFileSync(join(dir, 'a.cedar'), '('.repeat(40));
    expect(readPolicyFolder(dir)).toMatchObject({
      policies: [],
      problems: ['a.cedar:1: nested more than 32 deep', 'b.cedar: larger than 256 KiB'],
    });
    expect(readPolicyFolder(join(dir, 'none'))).toEqual({
      policies: [],
      digest: '',
      problems: [expect.stringContaining('cannot be read')],
    });
  });
});

describe('a request', () => {
  // Each fact as small as it gets: none of them counts as left out.
  const whole = policyRequest(
    {},
    {
      blast: { peakUnavailable: 0, targets: 0, controlPlane: 0, quorumLost: false, lastOf: [] },
      budget: { maxUnavailable: 0 },
      window: { open: false, closesInMs: 0, expectedMs: 0 },
    },
  );
  const fits = (change: object, context: object = {}) =>
    policyRequestSchema.safeParse({ ...whole, ...change, context: { ...whole.context, ...context } }).success;

  it('for a change says all of what it would break, where, and when', () => {
    for (const risk of ['disruptive', 'destructive']) {
      expect(fits({ risk })).toBe(true);
      for (const fact of ['blast', 'budget', 'frozen', 'window'])
        expect(fits({ risk }, { [fact]: undefined }), `${risk} ${fact}`).toBe(false);
      for (const place of [{ site: '*' }, { cluster: '*' }])
        expect(fits({ risk, resource: { ...whole.resource, ...place } })).toBe(false);
    }
  });

  it('that changes nothing may be about the whole fleet and measure nothing', () => {
    for (const risk of ['read', 'control']) {
      const bare = { blast: undefined, budget: undefined, frozen: undefined, window: undefined };
      expect(fits({ risk, resource: { site: '*', cluster: '*' } }, bare)).toBe(true);
    }
  });

  it('is of one form', () => {
    expect(fits({ extra: 1 })).toBe(false);
    expect(fits({ risk: 'other' })).toBe(false);
    for (const site of ['', 'a/b', 'x'.repeat(254)])
      expect(fits({ resource: { ...whole.resource, site } }), site).toBe(false);
    expect(fits({ resource: { ...whole.resource, site: 'x'.repeat(253) } })).toBe(true);
    expect(fits({}, { cleared: undefined })).toBe(false);
  });
});

describe('an explanation', () => {
  const policy = loadPolicy(new URL('../../policies', import.meta.url).pathname);
  const asked = (site: string, groups: string[] = []): Omit<PolicyRequest, 'risk'> => {
    return {
      principal: { name: 'mia', groups },
      action: 'startPlan',
      resource: { site, cluster: '*' },
      context: { via: 'cli', cleared: [] },
    };
  };

  it('names groups that would help only where nothing permits it, and none of a site where all are meant', () => {
    const at = explainDecision(policy, asked('boston')).otherwise.map(({ group }) => group);
    expect(at).toEqual(expect.arrayContaining(['operators', 'boston:operators']));
    expect(at).not.toContain('groundskeeper');
    const fleet = explainDecision(policy, asked('*')).otherwise.map(({ group }) => group);
    expect(fleet).toContain('operators');
    expect(fleet.filter(group => group.includes(':'))).toEqual([]);
    const allowed = explainDecision(policy, asked('boston', ['operators']));
    expect([allowed.decision.verdict, allowed.otherwise, allowed.by.length > 0]).toEqual(['allow', [], true]);
  });
});
