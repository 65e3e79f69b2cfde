import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Cedar } from '../../src/guard/policy/cedar.ts';
import { loadPolicy } from '../../src/guard/policy/load-policy.ts';
import { policyRequest } from '../support/policy-request.ts';

const schema = readFileSync(new URL('../../policies/schema.cedarschema', import.meta.url), 'utf8');
const changes = 'action in [Fleet::Action::"Disruptive", Fleet::Action::"Destructive"]';
const permit = '@id("all") permit (principal, action, resource);';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'policy-'));
  writeFileSync(join(dir, 'schema.cedarschema'), schema);
});
afterEach(() => rmSync(dir, { recursive: true }));

function policyOf(...statements: string[]) {
  writeFileSync(join(dir, 'rules.cedar'), statements.join('\n'));
  return loadPolicy(dir);
}

function needs(id: string, from = 'operators', when = ''): string {
  const annotations = `@id("${id}") @approvals("1") @from("${from}") @ttl("PT30M") @reason("${id}")`;
  return `${annotations} forbid (principal, ${changes}, resource) ${when} unless { context.cleared.contains("${id}") };`;
}

describe('deciding', () => {
  it('denies what nothing permits, even with every vote', () => {
    const policy = policyOf(needs('a'));
    expect(policy.decide(policyRequest({}, { cleared: ['a'] }))).toMatchObject({ verdict: 'deny' });
  });

  it('asks for all approvals that object, and for none that does not', () => {
    const onlyMcp = needs('mcp', 'operators', 'when { context.via == "mcp" }');
    const policy = policyOf(permit, needs('a'), needs('b'), onlyMcp);
    const named = (cleared: string[], via: string) => {
      const decision = policy.decide(policyRequest({}, { cleared, via }));
      return decision.verdict === 'needs-approval'
        ? decision.requirements.map(need => need.policy).sort()
        : decision.verdict;
    };
    expect(named([], 'cli')).toEqual(['a', 'b']);
    expect(named(['a'], 'cli')).toEqual(['b']);
    expect(named(['a', 'b'], 'cli')).toBe('allow');
    expect(named(['a', 'b'], 'mcp')).toEqual(['mcp']);
  });

  it('names only the hard reasons when votes could not help', () => {
    const hard = `@id("hard") @reason("never") forbid (principal, ${changes}, resource);`;
    const decision = policyOf(permit, hard, needs('a')).decide(policyRequest());
    expect(decision).toEqual({ verdict: 'deny', reasons: [{ policy: 'hard', reason: 'never' }] });
  });

  it('resolves site voters for the site of the resource', () => {
    const decision = policyOf(permit, needs('a', 'site:operators,leads')).decide(policyRequest());
    expect(decision).toMatchObject({ requirements: [{ from: ['boston:operators', 'leads'], ttlMs: 1_800_000 }] });
  });

  it('holds a rule for one site to that site', () => {
    const policy = policyOf(
      permit,
      `@id("x") @reason("frozen") forbid (principal, ${changes}, resource in Fleet::Site::"boston");`,
    );
    expect(policy.decide(policyRequest()).verdict).toBe('deny');
    expect(policy.decide(policyRequest({ resource: { site: 'oslo', cluster: 'prod' } })).verdict).toBe('allow');
  });
});

describe('a request that is incomplete or odd is denied', () => {
  const blast = { peakUnavailable: 0, targets: 1, controlPlane: 0, quorumLost: false, lastOf: [] };
  it.each([
    ['no blast', {}, { blast: undefined }],
    ['no budget', {}, { budget: undefined }],
    ['a count that is NaN', {}, { blast: { ...blast, targets: Number.NaN } }],
    ['a fraction', {}, { blast: { ...blast, peakUnavailable: 0.5 } }],
    ['a negative count', {}, { blast: { ...blast, controlPlane: -1 } }],
    ['an unlimited budget', {}, { budget: { maxUnavailable: Number.POSITIVE_INFINITY } }],
    ['a cluster name that spans sites', { resource: { site: 'boston', cluster: 'x/y' } }, {}],
    ['the whole fleet', { resource: { site: '*', cluster: '*' } }, {}],
    ['no name', { principal: { name: '', groups: [] } }, {}],
    ['an unknown action', { action: 'explode' }, {}],
    ['a risk that is not the action’s', { risk: 'control' as const }, {}],
    ['a group as action', { action: 'Disruptive' }, {}],
  ])('%s', (_, change, context) => {
    const policy = policyOf(permit);
    expect(policy.decide(policyRequest()).verdict).toBe('allow');
    expect(policy.decide(policyRequest(change, context)).verdict).toBe('deny');
  });
});

describe('traps of the evaluator', () => {
  it('a forbid that fails to evaluate denies instead of vanishing', () => {
    const overflow = `@id("x") @reason("never") forbid (principal, ${changes}, resource) when { context.blast.targets + 9223372036854775807 < 0 };`;
    expect(policyOf(permit, overflow).decide(policyRequest())).toMatchObject({
      reasons: [{ policy: 'host:policy-error' }],
    });
  });

  it('a permit that fails to evaluate beside one that allows denies too', () => {
    const overflow = `@id("x") permit (principal, ${changes}, resource) when { context.blast.targets + 9223372036854775807 < 0 };`;
    expect(policyOf(permit, overflow).decide(policyRequest()).verdict).toBe('deny');
  });

  it('an action group matches its actions', () => {
    const group = '@id("x") @reason("never") forbid (principal, action in Fleet::Action::"Disruptive", resource);';
    expect(policyOf(permit, group).decide(policyRequest())).toMatchObject({ reasons: [{ policy: 'x' }] });
  });

  it('more policies than the evaluator has slots are never mixed up', () => {
    const deny = (id: string) =>
      policyOf(permit, `@id("${id}") @reason("never") forbid (principal, ${changes}, resource);`);
    const policies = ['one', 'two', 'three'].map(id => ({ id, policy: deny(id) }));
    const open = policyOf(permit);
    for (const { id, policy } of [...policies, ...policies.toReversed(), ...policies]) {
      expect(policy.decide(policyRequest())).toMatchObject({ reasons: [{ policy: id }] });
      expect(open.decide(policyRequest()).verdict).toBe('allow');
    }
  });

  it('a policy that is in use, and the one before it, are parsed once', () => {
    class Counting extends Cedar {
      calls = 0;
      override call: Cedar['call'] = use => {
        this.calls++;
        return super.call(use);
      };
    }
    const cedar = new Counting();
    const sources = ['one', 'two', 'three'].map(id => ({
      schema,
      policies: { [id]: 'permit (principal, action, resource);' },
    }));
    const used = (index: number) => {
      cedar.calls = 0;
      const answer = cedar.authorize(sources[index] as (typeof sources)[0], {
        principal: { type: 'Fleet::Person', id: 'ana' },
        action: { type: 'Fleet::Action', id: 'getPlan' },
        resource: { type: 'Fleet::Cluster', id: 'boston/prod' },
        context: { via: 'cli', cleared: [] },
        entities: [],
      });
      expect(answer).toMatchObject({ response: { decision: 'allow' } });
      return cedar.calls - 1;
    };
    expect([used(0), used(0), used(1), used(0), used(1), used(1)]).toEqual([1, 0, 1, 0, 0, 0]);
    expect([used(2), used(1), used(2), used(0)]).toEqual([1, 0, 0, 1]);
  });

  it('a trap kills the instance, and a new one takes over', () => {
    const cedar = new Cedar();
    const deep = `permit (principal, action, resource) when { ${'('.repeat(150)}true${')'.repeat(150)} };`;
    const shallow = 'permit (principal, action, resource);';
    cedar.call(api => {
      expect(() => api.policyToJson(deep)).toThrow();
      expect(() => api.policyToJson(shallow), 'dead for good').toThrow();
    });
    expect(() => cedar.call(api => api.policyToJson(deep))).toThrow('started again');
    expect(cedar.call(api => api.policyToJson(shallow)).type).toBe('success');
  });

  it('a policy that was in use when the evaluator died decides as before', () => {
    const source = { schema, policies: { all: 'permit (principal, action, resource);' } };
    const cedar = new Cedar();
    const ask = () =>
      cedar.authorize(source, {
        principal: { type: 'Fleet::Person', id: 'ana' },
        action: { type: 'Fleet::Action', id: 'getPlan' },
        resource: { type: 'Fleet::Cluster', id: 'boston/prod' },
        context: { via: 'cli', cleared: [] },
        entities: [],
      });
    const before = ask();
    expect(before).toMatchObject({ type: 'success', response: { decision: 'allow' } });
    expect(() =>
      cedar.call(() => {
        throw new Error('trap');
      }),
    ).toThrow('started again');
    expect(ask()).toEqual(before);
  });
});
