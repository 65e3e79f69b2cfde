import { describe, expect, it } from 'vitest';
import type { RemediatorFacts } from '../../src/core/cluster-facts.ts';
import { remediatorRefusal, remediatorsOf } from '../../src/planning/remediators.ts';
import { remediatorOf } from '../support/cluster-facts.ts';

const target = { node: 'w-1', bmcUrl: 'https://10.1.0.11:8443' };

describe('another controller acts on a node', () => {
  const acting: [string, Partial<RemediatorFacts>][] = [
    ['that it names', { nodes: ['w-2', 'w-1'] }],
    ['when its nodes cannot be told', {}],
    ['whose BMC it powers, whatever nodes it names', { bmc: '10.1.0.11', nodes: [] }],
    ['that it names, although it powers another BMC', { bmc: '10.1.0.12', nodes: ['w-1'] }],
    ['when its BMC has an address of the other family and no node is told', { bmc: 'fd00:1::11' }],
    ['that it works on, although it is paused', { nodes: ['w-2'], busyWith: ['w-1'], pausedBy: 'a person' }],
    ['that it works on, although it covers others', { nodes: ['w-2'], busyWith: ['w-1'] }],
  ];
  it.each(acting)('%s', (_, change) => {
    expect(remediatorsOf(target, [remediatorOf(change)])).toHaveLength(1);
    expect(remediatorRefusal(target, [remediatorOf(change)])).toContain('MachineHealthCheck machines/workers');
  });

  const idle: [string, Partial<RemediatorFacts>][] = [
    ['that is not among its nodes', { nodes: ['w-2'] }],
    ['when it has none', { nodes: [] }],
    ['while it is paused', { pausedBy: 'its annotation' }],
    ['when it powers another BMC of the same family', { bmc: '10.1.0.12' }],
    ['when it works on another', { nodes: ['w-2'], busyWith: ['w-2'] }],
  ];
  it.each(idle)('but not %s', (_, change) => {
    expect(remediatorsOf(target, [remediatorOf(change)])).toEqual([]);
    expect(remediatorRefusal(target, [remediatorOf(change)])).toBeUndefined();
  });

  it('is recognized by a BMC address of IPv6', () => {
    const url = 'https://[fd00:1::11]';
    expect(remediatorsOf({ node: 'w-1', bmcUrl: url }, [remediatorOf({ bmc: 'fd00:1::11', nodes: [] })])).toHaveLength(
      1,
    );
    expect(remediatorsOf({ node: 'w-1', bmcUrl: url }, [remediatorOf({ bmc: 'fd00:1::12' })])).toEqual([]);
  });
});

describe('the refusal', () => {
  it('names each with the command that pauses it, and none that does not act', () => {
    const refusal = remediatorRefusal(target, [
      remediatorOf(),
      remediatorOf({ name: 'elsewhere', nodes: ['w-9'] }),
      remediatorOf({
        kind: 'Plan',
        namespace: '',
        name: 'agents',
        does: 'upgrades nodes',
        pause: 'kubectl label node <node> plan=disabled',
      }),
    ]);
    expect(refusal).toBe(
      'MachineHealthCheck machines/workers deletes and replaces machines; ' +
        'pause it: kubectl annotate mhc workers paused=. ' +
        'Plan agents upgrades nodes; pause it: kubectl label node w-1 plan=disabled',
    );
  });

  it('says to wait for one that works on the node right now', () => {
    const busy = remediatorOf({ busyWith: ['w-1'] });
    expect(remediatorRefusal(target, [busy])).toMatch(/works on w-1 right now, so wait .*, then pause it: kubectl/);
    expect(remediatorRefusal(target, [{ ...busy, pausedBy: 'x' }])).toMatch(/wait until it has finished$/);
  });
});
