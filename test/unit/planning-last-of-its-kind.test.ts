import { describe, expect, it } from 'vitest';
import type { NodeFacts } from '../../src/core/cluster-facts.ts';
import { lastOf } from '../../src/planning/last-of-its-kind.ts';
import { nodeOf } from '../support/cluster-facts.ts';

const nodeIn = (name: string, zone: string | undefined, more: Partial<NodeFacts> = {}) =>
  nodeOf(name, { role: 'worker', labels: zone ? { 'topology.kubernetes.io/zone': zone } : {}, ...more });

describe('the last node of its kind', () => {
  const node = nodeIn('a', 'east');

  it.each<[string, NodeFacts[], string | undefined]>([
    ['has another beside it', [nodeIn('b', 'east')], undefined],
    ['is alone', [], 'the role worker'],
    ['is alone in its zone', [nodeIn('b', 'west')], 'the zone east'],
    [
      'has only a cordoned one beside it',
      [nodeIn('b', 'east', { unschedulable: true }), nodeIn('c', 'west')],
      'the zone east',
    ],
    ['has only one beside it that is not ready', [nodeIn('b', 'east', { ready: false })], 'the role worker'],
    ['has only a control-plane node beside it', [nodeIn('b', 'east', { role: 'control-plane' })], 'the role worker'],
  ])('%s', (_, others, last) => {
    expect(lastOf(node, [node, ...others])).toBe(last);
  });

  it('is nobody where no zone is known', () => {
    const unzoned = nodeIn('a', undefined);
    expect(lastOf(unzoned, [unzoned, nodeIn('b', 'west')])).toBeUndefined();
  });
});
