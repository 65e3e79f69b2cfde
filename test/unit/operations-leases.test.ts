/** What one operation alone may hold while it works on a node. */
import { expect, it } from 'vitest';
import { type PlanTarget, targetOf } from '../../src/core/plan.ts';
import { leasesOf } from '../../src/operations/job.ts';
import { examplePlan } from '../support/example-plan.ts';

const { plan } = examplePlan();

/** Keys of both of two nodes that differ from each other in name and BMC, but for these. */
function shared(...changes: [Partial<PlanTarget>, Partial<PlanTarget>]): string[] {
  const target = targetOf(plan, 'w-1');
  const targets = changes.map((change, index) => ({
    ...target,
    node: `n-${index}`,
    bmcUrl: `https://10.0.0.${index}`,
    ...change,
  }));
  const [first = [], second = []] = targets.map(({ node }) => leasesOf({ ...plan, targets }, node));
  return first.filter(key => second.includes(key));
}

it('is nothing of another node', () => {
  expect(shared({}, {})).toEqual([]);
});

it('is the BMC, for all nodes behind it, of whatever cluster', () => {
  const bmcUrl = 'https://10.0.0.9';
  expect(shared({ bmcUrl, cluster: 'a' }, { bmcUrl, cluster: 'b' })).toEqual([`bmc:${bmcUrl}`]);
});

it('is the control plane of its cluster, for each part of it', () => {
  const role = 'control-plane';
  expect(shared({ role, cluster: 'a' }, { role, cluster: 'a' })).toEqual(['control-plane:a']);
  expect(shared({ role, cluster: 'a' }, { role, cluster: 'b' })).toEqual([]);
});
