import { describe, expect, it } from 'vitest';
import { known, unknown } from '../../src/core/bmc.ts';
import type { FleetNode, NodeRole } from '../../src/core/fleet.ts';
import { evidenceAgainst } from '../../src/planning/evidence.ts';
import { etcdOf, remediatorOf } from '../support/cluster-facts.ts';

const none = { etcd: known(etcdOf({ 'cp-1': known(true) })), remediators: known([]) };

function entry(name: string, role: NodeRole): FleetNode {
  return { name, site: 's', cluster: 'c', role, server: { bmcUrl: 'https://10.1.0.1', credential: 'lab' } };
}

describe('against a disruption', () => {
  it('speaks nothing where a worker is one by every account', () => {
    expect(evidenceAgainst(entry('w-1', 'worker'), none, 'worker')).toBeUndefined();
  });

  it.each<[string, FleetNode, NodeRole | undefined, RegExp]>([
    ['it is declared', entry('cp-1', 'control-plane'), undefined, /^control-plane node, which .* without cp-1 0 would/],
    [
      'only Kubernetes says so',
      entry('w-1', 'worker'),
      'control-plane',
      /^control-plane node, although declared a worker/,
    ],
    [
      'a worker holds an etcd member',
      entry('cp-1', 'worker'),
      'worker',
      /^node with an etcd member, which .* without cp-1 0/,
    ],
  ])('speaks the control plane where %s', (_, node, seen, why) => {
    expect(evidenceAgainst(node, none, seen)).toMatch(why);
  });

  it('speak others that repair nodes, and that they cannot be read', () => {
    const worker = entry('w-1', 'worker');
    const others = { ...none, remediators: known([remediatorOf()]) };
    expect(evidenceAgainst(worker, others, 'worker')).toMatch(/^MachineHealthCheck/);
    expect(evidenceAgainst(worker, { ...none, remediators: unknown('403') }, 'worker')).toMatch(/not known: 403$/);
  });
});
